// What a trainer that stays open holds, within the memory that there is; on another runtime and over two stages the same bits.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import { createKeptParts, type KeptParts } from '../../../src/processes/trainer/kept-parts.ts'
import { createKeptSessions } from '../../../src/processes/trainer/kept-sessions.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { runTrainingJob } from '../../../src/processes/trainer/training-job.ts'
import { runJobHere } from './run-job-here.ts'
import type { TestLibrary } from './tiny-run.ts'
import { curveOf, finishedOf } from './trainer-process.ts'
import { makeTwoStageLibrary } from './two-stage-runs.ts'

vi.setConfig({ testTimeout: 200_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTwoStageLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

let jobs = 0
async function makeJob(changes: Record<string, unknown>): Promise<TrainerJob> {
  jobs += 1
  const settings = {
    before: null,
    duration: { epochs: 1 },
    evaluation: { everySteps: 2, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
  }
  return { ...(await tiny.makeJob(`run-${jobs}`, { ...settings, ...changes })), staysOpen: true }
}

const backend = createOnnxBackend()
async function runWith(kept: KeptParts, job: TrainerJob, memory: MemoryLook | null = null) {
  const events: TrainerEvent[] = []
  const host = {
    backend,
    appVersion: 'test',
    nowMs: () => performance.now(),
    memory,
    peakResidentBytes: () => 1,
    nextCommand: async () => 'continue' as const,
    holdYourself: () => {},
    waitWhilePaused: async () => 'cancel' as const,
  }
  for await (const event of runTrainingJob(job, host, kept)) events.push(event)
  return events
}

const foundReady = (
  events: readonly TrainerEvent[],
): Pick<TrainerEventOf<'reused'>, 'graphsReused' | 'graphsCompiled'> => {
  const { graphsReused, graphsCompiled } = events.find((event) => event.kind === 'reused')!
  return { graphsReused, graphsCompiled }
}
const ofRank = (rank: number) => makeJob({ method: { kind: 'lora', rank, alpha: 8 } })

describe('graphs that are held', () => {
  /** The process holds all that it will take, so that it begins whatever is free. */
  const memoryOf = (availableBytes: number): MemoryLook => ({
    residentBytes: () => 1e12,
    peakResidentBytes: () => 1,
    availableBytes: () => availableBytes,
  })

  it('of another rank stay where memory holds the next run beside them, and go where it does not', async () => {
    for (const [availableBytes, graphsReused] of [
      [1e11, 2],
      [1.5e8, 0],
    ] as const) {
      const kept = createKeptParts()
      await runWith(kept, await ofRank(4), memoryOf(1e11))
      expect(foundReady(await runWith(kept, await ofRank(8), memoryOf(availableBytes))).graphsCompiled).toBe(
        2,
      )
      const third = await runWith(kept, await ofRank(4), memoryOf(availableBytes))
      expect(foundReady(third)).toEqual({ graphsReused, graphsCompiled: 2 - graphsReused })
      // What the run itself uses again is never let go for it.
      const fourth = await runWith(kept, await ofRank(4), memoryOf(availableBytes))
      expect(foundReady(fourth)).toEqual({ graphsReused: 2, graphsCompiled: 0 })
      await kept.close()
    }
  })

  it('are no more than so many, the longest unused going first', async () => {
    const sessions = createKeptSessions()
    const disposed: string[] = []
    const open = async (key: string) => {
      await sessions.take(key, async () => ({
        run: async () => new Map(),
        dispose: async () => void disposed.push(key),
      }))
    }
    for (const key of ['a', 'b', 'c', 'd']) await open(key)
    await sessions.makeRoom(new Set(), async () => false)
    expect(disposed).toEqual([])
    expect(sessions.holdsIdle()).toBe(false)
    for (const key of ['a', 'b', 'c']) await sessions.leave(key, true)
    expect((await sessions.take('a', () => Promise.reject(new Error('made anew')))).isReused).toBe(true)
    await expect(sessions.take('a', () => Promise.reject(new Error('made anew')))).rejects.toThrow('twice')
    await sessions.leave('a', true)
    expect(sessions.holdsIdle()).toBe(true)
    await sessions.makeRoom(new Set(['b']), async (idle) => idle <= 1)
    expect(disposed).toEqual(['c'])
    await sessions.leave('d', false)
    expect(disposed).toEqual(['c', 'd'])
    await sessions.close()
    expect(disposed.sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('of two stages give the bits of a run of its own', async () => {
    const kept = createKeptParts()
    const two = (changes: Record<string, unknown>) => makeJob({ before: {}, ...changes })
    const first = await runWith(kept, await two({}))
    const second = await runWith(kept, await two({ seed: 5 }))
    expect(foundReady(first)).toEqual({ graphsReused: 0, graphsCompiled: 3 })
    expect(foundReady(second)).toEqual({ graphsReused: 3, graphsCompiled: 0 })
    await kept.close()
    const alone = await runJobHere(await two({ seed: 5 }))
    expect(curveOf(second)).toEqual(curveOf(alone))
    expect(finishedOf(second).adapterSha256).toBe(finishedOf(alone).adapterSha256)
  })
})
