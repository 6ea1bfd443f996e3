// A run of two stages: texts of the field first, then the rows that the run is for. Steps are counted through both, the
// second begins with a blank optimizer, and from everywhere a run goes on bit for bit.
import { describe, expect, it } from 'vitest'
import { type TrainingOutcome, train, trainFirstStage } from '../../../src/engine/train/loop.ts'
import { planTraining } from '../../../src/engine/train/plan.ts'
import type { TrainingPorts, TrainingSetup } from '../../../src/engine/train/ports.ts'
import type { TrainState } from '../../../src/engine/train/state.ts'
import type { TrainerEvent } from '../../../src/shared/trainer-protocol.ts'
import {
  copyState,
  eventsOf,
  makePorts,
  makeRecipe,
  makeRows,
  makeSetup,
  newState,
  runBigram,
} from './bigram.ts'

interface Stages {
  readonly first: TrainingSetup
  readonly second: TrainingSetup
}

/** Eleven texts, in two passes of four steps each (the last one smaller), then twenty rows in eight steps. */
function makeStages(changes: Record<string, unknown> = {}): Stages {
  const settings = {
    checkpoints: { everySeconds: null, everySteps: 1 },
    evaluation: { everySteps: 3, patience: null },
    schedule: { kind: 'linear', warmupShare: 0.25 },
    ...changes,
  }
  const width = 64
  const plain = makeSetup(settings, 11, 0, width)
  const recipe = { ...plain.recipe, optimizer: { ...plain.recipe.optimizer, learningRate: 0.03 } }
  const first: TrainingSetup = {
    ...plain,
    recipe,
    collation: { ...plain.collation, layout: 'packed', hasSegments: true },
    trainRows: makeRows(11, 3),
  }
  const second = makeSetup(settings, 20, 7, width)
  return {
    first,
    second: { ...second, plan: planTraining(makeRecipe(settings), 20, 7, first.plan.totalSteps) },
  }
}

const begin = ({ second }: Stages): TrainState => ({ ...newState(second), stage: 1 })

async function run(
  { first, second }: Stages,
  state: TrainState,
  ports: TrainingPorts,
): Promise<{ events: TrainerEvent[]; outcome: TrainingOutcome }> {
  const events: TrainerEvent[] = []
  const drain = async <T>(stage: AsyncGenerator<TrainerEvent, T>): Promise<T> => {
    for (;;) {
      const next = await stage.next()
      if (next.done) return next.value
      events.push(next.value)
    }
  }
  if (state.stage === 1) {
    const outcome = await drain(trainFirstStage(first, state, ports))
    if (outcome.reason !== 'next-stage') return { events, outcome }
  }
  return { events, outcome: await drain(train(second, state, ports)) }
}

const curve = (events: readonly TrainerEvent[]) =>
  events
    .filter((event) => event.kind === 'step' || event.kind === 'evaluation')
    .map((event) => ({ ...event, durationMs: 0 }))

const border = 4

describe('two stages', () => {
  it('are counted through, and only the second one is measured', async () => {
    const stages = makeStages()
    const state = begin(stages)
    const { events, outcome } = await run(stages, state, makePorts())
    expect(outcome).toEqual({ reason: 'completed' })
    const steps = eventsOf(events, 'step')
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(steps.map(({ stage }) => stage)).toEqual([1, 1, 1, 1, ...Array(8).fill(undefined)])
    expect(steps.map(({ epoch }) => epoch)).toEqual([
      ...[0.5, 1, 1.5, 2],
      ...[0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2],
    ])
    // Each stage has the whole schedule: from 0 up and down again.
    const rates = steps.map(({ learningRate }) => Number(learningRate.toFixed(4)))
    expect(rates.slice(0, 5)).toEqual([0, 0.03, 0.02, 0.01, 0])
    expect(rates.slice(5)).toEqual([0.025, 0.05, 0.0417, 0.0333, 0.025, 0.0167, 0.0083])
    expect(eventsOf(events, 'evaluation').map(({ step }) => step)).toEqual([4, 7, 10, 12])
    expect(steps.at(-1)!.tokensSeen).toBe(
      2 *
        [...stages.first.trainRows, ...stages.second.trainRows].reduce((sum, { ids }) => sum + ids.length, 0),
    )
    expect(state.best!.step).toBeGreaterThanOrEqual(border)
  })

  it('change over with what was trained, a blank optimizer and an average that begins anew, saved at once', async () => {
    const stages = makeStages({ regularisation: { averaging: 0.9 } })
    const ports = makePorts()
    const { events } = await run(stages, begin(stages), ports)
    const before = ports.saves.find(({ step }) => step === border - 1)!
    const after = ports.saves.find(({ step }) => step === border)!
    expect(before.stage).toBe(1)
    expect([...before.memory.values()].some(({ data }) => data.some((value) => value !== 0))).toBe(true)
    expect(before.average).not.toEqual(before.parameters)
    expect(after).toMatchObject({ stage: 2, evaluatedAtStep: -1, best: null, patienceLossNats: null })
    expect([...after.memory.values()].every(({ data }) => data.every((value) => value === 0))).toBe(true)
    expect(after.average).toEqual(after.parameters)
    const kinds = events
      .filter(({ kind }) => kind !== 'phase')
      .map((event) => ('step' in event ? `${event.kind} ${event.step}` : event.kind))
    const at = kinds.indexOf('step 4')
    expect(kinds.slice(at, at + 4)).toEqual(['step 4', 'checkpoint 4', 'evaluation 4', 'step 5'])
  })

  it('do not read their rows in the same order', async () => {
    const stages = makeStages({ duration: { epochs: 1 } })
    const same = { ...stages.first, trainRows: stages.second.trainRows }
    const first = { ...same, plan: planTraining(makeRecipe({ duration: { epochs: 1 } }), 20, 0) }
    const ports = makePorts()
    const seen: string[] = []
    const forwardBackward: TrainingPorts['forwardBackward'] = async (feeds) => {
      seen.push(String([...(feeds.get('ids')!.data as BigInt64Array)].filter((id) => id > 0n)))
      return runBigram(feeds)
    }
    await run(
      { first, second: { ...stages.second, plan: { ...stages.second.plan, firstStep: 4 } } },
      begin(stages),
      {
        ...ports,
        forwardBackward,
      },
    )
    expect(seen).toHaveLength(14)
    expect(seen.slice(0, 7)).not.toEqual(seen.slice(7))
  })
})

describe('going on', () => {
  it.each([
    ['adamw', null],
    ['adamw-8bit', 0.9],
    ['adafactor', null],
    ['lion', null],
    ['sgd', null],
  ] as const)(
    'from every checkpoint of either stage is bit for bit the same with %s, averaging %s',
    async (kind, averaging) => {
      const stages = makeStages({ optimizer: { kind, learningRate: 0.02 }, regularisation: { averaging } })
      const ports = makePorts()
      const state = begin(stages)
      const whole = await run(stages, state, ports)
      expect(ports.saves.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
      for (const saved of ports.saves) {
        const resumed = copyState(saved)
        const { events } = await run(stages, resumed, makePorts())
        const rest = curve(whole.events).filter(
          ({ kind: what, step }) => step > (what === 'step' ? saved.step : saved.evaluatedAtStep),
        )
        expect(curve(events)).toEqual(rest)
        expect(resumed).toEqual(state)
      }
    },
  )

  it('after a cancel at any moment of either stage is the same', async () => {
    const stages = makeStages({ checkpoints: { everySeconds: null, everySteps: null } })
    const state = begin(stages)
    const whole = await run(stages, state, makePorts())
    // 8 micro-batches of texts, 14 of rows, 4 measurements of 3.
    for (let cancelAt = 1; cancelAt <= 8 + 14 + 12; cancelAt += 1) {
      let asked = 0
      const ports = makePorts({
        nextCommand: async () => {
          asked += 1
          return asked === cancelAt ? 'cancel' : 'continue'
        },
      })
      const first = await run(stages, begin(stages), ports)
      expect(first.outcome.reason).toBe('cancelled')
      const resumed = copyState(ports.saves.at(-1)!)
      const second = await run(stages, resumed, makePorts())
      expect([...curve(first.events), ...curve(second.events)]).toEqual(curve(whole.events))
      expect(resumed).toEqual(state)
    }
  })

  it('waits for a disk that is full at the change of stage', async () => {
    const stages = makeStages({ checkpoints: { everySeconds: null, everySteps: null } })
    const problem = { code: 'disk.full', message: 'Full.', where: 'here', remedy: 'Free some.' } as const
    const plain = makePorts()
    let tries = 0
    const ports = makePorts({
      waitWhilePaused: async () => 'resume',
      saveCheckpoint: async (state) => {
        tries += 1
        return tries === 1 ? { ok: false, problem } : plain.saveCheckpoint(state)
      },
    })
    const { events, outcome } = await run(stages, begin(stages), ports)
    expect(outcome).toEqual({ reason: 'completed' })
    expect(eventsOf(events, 'paused')).toEqual([{ kind: 'paused', step: border, problem }])
    expect(plain.saves[0]).toMatchObject({ step: border, stage: 2 })
  })
})

it('losses that are no numbers name the learning rate of the stage that is to blame', async () => {
  const remedyAt = async (step: number): Promise<string> => {
    const stages = makeStages()
    const state = begin(stages)
    const broken: TrainingPorts['score'] = async (feeds) => {
      const outputs = await runBigram(feeds)
      if (state.step === step) (outputs.get('losses.0')!.data as Float32Array)[0] = Number.NaN
      return outputs
    }
    const { outcome } = await run(stages, state, makePorts({ forwardBackward: broken, score: broken }))
    return outcome.reason === 'failed' ? outcome.problem.remedy : outcome.reason
  }
  expect(await remedyAt(0)).toContain('not the learning rate')
  expect(await remedyAt(2)).toContain('before.learningRate is 0.03; try 0.003')
  expect(await remedyAt(4)).toContain('lower learning rate of the first stage')
  expect(await remedyAt(6)).toContain('optimizer.learningRate is 0.05; try 0.005')
})
