// Runs of the training loop on a tiny Llama, by any backend: parameters moved by the host, or where the graph is computed.
import { tmpdir } from 'node:os'
import {
  type Backend,
  buildScoringGraph,
  buildTrainingGraph,
  type MethodSpec,
  type Session,
} from '#engine/index.ts'
import { layerRates } from '#engine/optim/layer-rates.ts'
import { causalCollation } from '#engine/train/collate.ts'
import { planTraining } from '#engine/train/plan.ts'
import type { TrainingPorts, TrainingSetup } from '#engine/train/ports.ts'
import { initialState, layoutOf, type TrainState } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { tinyConfig, weightFeeds } from '../engine/support/tiny-models.ts'
import { collect, eventsOf, makePorts, makeRecipe, makeRows, vocabulary } from '../engine/train/bigram.ts'

const lossChunks = 2
const trainRows = 12
const config = tinyConfig({
  vocab_size: vocabulary,
  hidden_size: 16,
  intermediate_size: 24,
  rope_theta: 10_000,
  tie_word_embeddings: true,
})

/** 20 steps of two accumulated batches, each of them clipped; lower blocks learn at lower rates. */
const recipe = makeRecipe({
  optimizer: { learningRate: 0.01, layerDecay: 0.7, clipNorm: 0.1, weightDecay: 0.1 },
  batch: { microRows: 3, accumulation: 2 },
  duration: { epochs: 10 },
  evaluation: { everySteps: 5, patience: null },
  checkpoints: { everySeconds: null, everySteps: 4 },
})

export type Place = 'host' | 'device'

export interface ResidentCase {
  readonly setup: TrainingSetup
  /** Of the same training graph: one that is fed what is trained, and one that holds it. */
  readonly sessions: Readonly<Record<Place, Session>>
  readonly newState: () => TrainState
  /** Trains to the end, or as far as `ports` let it. */
  readonly run: (
    place: Place,
    state: TrainState,
    ports?: Partial<TrainingPorts>,
  ) => ReturnType<typeof trainHere>
  readonly dispose: () => Promise<void>
}

export async function openCase(backend: Backend, method: MethodSpec): Promise<ResidentCase> {
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing: true })
  const measuring = buildScoringGraph(config, method, { lossChunks })
  const { weights, feeds } = bindFeeds(built, weightFeeds(built, config))
  const initial = new Map([...feeds].map(([name, { data }]) => [name, data as Float32Array]))
  const layout = layoutOf(built.trainable)
  const names = built.trainable.map(({ name }) => name)
  const rates = layerRates(config, names, recipe.optimizer.layerDecay)
  const resident = {
    settings: recipe.optimizer,
    rates: new Map(names.map((name, index) => [name, rates[index]!])),
  }
  const options = { threads: 2, weights, workFolder: tmpdir() }
  const host = unwrap(await backend.compile(built.graph, options))
  const device = unwrap(await backend.compile(built.graph, { ...options, resident }))
  const scoring = unwrap(await backend.compile(measuring.graph, options))
  const setup: TrainingSetup = {
    recipe,
    plan: planTraining(recipe, trainRows, 4),
    layout,
    rates,
    trainRows: makeRows(trainRows, 1),
    validationRows: makeRows(4, 2),
    collation: causalCollation(lossChunks),
    noise: null,
  }
  const sessions = { host, device }
  return {
    setup,
    sessions,
    newState: () => initialState(layout, initial, recipe),
    run: (place, state, ports) => trainHere(setup, state, sessions[place], scoring, ports),
    async dispose() {
      for (const session of [host, device, scoring]) await session.dispose()
    },
  }
}

async function trainHere(
  setup: TrainingSetup,
  state: TrainState,
  session: Session,
  scoring: Session,
  changes: Partial<TrainingPorts> = {},
) {
  const ports = makePorts({
    forwardBackward: (feeds) => session.run(feeds),
    onDevice: session.resident,
    score: (feeds) => scoring.run(feeds),
    ...changes,
  })
  const { events, outcome } = await collect(setup, state, ports)
  return {
    steps: eventsOf(events, 'step').map((event) => ({ ...event, durationMs: 0 })),
    measured: eventsOf(events, 'evaluation').map(({ lossNats }) => lossNats),
    outcome,
    saves: ports.saves,
  }
}
