// Training where the graph is computed: the same curve, state and checkpoints as with the optimizer on the host.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { globalNorm } from '#engine/optim/clip.ts'
import { createOptimizer } from '#engine/optim/optimizer.ts'
import { collate } from '#engine/train/collate.ts'
import { trainedTensors } from '#engine/train/device-updater.ts'
import { type TrainState, viewsOf } from '#engine/train/state.ts'
import { tinyLora, wholeModel } from '../engine/support/tiny-methods.ts'
import { copyState } from '../engine/train/bigram.ts'
import { findTensorflow } from '../support/tensorflow.ts'
import { residentBackends } from './backends.ts'
import { openCase, type Place, type ResidentCase } from './resident-run.ts'
import { bounds, curveError } from './suite.ts'

const methods = [
  { method: tinyLora, name: 'LoRA' },
  { method: { ...tinyLora, decomposed: true }, name: 'DoRA' },
  { method: wholeModel, name: 'the whole model' },
]
const cases = residentBackends.flatMap((backend) => methods.map((each) => ({ backend, ...each })))
/** Micro-batches at which a run is cancelled. */
const stops = process.env.TUNEWRIGHT_LONG ? [1, 2, 8, 17, 23] : [2, 17]
const otherPlace: Record<Place, Place> = { host: 'device', device: 'host' }

/** The largest difference of two arrays, in parts of the second one's largest number. */
function difference(found: ArrayLike<number>, right: ArrayLike<number>): number {
  expect(found.length).toBe(right.length)
  const numbers = Array.from(right)
  const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return numbers.reduce((most, value, i) => Math.max(most, Math.abs(found[i]! - value)), 0) / largest
}

const momentsOf = ({ memory }: TrainState, slot: string): number[] =>
  [...memory].filter(([name]) => name.startsWith(slot)).flatMap(([, { data }]) => [...data])

type Curve = Awaited<ReturnType<ResidentCase['run']>>

function expectSame(found: Curve, right: Pick<Curve, 'steps' | 'measured'>, tolerance: number): void {
  for (const key of ['lossNats', 'gradNorm', 'learningRate'] as const)
    expect(
      difference(
        found.steps.map((step) => step[key]),
        right.steps.map((step) => step[key]),
      ),
      key,
      // A norm adds up what every parameter is off by: 2.2e-5 on an AMD processor with AVX2, below 1e-5 with AVX512.
    ).toBeLessThan(key === 'gradNorm' ? 5 * tolerance : tolerance)
  expect(difference(found.measured, right.measured), 'measured').toBeLessThan(tolerance)
}

function expectSameState(found: TrainState, right: TrainState, tolerance: number): void {
  expect(difference(found.parameters, right.parameters), 'parameters').toBeLessThan(tolerance)
  for (const slot of ['first', 'second']) {
    // Gradients of a tiny model are differences of nearly equal numbers: what parameters are off, they are tenfold.
    expect(difference(momentsOf(found, slot), momentsOf(right, slot)), slot).toBeLessThan(10 * tolerance)
  }
  expect({ step: found.step, tokens: found.tokensSeen, best: found.best?.step }).toEqual({
    step: right.step,
    tokens: right.tokensSeen,
    best: right.best?.step,
  })
}

describe.each(cases)('$backend.name, $name', ({ backend, method }) => {
  const isReference = backend.name.startsWith('reference')
  const tolerance = isReference ? 1e-6 : 1e-5
  let opened: ResidentCase
  let onHost: Curve
  let hostState: TrainState
  beforeAll(async () => {
    opened = await openCase(backend, method)
    hostState = opened.newState()
    onHost = await opened.run('host', hostState)
  })
  afterAll(() => opened.dispose())

  test('20 steps, clipped, accumulated, at rates of their own: curve and state are those of the host', async () => {
    expect(onHost.steps).toHaveLength(20)
    expect(onHost.steps.every(({ gradNorm }) => gradNorm > 2 * 0.1)).toBe(true)
    expect(onHost.measured.at(-1)!).toBeLessThan(onHost.measured[0]! - 0.05)
    const state = opened.newState()
    const onDevice = await opened.run('device', state)
    expectSame(onDevice, onHost, tolerance)
    expectSameState(state, hostState, tolerance)
    // Checkpoints stand at the same steps and hold the same.
    expect(onDevice.saves.map(({ step }) => step)).toEqual(onHost.saves.map(({ step }) => step))
    for (const [index, saved] of onDevice.saves.entries())
      expectSameState(saved, onHost.saves[index]!, tolerance)
  })

  // Nothing feeds back here: with a rate of 0 the next gradients are the same ones. TensorFlow's differ from its own by
  // rounding, up to 1e-6 of a tensor's largest, between a graph that is fed its weights and one that has them.
  test('moments and one step by the same gradients are those of the host to rounding', async () => {
    const { setup, sessions } = opened
    const { layout, recipe, rates } = setup
    const [found, right] = [opened.newState(), opened.newState()]
    const { feeds } = collate(setup.trainRows, setup.collation)
    const gradients = new Float32Array(layout.length)
    const outputs = await sessions.host.run(new Map([...feeds, ...viewsOf(layout, right.parameters)]))
    for (const { name, offset } of layout.entries)
      gradients.set(outputs.get(`grad.${name}`)!.data as Float32Array, offset)
    const optimizer = createOptimizer(recipe.optimizer, layout.entries, { ...right, gradients }, rates)
    const training = sessions.device.resident!
    await training.load(trainedTensors(layout, found))
    for (let updates = 1; updates <= 6; updates += 1) {
      await sessions.device.run(feeds)
      expect(Math.abs((await training.gradientNorm()) / globalNorm(gradients) - 1)).toBeLessThan(1e-6)
      const numbers = { updates, gradScale: 0.01, learningRate: updates === 6 ? 0.05 : 0 }
      await training.update(numbers)
      optimizer.step(numbers)
    }
    expect(await training.gradientNorm()).toBe(0)
    await training.read(trainedTensors(layout, found))
    expect(difference(found.parameters, opened.newState().parameters)).toBeGreaterThan(1e-3)
    expect(difference(found.parameters, right.parameters)).toBeLessThan(1e-6)
    for (const slot of ['first', 'second'])
      expect(difference(momentsOf(found, slot), momentsOf(right, slot)), slot).toBeLessThan(1e-6)
  })

  test.each(['host', 'device'] as const)(
    'a checkpoint made on the %s goes on on the other one',
    async (place) => {
      const { saves } = await opened.run(place, opened.newState())
      const saved = saves.find(({ step }) => step === 8)!
      const state = copyState(saved)
      const rest = await opened.run(otherPlace[place], state)
      const right = {
        steps: onHost.steps.slice(8),
        // Measured at 0, 5, 10, 15 and 20.
        measured: onHost.measured.slice(2),
      }
      expectSame(rest, right, tolerance)
      expectSameState(state, hostState, tolerance)
    },
  )

  test('cancelled at any micro-batch, resumed: bit for bit as unbroken', async () => {
    const unbroken = opened.newState()
    const whole = await opened.run('device', unbroken)
    for (const stopAt of stops) {
      let asked = 0
      const state = opened.newState()
      const nextCommand = async () => {
        asked += 1
        return asked === stopAt ? ('cancel' as const) : ('continue' as const)
      }
      const first = await opened.run('device', state, { nextCommand })
      expect(first.outcome.reason).toBe('cancelled')
      const rest = await opened.run('device', copyState(first.saves.at(-1) ?? opened.newState()))
      expect([...first.steps, ...rest.steps]).toEqual(whole.steps)
    }
  })

  test('a pause in a step saves what was there before it and changes no number', async () => {
    let asked = 0
    const state = opened.newState()
    const paused = await opened.run('device', state, {
      nextCommand: async () => {
        asked += 1
        return asked % 5 === 0 ? 'pause' : 'continue'
      },
      waitWhilePaused: async () => 'resume',
    })
    const whole = await opened.run('device', opened.newState())
    expect(paused.saves.length).toBeGreaterThan(whole.saves.length)
    expect(paused.steps).toEqual(whole.steps)
  })

  test('weights that are no longer finite end the run, and the state is that of the last step', async () => {
    let calls = 0
    const state = opened.newState()
    const { outcome } = await opened.run('device', state, {
      onDevice: {
        ...opened.sessions.device.resident!,
        gradientNorm: async () => {
          calls += 1
          return calls === 4 ? Number.NaN : opened.sessions.device.resident!.gradientNorm()
        },
      },
    })
    expect(outcome).toMatchObject({
      reason: 'failed',
      problem: { code: 'training.diverged', where: 'step 4' },
    })
    const { saves } = await opened.run('host', opened.newState(), {
      nextCommand: stopAfterSteps(3, opened),
    })
    expect(state.step).toBe(3)
    expectSameState(state, saves.at(-1)!, tolerance)
  })

  test('a gradient that is not finite is seen', async () => {
    const { setup, sessions } = opened
    const state = opened.newState()
    state.parameters[0] = Number.NaN
    const { outcome } = await opened.run('device', state, {
      // The measurement before the first step would see it too.
      score: async () => new Map([0, 1].map((chunk) => [`losses.${chunk}`, oneLoss])),
      forwardBackward: async (feeds) => {
        const outputs = await sessions.device.run(feeds)
        expect([...outputs.keys()].sort()).toEqual(['losses.0', 'losses.1'])
        return new Map([0, 1].map((chunk) => [`losses.${chunk}`, oneLoss]))
      },
    })
    expect(setup.recipe.batch.accumulation).toBe(2)
    expect(outcome).toMatchObject({ reason: 'failed', problem: { where: 'step 1' } })
    expect(outcome).toHaveProperty('problem.message', expect.stringContaining('gradient'))
  })
})

test.each([
  ...residentBackends.map((backend) => ({ backend, bound: bounds.float32.curve })),
  ...findTensorflow('bfloat16', 'resident').map((backend) => ({ backend, bound: bounds.bfloat16.curve })),
])("the suite's curve: $backend.name", async ({ backend, bound }) => {
  expect(await curveError(backend, 'device')).toBeLessThan(bound)
})

const oneLoss = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const

/** Cancels before the micro-batch that follows so many steps. */
function stopAfterSteps(steps: number, { setup }: ResidentCase): () => Promise<'continue' | 'cancel'> {
  let asked = 0
  // Before the first step the validation rows are measured, one batch of them after the other.
  const measurements = Math.ceil(setup.validationRows.length / setup.recipe.batch.microRows)
  return async () => {
    asked += 1
    return asked > measurements + steps * setup.recipe.batch.accumulation ? 'cancel' : 'continue'
  }
}
