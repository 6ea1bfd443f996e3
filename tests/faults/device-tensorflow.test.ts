// The real trainer on TensorFlow that dies in native code, or whose engine goes away, in the middle of a run, with
// everything attached: launcher, supervisor, journal. The run goes on by itself and ends with the curve of one that was not
// disturbed.
import { renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeviceId } from '#shared/devices.ts'
import { createNodeLauncher } from '../../src/core/system/launcher.ts'
import { createRunService } from '../../src/core/training/run-service.ts'
import { type JournalReader, openJournalReader } from '../../src/journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '../../src/journal/writer.ts'
import { unwrap } from '../../src/shared/result.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import { hasTensorflow, linkTensorflow } from '../support/tensorflow-engine.ts'

const timeout = 300_000
let tiny: TestLibrary
let writer: JournalWriter
let reader: JournalReader

beforeAll(async () => {
  tiny = await makeTinyLibrary()
  writer = unwrap(openJournalWriter(tiny.library.journalPath))
  reader = unwrap(openJournalReader(tiny.library.journalPath))
})
afterAll(async () => {
  reader.close()
  writer.close()
  await rm(tiny.library.home, { recursive: true, force: true })
})

async function addRun(device: DeviceId): Promise<string> {
  const { recipe, datasetFolder } = await tiny.makeJob('never-launched', {
    device,
    duration: { epochs: 3 },
    evaluation: { everySteps: 3, patience: null },
    checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
  })
  const project = unwrap(writer.ensureProject({ name: 'engines', scenario: 'classification' }))
  const { id, weightsSha256 } = recipe.model
  unwrap(writer.addModel({ id, name: id, source: 'test', licence: 'none', weightsSha256, parameters: 1 }))
  const counts = { train: 1, validation: 1, test: 1, leftOut: 0 }
  const fingerprint = basename(datasetFolder)
  const dataset = {
    fingerprint,
    scenario: 'classification',
    sourceName: 'm.csv',
    manifest: {},
    counts,
  } as const
  unwrap(writer.addDataset(dataset))
  const run = { projectId: project.id, name: 'run', recipe, backend: 'not started', device: {}, versions: {} }
  return unwrap(writer.createRun(run)).id
}

/** Follows a run; `onCheckpoint` is told of the first checkpoint, with the trainer's process id. */
async function follow(runId: string, onCheckpoint: (pid: number) => void = () => {}) {
  const launcher = createNodeLauncher()
  const service = createRunService({ library: tiny.library, writer, reader, launcher, silentLimitMs: 60_000 })
  const active = unwrap(await service.launch(runId))
  let isTold = false
  active.onEvent(({ event }) => {
    if (event.kind !== 'checkpoint' || isTold) return
    isTold = true
    onCheckpoint(active.pid!)
  })
  return active.ended
}

const lossesOf = (runId: string) => {
  const { train, validation } = unwrap(reader.curve(runId))
  return [...train, ...validation].map(({ step, lossNats }) => [step, lossNats] as const)
}

const noticesOf = (runId: string): string[] =>
  unwrap(reader.eventsOfKind(runId, 'notice', 100))
    .map(({ body }) => (body as { text: string }).text)
    .filter((text) => text.includes('goes on from its last checkpoint'))

/** Steps and measurements of the one are those of the other, but for rounding. */
function expectSameCurve(runId: string, undisturbed: string): void {
  const [found, wanted] = [lossesOf(runId), lossesOf(undisturbed)]
  expect(found.map(([step]) => step)).toEqual(wanted.map(([step]) => step))
  for (const [index, [, loss]] of found.entries())
    expect(Math.abs(loss / wanted[index]![1] - 1)).toBeLessThan(1e-4)
  expect(unwrap(reader.verifyChain(runId))).toMatchObject({ intact: true })
}

describe.skipIf(!hasTensorflow())('a run on TensorFlow', () => {
  let undisturbed: string
  beforeAll(async () => {
    await linkTensorflow(tiny.library.enginesFolder)
    undisturbed = await addRun('cpu')
    expect((await follow(undisturbed)).status).toBe('finished')
  }, timeout)

  it('that crashes in native code goes on there', { timeout }, async () => {
    const runId = await addRun('tensorflow-cpu')
    const outcome = await follow(runId, (pid) => process.kill(pid, 'SIGSEGV'))
    expect(outcome).toEqual({ runId, status: 'finished', problem: null })
    const { attempts, backend } = unwrap(reader.getRun(runId))
    expect({ attempts, backend }).toEqual({ attempts: 2, backend: expect.stringContaining('tfjs-node-gpu') })
    expect(noticesOf(runId)).toEqual([
      expect.stringMatching(
        /SIGSEGV before it was done\. The run .* once more on the processor with TensorFlow\.$/,
      ),
    ])
    expectSameCurve(runId, undisturbed)
  })

  it('whose engine is gone says so, and goes on on the processor alone', { timeout }, async () => {
    const runId = await addRun('tensorflow-cpu')
    const engine = join(tiny.library.enginesFolder, 'tensorflow')
    const outcome = await follow(runId, (pid) => {
      renameSync(engine, `${engine}-elsewhere`)
      process.kill(pid, 'SIGKILL')
    })
    expect(outcome).toEqual({ runId, status: 'finished', problem: null })
    const { attempts, backend } = unwrap(reader.getRun(runId))
    expect({ attempts, backend }).toEqual({ attempts: 3, backend: expect.stringContaining('onnxruntime') })
    expect(noticesOf(runId)).toEqual([
      expect.stringMatching(
        /SIGKILL before it was done\. The run .* once more on the processor with TensorFlow\.$/,
      ),
      expect.stringMatching(/on the processor instead of the processor with TensorFlow\.$/),
    ])
    const plans = unwrap(reader.eventsOfKind(runId, 'plan', 10)).map(
      ({ body }) => body as { resumedAtStep: number; backend: string },
    )
    expect(plans).toHaveLength(2)
    expect(plans[0]).toMatchObject({ resumedAtStep: 0, backend: expect.stringContaining('tfjs-node-gpu') })
    expect(plans[1]?.resumedAtStep).toBeGreaterThanOrEqual(2)
    expectSameCurve(runId, undisturbed)
  })
})
