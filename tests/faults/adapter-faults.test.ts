// Fails every file operation of writing the adapter. tests/long/finishing-faults.test.ts does it to a whole run.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { parseModelConfig } from '../../src/engine/index.ts'
import { layoutOf } from '../../src/engine/train/state.ts'
import { sweepTuned, writeTuned } from '../../src/processes/trainer/tuned-files.ts'
import { unwrap } from '../../src/shared/result.ts'
import type { TrainerJob } from '../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, readJson, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import { faultKinds, withFault } from './fault-files.ts'

const layout = layoutOf([{ name: 'model.layers.0.mlp.up_proj.lora_A.weight', shape: [4, 32] }])
const parameters = Float32Array.from({ length: layout.length }, (_, i) => Math.cos(i))

describe('writing the adapter, each file operation failing', () => {
  let tiny: TestLibrary
  let job: TrainerJob
  let write: (values?: Float32Array) => ReturnType<typeof writeTuned>
  beforeAll(async () => {
    tiny = await makeTinyLibrary()
    job = await tiny.makeJob('adapter')
    const config = unwrap(parseModelConfig(await readJson(join(job.modelFolder, 'config.json'))))
    write = (values = parameters) => writeTuned(job, config, layout, values)
  })
  afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

  const weightsPath = () => join(job.runFolder, 'adapter', 'adapter_model.safetensors')
  const hashOnDisk = async () =>
    createHash('sha256')
      .update(await readFile(weightsPath()))
      .digest('hex')

  /** Where nothing lies yet, and where another adapter lies in the way. */
  it.each(faultKinds.flatMap((kind) => [[kind, false] as const, [kind, true] as const]))(
    '%s (another one in its place: %s): whole or not at all, and the next start can write it',
    async (kind, isReplacing) => {
      const prepare = async () => {
        await rm(join(job.runFolder, 'adapter'), { recursive: true, force: true })
        if (isReplacing) unwrap(await write(parameters.map((value) => value + 1)))
      }
      await prepare()
      const { operations } = await withFault(job.runFolder, { at: 0, kind }, () => write())
      expect(operations.length).toBeGreaterThan(12)
      for (let at = 1; at <= operations.length; at += 1) {
        await prepare()
        const { result } = await withFault(job.runFolder, { at, kind }, () => write())
        if (result.status === 'rejected') throw result.reason
        if (result.value.ok) expect(await hashOnDisk()).toBe(result.value.value)
        else expect(result.value.problem.code).toBe(kind === 'ENOSPC' ? 'disk.full' : 'disk.failed')
        // The next start.
        await sweepTuned(job.runFolder)
        expect(unwrap(await write())).toBe(await hashOnDisk())
        expect((await readdir(job.runFolder)).filter((name) => isTemporaryName(name))).toEqual([])
      }
    },
  )
})
