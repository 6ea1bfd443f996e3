// The real trainer on TensorFlow: what it computes beside ONNX Runtime, and a run that goes on on another device.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DeviceId } from '../../../src/shared/devices.ts'
import type { TrainerEvent } from '../../../src/shared/trainer-protocol.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { eventsIn, finishedOf, runTrainer } from './trainer-process.ts'

vi.setConfig({ testTimeout: 300_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

async function jobOn(runId: string, device: DeviceId) {
  const job = await tiny.makeJob(runId, { device })
  return { ...job, enginesFolder: tiny.library.enginesFolder }
}

const lossesOf = (events: readonly TrainerEvent[]): Map<string, number> =>
  new Map(
    events.flatMap((event) =>
      event.kind === 'step' || event.kind === 'evaluation'
        ? [[`${event.kind} ${event.step}`, event.lossNats] as const]
        : [],
    ),
  )

function farthest(a: Map<string, number>, b: Map<string, number>): number {
  expect([...a.keys()]).toEqual([...b.keys()])
  return Math.max(...[...a].map(([key, loss]) => Math.abs(loss / b.get(key)! - 1)))
}

const backendOf = (events: readonly TrainerEvent[]): string =>
  events.find((event) => event.kind === 'plan')!.backend

describe.skipIf(!hasTensorflow())('a run on TensorFlow', () => {
  beforeAll(() => linkTensorflow(tiny.library.enginesFolder))

  it('has the curve that the processor has with ONNX Runtime', async () => {
    const onnx = eventsIn((await runTrainer(await jobOn('on-onnx', 'cpu'))).messages)
    const { messages, exit } = await runTrainer(await jobOn('on-tensorflow', 'tensorflow-cpu'))
    const events = eventsIn(messages)
    expect(exit).toMatchObject({ code: 0, signal: null })
    expect(backendOf(onnx)).toContain('onnxruntime')
    expect(backendOf(events)).toContain('float32 products')
    expect(farthest(lossesOf(events), lossesOf(onnx))).toBeLessThan(1e-4)
    expect(finishedOf(events)).toMatchObject({ reason: 'completed', step: 15 })
  })

  it('goes on from its checkpoint on the other device, and back, with the same curve', async () => {
    const whole = lossesOf(eventsIn((await runTrainer(await jobOn('undisturbed', 'cpu'))).messages))
    const moving = await jobOn('moving', 'cpu')
    const seen: TrainerEvent[] = []
    for (const device of ['cpu', 'tensorflow-cpu', 'cpu'] as const) {
      let steps = 0
      const { messages } = await runTrainer({ ...moving, device }, (event, child) => {
        if (event.kind === 'step') steps += 1
        if (steps === 4) child.send({ kind: 'cancel' })
      })
      seen.push(...eventsIn(messages))
    }
    const plans = seen.filter((event) => event.kind === 'plan')
    expect(plans.map(({ backend }) => backend.split(' ')[0])).toEqual([
      'onnxruntime-node',
      'tfjs-node-gpu',
      'onnxruntime-node',
    ])
    expect(plans[1]!.resumedAtStep).toBeGreaterThan(3)
    expect(plans[2]!.resumedAtStep).toBeGreaterThan(plans[1]!.resumedAtStep)
    const moved = lossesOf(seen)
    for (const [key, loss] of moved) expect(Math.abs(loss / whole.get(key)! - 1), key).toBeLessThan(1e-4)
    expect(moved.size).toBeGreaterThan(10)
    expect(seen.filter((event) => event.kind === 'notice').map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringMatching(/from onnxruntime-node .* to tfjs-node-gpu/)]),
    )
  })

  it('says that TensorFlow is not there, and how to get it', async () => {
    const job = await jobOn('without', 'tensorflow-cpu')
    const events = eventsIn(
      (await runTrainer({ ...job, enginesFolder: `${tiny.library.home}/nothing` })).messages,
    )
    expect(events).toEqual([{ kind: 'failed', problem: expect.objectContaining({ code: 'engine.missing' }) }])
  })
})
