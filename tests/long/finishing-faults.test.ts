// Fails every file operation of a run that only has its adapter to write: reading its checkpoint, sweeping, writing.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOnnxBackend } from '../../src/backends/onnx/index.ts'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { runTrainingJob } from '../../src/processes/trainer/training-job.ts'
import type { TrainerEvent, TrainerJob } from '../../src/shared/trainer-protocol.ts'
import { type Fault, withFault } from '../faults/fault-files.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'

let tiny: TestLibrary
let job: TrainerJob
let adapterSha256: string | null

async function runInHere(answer: 'resume' | 'cancel' = 'resume'): Promise<TrainerEvent[]> {
  const host = {
    backend: createOnnxBackend(),
    appVersion: 'test',
    nowMs: () => performance.now(),
    peakResidentBytes: () => 0,
    memory: null,
    nextCommand: async () => 'continue' as const,
    holdYourself: () => {},
    waitWhilePaused: async () => answer,
  }
  const events: TrainerEvent[] = []
  for await (const event of runTrainingJob(job, host)) events.push(event)
  return events
}
const endOf = (events: readonly TrainerEvent[]): TrainerEvent => events.at(-1)!
const removeAdapter = () => rm(join(job.runFolder, 'adapter'), { recursive: true, force: true })

beforeAll(async () => {
  tiny = await makeTinyLibrary()
  job = await tiny.makeJob('finishing', { duration: { epochs: 1 } })
  const end = endOf(await runInHere())
  if (end.kind !== 'finished') throw new Error(JSON.stringify(end))
  adapterSha256 = end.adapterSha256
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

describe('writing the adapter, each file operation failing', () => {
  async function runWith(fault: Fault) {
    await removeAdapter()
    // A dead disk stays dead: waiting for it would take for ever.
    return withFault(job.runFolder, fault, () => runInHere(fault.kind === 'dead' ? 'cancel' : 'resume'))
  }

  it.each(['ENOSPC', 'EIO', 'dead'] as const)(
    '%s: a typed end, and the next start has the same adapter',
    {
      timeout: 300_000,
    },
    async (kind) => {
      const { operations } = await runWith({ at: 0, kind })
      expect(operations.length).toBeGreaterThan(25)
      const ends = new Set<string>()
      for (let at = 1; at <= operations.length; at += 1) {
        // A dead disk stays dead: the run would wait for it for ever, so only its start is of interest here.
        if (kind === 'dead' && operations[at - 1]!.path.includes('adapter')) continue
        const { result } = await runWith({ at, kind })
        if (result.status === 'rejected') throw result.reason
        const end = endOf(result.value)
        ends.add(end.kind)
        if (end.kind === 'failed') expect(end.problem.code).toMatch(/^(disk|checkpoint|file|run)\./)
        else if (kind === 'dead') expect(end).toMatchObject({ kind: 'finished', reason: 'cancelled' })
        else expect(end).toMatchObject({ kind: 'finished', adapterSha256 })
      }
      expect(ends).toContain('failed')
      expect(endOf(await runInHere())).toMatchObject({ kind: 'finished', adapterSha256 })
      const names = await readdir(job.runFolder, { recursive: true })
      expect(names.filter((name) => isTemporaryName(name))).toEqual([])
    },
  )
})
