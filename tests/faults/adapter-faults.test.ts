// Fails every file operation of writing what a run leaves. tests/long/finishing-faults.test.ts does it to a whole run.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { tunedFiles, tunedKindOf } from '../../src/core/training/tuned-version.ts'
import { languageModel, parseModelConfig } from '../../src/engine/index.ts'
import { layoutOf } from '../../src/engine/train/state.ts'
import { sweepTuned, writeTuned } from '../../src/processes/trainer/tuned-files.ts'
import { unwrap } from '../../src/shared/result.ts'
import type { TrainerJob } from '../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, readJson, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import { faultKinds, withFault } from './fault-files.ts'

const kinds = [
  ['the adapter', 'lora', { name: 'model.layers.0.mlp.up_proj.lora_A.weight', shape: [4, 32] }],
  ['the whole model', 'full', { name: 'model.layers.0.mlp.up_proj.weight', shape: [64, 32] }],
] as const

describe.each(kinds)('writing %s, each file operation failing', (_, kind, weight) => {
  const layout = layoutOf([weight])
  const parameters = Float32Array.from({ length: layout.length }, (_, i) => Math.cos(i))
  const files = tunedFiles[tunedKindOf({ kind })]
  // All are written by the same hand: for the second kind a full disk and a killed process are enough.
  const faults = kind === 'lora' ? faultKinds : (['ENOSPC', 'dead'] as const)
  let tiny: TestLibrary
  let job: TrainerJob
  let write: (values?: Float32Array) => ReturnType<typeof writeTuned>
  beforeAll(async () => {
    tiny = await makeTinyLibrary()
    job = await tiny.makeJob('run', { method: { kind } })
    const config = unwrap(parseModelConfig(await readJson(join(job.modelFolder, 'config.json'))))
    write = (values = parameters) =>
      writeTuned(job, { config, head: { task: languageModel, classNames: [] } }, layout, values)
  })
  afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

  const weightsPath = () => join(job.runFolder, files.folder, files.weights)
  const hashOnDisk = async () =>
    createHash('sha256')
      .update(await readFile(weightsPath()))
      .digest('hex')

  /** Where nothing lies yet, and where another version lies in the way. */
  it.each(faults.flatMap((fault) => [[fault, false] as const, [fault, true] as const]))(
    '%s (another one in its place: %s): whole or not at all, and the next start can write it',
    async (fault, isReplacing) => {
      const prepare = async () => {
        await rm(join(job.runFolder, files.folder), { recursive: true, force: true })
        if (isReplacing) unwrap(await write(parameters.map((value) => value + 1)))
      }
      await prepare()
      const { operations } = await withFault(job.runFolder, { at: 0, kind: fault }, () => write())
      expect(operations.length).toBeGreaterThan(12)
      for (let at = 1; at <= operations.length; at += 1) {
        await prepare()
        const { result } = await withFault(job.runFolder, { at, kind: fault }, () => write())
        if (result.status === 'rejected') throw result.reason
        if (result.value.ok) expect(await hashOnDisk()).toBe(result.value.value)
        else expect(result.value.problem.code).toBe(fault === 'ENOSPC' ? 'disk.full' : 'disk.failed')
        // The next start.
        await sweepTuned(job.runFolder)
        expect(unwrap(await write())).toBe(await hashOnDisk())
        expect((await readdir(job.runFolder)).filter((name) => isTemporaryName(name))).toEqual([])
      }
    },
  )
})
