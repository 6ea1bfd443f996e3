// The training loop on a real graph: a tiny Llama with LoRA, differentiated by the engine, run by the reference backend.
import { beforeAll, describe, expect, it } from 'vitest'
import type { Session, Tensor } from '../../../src/engine/backend-port.ts'
import {
  buildScoringGraph,
  buildTrainingGraph,
  createReferenceBackend,
  initialValues,
  type LoraMethod,
  languageModel,
  type NamedShape,
} from '../../../src/engine/index.ts'
import { layerRates } from '../../../src/engine/optim/layer-rates.ts'
import { causalCollation } from '../../../src/engine/train/collate.ts'
import { planTraining } from '../../../src/engine/train/plan.ts'
import type { TrainingPorts, TrainingSetup } from '../../../src/engine/train/ports.ts'
import { initialState, layoutOf, type TrainState } from '../../../src/engine/train/state.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { bindFeeds } from '../support/feeds.ts'
import { tinyConfig, weightFeeds } from '../support/tiny-models.ts'
import { collect, copyState, eventsOf, makePorts, makeRecipe, makeRows, vocabulary } from './bigram.ts'

const lossChunks = 2
const config = tinyConfig({
  vocab_size: vocabulary,
  hidden_size: 16,
  intermediate_size: 24,
  rope_theta: 10_000,
  tie_word_embeddings: true,
})
const method: LoraMethod = {
  kind: 'lora',
  rank: 4,
  alpha: 8,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}
let training: Session
let scoring: Session
let trainable: readonly NamedShape[]
let initial: ReadonlyMap<string, Float32Array>

beforeAll(async () => {
  const backend = createReferenceBackend({ precision: 'float32' })
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing: true })
  const { weights } = bindFeeds(built, weightFeeds(built, config))
  const options = { threads: 1, weights, workFolder: '' }
  trainable = built.trainable
  initial = await initialValues({ config, method, task: languageModel, seed: 42, read: async () => null })
  training = unwrap(await backend.compile(built.graph, options))
  scoring = unwrap(await backend.compile(buildScoringGraph(config, method, { lossChunks }).graph, options))
})

function setupOf(changes: Record<string, unknown>): TrainingSetup {
  const recipe = makeRecipe({ optimizer: { learningRate: 0.02 }, ...changes })
  return {
    recipe,
    plan: planTraining(recipe, 12, 4),
    layout: layoutOf(trainable),
    rates: layerRates(
      config,
      trainable.map(({ name }) => name),
      recipe.optimizer.layerDecay,
    ),
    trainRows: makeRows(12, 1),
    validationRows: makeRows(4, 2),
    collation: causalCollation(lossChunks),
    noise: null,
  }
}
const newState = (setup: TrainingSetup): TrainState => initialState(setup.layout, initial, setup.recipe)
const portsOf = (changes: Partial<TrainingPorts> = {}) =>
  makePorts({
    forwardBackward: (feeds: ReadonlyMap<string, Tensor>) => training.run(feeds),
    score: (feeds: ReadonlyMap<string, Tensor>) => scoring.run(feeds),
    ...changes,
  })

describe('LoRA on a tiny Llama', () => {
  it('learns', async () => {
    const setup = setupOf({ batch: { microRows: 4, accumulation: 1 }, duration: { epochs: 8 } })
    const { events, outcome } = await collect(setup, newState(setup), portsOf())
    expect(outcome.reason).toBe('completed')
    const losses = eventsOf(events, 'evaluation').map((event) => event.lossNats)
    expect(Math.min(...losses)).toBeLessThan(losses[0]! - 0.3)
    const steps = eventsOf(events, 'step')
    expect(steps.at(-1)!.lossNats).toBeLessThan(steps[0]!.lossNats - 0.5)
  })

  it('accumulated micro-batches equal one big batch, padding and chunks make no difference', async () => {
    const small = setupOf({ batch: { microRows: 1, accumulation: 12 }, duration: { epochs: 3 } })
    const big = setupOf({ batch: { microRows: 12, accumulation: 1 }, duration: { epochs: 3 } })
    const a = eventsOf((await collect(small, newState(small), portsOf())).events, 'step')
    const b = eventsOf((await collect(big, newState(big), portsOf())).events, 'step')
    expect(a).toHaveLength(3)
    for (const [i, step] of a.entries()) {
      expect(Math.abs(step.lossNats / b[i]!.lossNats - 1)).toBeLessThan(1e-5)
      expect(Math.abs(step.gradNorm / b[i]!.gradNorm - 1)).toBeLessThan(1e-4)
    }
  })

  it.each(['adamw', 'adafactor'])(
    'with %s, resumed from every step has the same losses and parameters bit for bit',
    async (kind) => {
      const setup = setupOf({
        optimizer: { kind, learningRate: 0.02, layerDecay: 0.8 },
        regularisation: { averaging: 0.9 },
        batch: { microRows: 3, accumulation: 2 },
        duration: { epochs: 4 },
        checkpoints: { everySeconds: null, everySteps: 1 },
      })
      const ports = portsOf()
      const state = newState(setup)
      const whole = eventsOf((await collect(setup, state, ports)).events, 'step')
      for (const saved of ports.saves) {
        const resumed = copyState(saved)
        const steps = eventsOf((await collect(setup, resumed, portsOf())).events, 'step')
        const plain = (events: typeof steps) => events.map((event) => ({ ...event, durationMs: 0 }))
        expect(plain(steps)).toEqual(plain(whole.slice(saved.step)))
        expect(resumed).toEqual(state)
      }
      expect(ports.saves.length).toBeGreaterThanOrEqual(setup.plan.totalSteps)
    },
  )
})
