// The real trainer on TensorFlow that dies in native code, or whose engine goes away, in the middle of a run, with
// everything attached: launcher, supervisor, journal. The run goes on by itself and ends with the curve of one that was not
// disturbed.
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeviceId } from '#shared/devices.ts'
import { unwrap } from '../../src/shared/result.ts'
import { hasTensorflow, linkTensorflow } from '../support/tensorflow-engine.ts'
import { openTinyRuns, type TinyRuns } from './tiny-runs.ts'

const timeout = 300_000
let runs: TinyRuns

beforeAll(async () => {
  runs = await openTinyRuns()
})
afterAll(() => runs.close())

const addRun = (device: DeviceId): Promise<string> =>
  runs.addRun({
    device,
    duration: { epochs: 3 },
    evaluation: { everySteps: 3, patience: null },
    checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
  })

/** Follows a run; `onCheckpoint` is told of the first checkpoint, with the trainer's process id. */
async function follow(runId: string, onCheckpoint: (pid: number) => void = () => {}) {
  const active = unwrap(await runs.serviceOf().launch(runId))
  let isTold = false
  active.onEvent(({ event }) => {
    if (event.kind !== 'checkpoint' || isTold) return
    isTold = true
    onCheckpoint(active.pid!)
  })
  return active.ended
}

const lossesOf = (runId: string) => {
  const { train, validation } = unwrap(runs.reader.curve(runId))
  return [...train, ...validation].map(({ step, lossNats }) => [step, lossNats] as const)
}

const noticesOf = (runId: string): string[] =>
  unwrap(runs.reader.eventsOfKind(runId, 'notice', 100))
    .map(({ body }) => (body as { text: string }).text)
    .filter((text) => text.includes('goes on from its last checkpoint'))

/** Steps and measurements of the one are those of the other, but for rounding. */
function expectSameCurve(runId: string, undisturbed: string): void {
  const [found, wanted] = [lossesOf(runId), lossesOf(undisturbed)]
  expect(found.map(([step]) => step)).toEqual(wanted.map(([step]) => step))
  for (const [index, [, loss]] of found.entries())
    expect(Math.abs(loss / wanted[index]![1] - 1)).toBeLessThan(1e-4)
  expect(unwrap(runs.reader.verifyChain(runId))).toMatchObject({ intact: true })
}

describe.skipIf(!hasTensorflow())('a run on TensorFlow', () => {
  let undisturbed: string
  beforeAll(async () => {
    await linkTensorflow(runs.tiny.library.enginesFolder)
    undisturbed = await addRun('cpu')
    expect((await follow(undisturbed)).status).toBe('finished')
  }, timeout)

  it('that crashes in native code goes on there', { timeout }, async () => {
    const runId = await addRun('tensorflow-cpu')
    const outcome = await follow(runId, (pid) => process.kill(pid, 'SIGSEGV'))
    expect(outcome).toEqual({ runId, status: 'finished', problem: null })
    const { attempts, backend } = unwrap(runs.reader.getRun(runId))
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
    const engine = join(runs.tiny.library.enginesFolder, 'tensorflow')
    const outcome = await follow(runId, (pid) => {
      renameSync(engine, `${engine}-elsewhere`)
      process.kill(pid, 'SIGKILL')
    })
    expect(outcome).toEqual({ runId, status: 'finished', problem: null })
    const { attempts, backend } = unwrap(runs.reader.getRun(runId))
    expect({ attempts, backend }).toEqual({ attempts: 3, backend: expect.stringContaining('onnxruntime') })
    expect(noticesOf(runId)).toEqual([
      expect.stringMatching(
        /SIGKILL before it was done\. The run .* once more on the processor with TensorFlow\.$/,
      ),
      expect.stringMatching(/on the processor instead of the processor with TensorFlow\.$/),
    ])
    const plans = unwrap(runs.reader.eventsOfKind(runId, 'plan', 10)).map(
      ({ body }) => body as { resumedAtStep: number; backend: string },
    )
    expect(plans).toHaveLength(2)
    expect(plans[0]).toMatchObject({ resumedAtStep: 0, backend: expect.stringContaining('tfjs-node-gpu') })
    expect(plans[1]?.resumedAtStep).toBeGreaterThanOrEqual(2)
    expectSameCurve(runId, undisturbed)
  })
})
