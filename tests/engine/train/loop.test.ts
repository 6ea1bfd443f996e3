import { describe, expect, it } from 'vitest'
import type { OptimizerKind } from '../../../src/engine/optim/optimizer.ts'
import { keptParameters, type TrainState } from '../../../src/engine/train/state.ts'
import type { TrainerEvent } from '../../../src/shared/trainer-protocol.ts'
import {
  collect,
  copyState,
  eventsOf,
  makePorts,
  makeSetup,
  newState,
  runBigram,
  vocabulary,
} from './bigram.ts'

/** What must be equal bit for bit between two runs: everything but durations. */
const curve = (events: readonly TrainerEvent[]) =>
  events
    .filter((event) => event.kind === 'step' || event.kind === 'evaluation')
    .map((event) => ({ ...event, durationMs: 0 }))

const quiet = { evaluation: { patience: null } }

/** `nextCommand` that answers by how often it was asked, counted from 1. */
function commands(answer: (asked: number) => 'continue' | 'pause' | 'cancel') {
  let asked = 0
  return async () => {
    asked += 1
    return answer(asked)
  }
}

describe('training', () => {
  it('learns, and says so in the order of the protocol', async () => {
    const setup = makeSetup({ duration: { epochs: 12 }, ...quiet })
    const { events, outcome } = await collect(setup, newState(setup), makePorts())
    expect(outcome).toEqual({ reason: 'completed' })
    const losses = eventsOf(events, 'evaluation').map((event) => event.lossNats)
    expect(losses[0]).toBeCloseTo(Math.log(12), 6)
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.6)
    expect(events.slice(0, 4).map((event) => event.kind)).toEqual(['phase', 'evaluation', 'phase', 'step'])
    expect(events.slice(-3).map((event) => event.kind)).toEqual(['evaluation', 'phase', 'checkpoint'])
    expect(eventsOf(events, 'step').map((event) => event.step)).toEqual(
      Array.from({ length: setup.plan.totalSteps }, (_, i) => i + 1),
    )
  })

  it('measures the base first, then every so many steps, and at the end, never twice at a step', async () => {
    const setup = makeSetup({ duration: { epochs: 2 }, evaluation: { everySteps: 3, patience: null } })
    const { events } = await collect(setup, newState(setup), makePorts())
    expect(eventsOf(events, 'evaluation').map((event) => event.step)).toEqual([0, 3, 6, 8])
  })

  it('an epoch has the tokens and the labels of all rows', async () => {
    const setup = makeSetup({ duration: { epochs: 1 } })
    const tokens = setup.trainRows.reduce((sum, row) => sum + row.ids.length, 0)
    const state = newState(setup)
    const { events } = await collect(setup, state, makePorts())
    expect(state.tokensSeen).toBe(tokens)
    const labelled = setup.trainRows.reduce((sum, row) => sum + row.ids.length - 2, 0)
    expect(eventsOf(events, 'step').reduce((sum, event) => sum + event.labelledTokens, 0)).toBe(labelled)
  })

  it('accumulated micro-batches equal one big batch', async () => {
    const small = makeSetup({ batch: { microRows: 4, accumulation: 5 }, duration: { epochs: 3 }, ...quiet })
    const big = makeSetup({ batch: { microRows: 20, accumulation: 1 }, duration: { epochs: 3 }, ...quiet })
    const a = await collect(small, newState(small), makePorts())
    const b = await collect(big, newState(big), makePorts())
    const stepsA = eventsOf(a.events, 'step')
    const stepsB = eventsOf(b.events, 'step')
    expect(stepsA).toHaveLength(3)
    for (const [i, step] of stepsA.entries()) {
      expect(step.lossNats).toBeCloseTo(stepsB[i]!.lossNats, 5)
      expect(step.gradNorm).toBeCloseTo(stepsB[i]!.gradNorm, 5)
      expect(step.labelledTokens).toBe(stepsB[i]!.labelledTokens)
    }
  })

  it('reports the loss per labelled token and the norm of its gradient', async () => {
    const setup = makeSetup({ batch: { microRows: 20, accumulation: 1 }, duration: { epochs: 1 } })
    const { events } = await collect(setup, newState(setup), makePorts())
    const first = eventsOf(events, 'step')[0]!
    expect(first.lossNats).toBeCloseTo(Math.log(12), 6)
    // From a table of zeros every token that follows `from` pulls row `from` by 1/12 for all and -1 for itself.
    const gradient = new Float64Array(vocabulary * vocabulary)
    for (const { ids } of setup.trainRows)
      for (let t = 2; t < ids.length; t += 1) {
        const start = ids[t - 1]! * vocabulary
        for (let next = 0; next < vocabulary; next += 1)
          gradient[start + next]! += (1 / vocabulary - (next === ids[t] ? 1 : 0)) / first.labelledTokens
      }
    expect(first.gradNorm).toBeCloseTo(Math.hypot(...gradient), 6)
  })
})

describe('resume', () => {
  it('from every step gives the same losses and parameters bit for bit', async () => {
    const setup = makeSetup({ checkpoints: { everySeconds: null, everySteps: 1 }, duration: { epochs: 3 } })
    const ports = makePorts()
    const state = newState(setup)
    const whole = await collect(setup, state, ports)
    const steps = curve(whole.events)
    expect(ports.saves.length).toBeGreaterThan(setup.plan.totalSteps - 1)
    for (const saved of ports.saves) {
      const resumed = copyState(saved)
      const { events } = await collect(setup, resumed, makePorts())
      const rest = steps.filter((event) =>
        event.kind === 'step' ? event.step > saved.step : event.step > saved.evaluatedAtStep,
      )
      expect(curve(events)).toEqual(rest)
      expect(resumed).toEqual(state)
    }
  })

  it('after a cancel in the middle of a step, or of a measurement, goes on the same', async () => {
    const setup = makeSetup({ evaluation: { everySteps: 4, patience: null } })
    const state = newState(setup)
    const whole = await collect(setup, state, makePorts())
    // 14 micro-batches of training and three measurements of three.
    for (let cancelAt = 1; cancelAt <= 14 + 9; cancelAt += 1) {
      const ports = makePorts({
        nextCommand: commands((asked) => (asked === cancelAt ? 'cancel' : 'continue')),
      })
      const first = await collect(setup, newState(setup), ports)
      expect(first.outcome.reason).toBe('cancelled')
      const resumed = copyState(ports.saves.at(-1)!)
      const second = await collect(setup, resumed, makePorts())
      expect([...curve(first.events), ...curve(second.events)]).toEqual(curve(whole.events))
      expect(resumed).toEqual(state)
    }
  })

  it('of a run that is over only says how it ended', async () => {
    const setup = makeSetup()
    const ports = makePorts()
    await collect(setup, newState(setup), ports)
    const { events, outcome } = await collect(setup, copyState(ports.saves.at(-1)!), makePorts())
    expect(events).toEqual([])
    expect(outcome).toEqual({ reason: 'completed' })
  })
})

describe('with every optimizer', () => {
  // 64 x 64 parameters, so that 8-bit states are in use.
  const setupOf = (kind: OptimizerKind, averaging: number | null) =>
    makeSetup(
      {
        optimizer: { kind, learningRate: 0.02, layerDecay: 0.9 },
        regularisation: { averaging },
        checkpoints: { everySeconds: null, everySteps: 1 },
        duration: { epochs: 2 },
        ...quiet,
      },
      20,
      7,
      64,
    )

  it.each([
    ['adamw', null],
    ['adamw', 0.9],
    ['adamw-8bit', null],
    ['adamw-8bit', 0.9],
    ['adafactor', null],
    ['lion', null],
    ['sgd', null],
  ] as const)(
    '%s, averaging %s: learns, and from every step gives the same bit for bit',
    async (kind, averaging) => {
      const setup = setupOf(kind, averaging)
      const ports = makePorts()
      const state = newState(setup)
      const whole = await collect(setup, state, ports)
      const losses = eventsOf(whole.events, 'evaluation').map((event) => event.lossNats)
      expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.005)
      expect(ports.saves.length).toBe(setup.plan.totalSteps)
      for (const saved of ports.saves) {
        const resumed = copyState(saved)
        const { events } = await collect(setup, resumed, makePorts())
        const rest = curve(whole.events).filter(
          ({ kind, step }) => step > (kind === 'step' ? saved.step : saved.evaluatedAtStep),
        )
        expect(curve(events)).toEqual(rest)
        expect(resumed).toEqual(state)
      }
    },
  )
})

describe('the moving average', () => {
  it('is measured and kept, and does not touch the training', async () => {
    const plain = makeSetup(quiet)
    const averaged = makeSetup({ regularisation: { averaging: 0.9 }, ...quiet })
    const [a, b] = [newState(plain), newState(averaged)]
    const without = await collect(plain, a, makePorts())
    const withAverage = await collect(averaged, b, makePorts())
    expect(b.parameters).toEqual(a.parameters)
    const stepsOf = (events: readonly TrainerEvent[]) => curve(events).filter(({ kind }) => kind === 'step')
    expect(stepsOf(withAverage.events)).toEqual(stepsOf(without.events))
    expect(b.average).not.toEqual(b.parameters)
    expect(b.best!.step).toBe(plain.plan.totalSteps)
    expect(keptParameters(b)).toEqual(b.average)
    // The average lies behind, so its loss is another one than that of the parameters.
    const last = (events: readonly TrainerEvent[]) => eventsOf(events, 'evaluation').at(-1)!.lossNats
    expect(last(withAverage.events)).toBeGreaterThan(last(without.events))
  })
})

describe('early stopping and the best adapter', () => {
  /** Validation losses as dictated; training itself is real. */
  function dictate(losses: number[]) {
    let next = -1
    return makePorts({
      score: async (feeds) => {
        const outputs = await runBigram(feeds)
        const isFirstBatch = Number(feeds.get('ids')!.shape[0]) === 7
        if (isFirstBatch) next += 1
        const labelled = [0, 1].reduce(
          (sum, chunk) =>
            sum + (feeds.get(`weights.${chunk}`)!.data as Float32Array).reduce((a, b) => a + b, 0),
          0,
        )
        outputs.set('losses.0', {
          dtype: 'float32',
          shape: [1],
          data: Float32Array.of(losses[next]! * labelled),
        })
        outputs.set('losses.1', { dtype: 'float32', shape: [1], data: Float32Array.of(0) })
        return outputs
      },
    })
  }
  const setupWith = (evaluation: Record<string, unknown>) =>
    makeSetup({
      batch: { microRows: 7, accumulation: 1 },
      duration: { epochs: 10 },
      evaluation: { everySteps: 1, ...evaluation },
    })

  it('stops after so many measurements without improvement and keeps the best', async () => {
    const setup = setupWith({ patience: 2 })
    const ports = dictate([3, 2, 1, 1.5, 1.2])
    const state = newState(setup)
    const { events, outcome } = await collect(setup, state, ports)
    expect(outcome).toEqual({ reason: 'stopped-early' })
    expect(eventsOf(events, 'evaluation').map((event) => event.isBest)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    expect(state.best).toMatchObject({ step: 2, lossNats: 1 })
    expect(keptParameters(state)).not.toEqual(state.parameters)
  })
  it('keeps a tiny improvement but does not wait for it', async () => {
    const setup = setupWith({ patience: 2, minImprovementNats: 0.1 })
    const state = newState(setup)
    const { outcome } = await collect(setup, state, dictate([1, 0.984375, 0.96875]))
    expect(outcome).toEqual({ reason: 'stopped-early' })
    expect(state.best).toMatchObject({ step: 2, lossNats: 0.96875 })
  })
  it('never stops early without patience', async () => {
    const setup = setupWith({ patience: null })
    const { outcome } = await collect(
      setup,
      newState(setup),
      dictate([1, ...Array.from({ length: 40 }, () => 2)]),
    )
    expect(outcome).toEqual({ reason: 'completed' })
  })
  it('keeps the last parameters where there are no validation rows', async () => {
    const setup = makeSetup({}, 20, 0)
    const state = newState(setup)
    const { events } = await collect(setup, state, makePorts())
    expect(eventsOf(events, 'evaluation')).toEqual([])
    expect(state.best).toBeNull()
    expect(keptParameters(state)).toBe(state.parameters)
  })
})

describe('divergence', () => {
  it.each(['losses.0', 'grad.table'])(
    'NaN in %s stops at that step and leaves the state finite',
    async (output) => {
      const setup = makeSetup({ checkpoints: { everySeconds: null, everySteps: 2 } })
      let calls = 0
      const ports = makePorts({
        forwardBackward: async (feeds) => {
          const outputs = await runBigram(feeds)
          calls += 1
          if (calls === 8) (outputs.get(output)!.data as Float32Array)[0] = Number.NaN
          return outputs
        },
      })
      const state = newState(setup)
      const { outcome } = await collect(setup, state, ports)
      expect(outcome).toMatchObject({
        reason: 'failed',
        problem: { code: 'training.diverged', where: 'step 5' },
      })
      expect(state.step).toBe(4)
      expect(state.parameters.every(Number.isFinite)).toBe(true)
      expect(ports.saves.at(-1)!.step).toBe(4)
    },
  )
  it('an infinite validation loss fails too', async () => {
    const setup = makeSetup()
    const ports = makePorts({
      score: async (feeds) => {
        const outputs = await runBigram(feeds)
        ;(outputs.get('losses.0')!.data as Float32Array)[0] = Number.POSITIVE_INFINITY
        return outputs
      },
    })
    const { outcome } = await collect(setup, newState(setup), ports)
    expect(outcome).toMatchObject({ reason: 'failed', problem: { code: 'training.diverged' } })
  })

  /** The Problem of a run whose measurement after `step` steps gives NaN. */
  async function problemAt(step: number) {
    const setup = makeSetup({
      optimizer: { learningRate: 3e-4 },
      evaluation: { everySteps: 1, patience: null },
    })
    const state = newState(setup)
    const ports = makePorts({
      score: async (feeds) => {
        const outputs = await runBigram(feeds)
        if (state.step === step) (outputs.get('losses.0')!.data as Float32Array)[0] = Number.NaN
        return outputs
      },
    })
    const { outcome } = await collect(setup, state, ports)
    return outcome.reason === 'failed' ? outcome.problem : null
  }

  // It named the step after the one that was measured, and advised a rate of 0.000029999999999999997.
  it('after a step says which was measured, and advises a rate that a person can type', async () => {
    const problem = await problemAt(3)
    expect(problem?.where).toBe('the measurement at step 3')
    expect(problem?.remedy).toContain('0.0003; try 0.00003)')
  })
  // It advised a lower learning rate, which nothing had been trained with yet.
  it('before the first step is not blamed on the learning rate', async () => {
    const problem = await problemAt(0)
    expect(problem?.where).toBe('the measurement at step 0')
    expect(problem?.remedy).toContain('add the model again')
  })
})

describe('pause, cancel and a full disk', () => {
  const full = {
    ok: false,
    problem: { code: 'disk.full', message: 'full', where: 'disk', remedy: 'free some' },
  } as const

  /** Fails each save of the numbers in `failing`, counted from 1. */
  function withDisk(failing: number[], answers: ('resume' | 'cancel')[]) {
    const saves: TrainState[] = []
    let attempts = 0
    return makePorts({
      saves,
      waitWhilePaused: async () => answers.shift()!,
      saveCheckpoint: async (state: TrainState) => {
        attempts += 1
        if (failing.includes(attempts)) return full
        saves.push(copyState(state))
        return { ok: true, value: { folder: 'x', manifestSha256: 'x', bytes: 1 } }
      },
    } as Partial<ReturnType<typeof makePorts>>)
  }
  const everyTwo = { checkpoints: { everySeconds: null, everySteps: 2 } }

  it('a full disk pauses, a resume tries again, and nothing is lost', async () => {
    const setup = makeSetup(everyTwo)
    const state = newState(setup)
    const { events, outcome } = await collect(setup, state, withDisk([1, 2], ['resume', 'resume']))
    expect(outcome.reason).toBe('completed')
    const pausedAt = events.findIndex((event) => event.kind === 'paused')
    expect(events.slice(pausedAt - 1, pausedAt + 7).map((event) => event.kind)).toEqual([
      'phase',
      'paused',
      'resumed',
      'phase',
      'paused',
      'resumed',
      'phase',
      'checkpoint',
    ])
    expect(eventsOf(events, 'paused')[0]).toMatchObject({ step: 2, problem: { code: 'disk.full' } })
    const undisturbed = newState(setup)
    const whole = await collect(setup, undisturbed, makePorts())
    expect(curve(events)).toEqual(curve(whole.events))
    expect(state).toEqual(undisturbed)
  })
  it('a cancel while the disk is full says from where the run can go on', async () => {
    const setup = makeSetup(everyTwo)
    const { events, outcome } = await collect(setup, newState(setup), withDisk([2, 3], ['cancel']))
    expect(outcome).toEqual({ reason: 'cancelled' })
    expect(eventsOf(events, 'notice')[0]!.text).toContain('step 2')
  })
  it('a pause saves, waits, and changes no number', async () => {
    const setup = makeSetup()
    const state = newState(setup)
    const ports = makePorts({
      nextCommand: commands((asked) => (asked % 5 === 0 ? 'pause' : 'continue')),
      waitWhilePaused: async () => 'resume',
    })
    const { events } = await collect(setup, state, ports)
    expect(eventsOf(events, 'paused').length).toBeGreaterThan(2)
    expect(eventsOf(events, 'paused').length).toBe(eventsOf(events, 'resumed').length)
    expect(ports.saves.length).toBeGreaterThan(2)
    const undisturbed = newState(setup)
    const whole = await collect(setup, undisturbed, makePorts())
    expect(curve(events)).toEqual(curve(whole.events))
    expect(state).toEqual(undisturbed)
  })
  // It paused a second time, without a problem, right after the resume.
  it('a pause that cannot save waits once: who resumes it goes on', async () => {
    const setup = makeSetup()
    const disk = withDisk([1], ['resume'])
    const ports = { ...disk, nextCommand: commands((asked) => (asked === 5 ? 'pause' : 'continue')) }
    const { events, outcome } = await collect(setup, newState(setup), ports)
    expect(outcome.reason).toBe('completed')
    expect(eventsOf(events, 'paused').map(({ problem }) => problem?.code)).toEqual(['disk.full'])
    expect(disk.saves[0]).toMatchObject({ step: 0 })
  })
  it('a cancel saves where the run stands', async () => {
    const setup = makeSetup()
    const state = newState(setup)
    const ports = makePorts({ nextCommand: commands((asked) => (asked === 9 ? 'cancel' : 'continue')) })
    const { outcome } = await collect(setup, state, ports)
    expect(outcome).toEqual({ reason: 'cancelled' })
    expect(ports.saves.at(-1)).toEqual(state)
  })
  it('saves by time as the recipe says', async () => {
    const setup = makeSetup({
      checkpoints: { everySeconds: 1, everySteps: null },
      duration: { epochs: 4 },
      ...quiet,
    })
    let nowMs = 0
    const ports = makePorts({
      nowMs: () => {
        nowMs += 60
        return nowMs
      },
    })
    await collect(setup, newState(setup), ports)
    expect(ports.saves.length).toBeGreaterThan(3)
    expect(ports.saves.length).toBeLessThan(setup.plan.totalSteps)
  })
})
