// A model small enough to write down: logits of the next token are one row of a table W [V,V], chosen by the last token.
// It answers the training loop's ports exactly, so that the loop is tested without a graph or a backend.
import type { Tensor } from '../../../src/engine/backend-port.ts'
import { counterRandom } from '../../../src/engine/random.ts'
import { causalCollation, type EncodedRow } from '../../../src/engine/train/collate.ts'
import { type TrainingOutcome, train } from '../../../src/engine/train/loop.ts'
import { planTraining } from '../../../src/engine/train/plan.ts'
import type { TrainingPorts, TrainingSetup } from '../../../src/engine/train/ports.ts'
import { initialState, layoutOf, type TrainState } from '../../../src/engine/train/state.ts'
import { type Recipe, recipe } from '../../../src/shared/recipe.ts'
import type { TrainerEvent } from '../../../src/shared/trainer-protocol.ts'

export const vocabulary = 12

type Feeds = ReadonlyMap<string, Tensor>

/** Sums of cross-entropy and of their gradients over the weighted places of every chunk. */
export async function runBigram(feeds: Feeds): Promise<Map<string, Tensor>> {
  const table = feeds.get('table')!.data as Float32Array
  const ids = feeds.get('ids')!.data as BigInt64Array
  const gradient = new Float32Array(table.length)
  const outputs = new Map<string, Tensor>()
  for (let chunk = 0; feeds.has(`rows.${chunk}`); chunk += 1) {
    const places = feeds.get(`rows.${chunk}`)!.data as BigInt64Array
    const targets = feeds.get(`targets.${chunk}`)!.data as BigInt64Array
    const weights = feeds.get(`weights.${chunk}`)!.data as Float32Array
    const losses = new Float32Array(places.length)
    for (let i = 0; i < places.length; i += 1)
      losses[i] = addPlace(table, gradient, Number(ids[Number(places[i])]), Number(targets[i]), weights[i]!)
    outputs.set(`losses.${chunk}`, { dtype: 'float32', shape: [losses.length], data: losses })
  }
  outputs.set('grad.table', { dtype: 'float32', shape: feeds.get('table')!.shape, data: gradient })
  return outputs
}

function addPlace(
  table: Float32Array,
  gradient: Float32Array,
  from: number,
  to: number,
  weight: number,
): number {
  const width = Math.sqrt(table.length)
  const start = from * width
  const logits = table.subarray(start, start + width)
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  for (let next = 0; next < width; next += 1) {
    const probability = Math.exp(logits[next]!) / sum
    gradient[start + next] = gradient[start + next]! + weight * (probability - (next === to ? 1 : 0))
  }
  return weight * (Math.log(sum) - logits[to]!)
}

/** Rows that mostly count upwards, of different lengths; the first two tokens are the prompt. */
export function makeRows(count: number, seed: number): EncodedRow[] {
  const random = counterRandom(seed, 'test rows')
  return Array.from({ length: count }, (_, row) => {
    const length = 4 + Math.floor(random(row * 100) * 8)
    const first = Math.floor(random(row * 100 + 1) * vocabulary)
    const ids = Array.from({ length }, (_, t) =>
      random(row * 100 + 2 + t) < 0.1
        ? Math.floor(random(row * 100 + 50 + t) * vocabulary)
        : (first + t) % vocabulary,
    )
    return { rowId: `row-${row}`, ids, labels: ids.map((id, t) => (t < 2 ? -100 : id)) }
  })
}

export function makeRecipe(changes: Record<string, unknown> = {}): Recipe {
  return recipe.parse({
    version: 1,
    model: { id: 'bigram', weightsSha256: '0'.repeat(64) },
    data: { fingerprint: 'test' },
    scenario: 'classification',
    instruction: '',
    threads: 1,
    optimizer: { learningRate: 0.05 },
    batch: { microRows: 3, accumulation: 2, maxTokens: 64 },
    duration: { epochs: 2 },
    checkpoints: { everySeconds: null, everySteps: null },
    ...changes,
  })
}

export function makeSetup(
  changes: Record<string, unknown> = {},
  trainRows = 20,
  validationRows = 7,
  width = vocabulary,
): TrainingSetup {
  const wanted = makeRecipe(changes)
  return {
    recipe: wanted,
    plan: planTraining(wanted, trainRows, validationRows),
    rates: [wanted.optimizer.layerDecay],
    layout: layoutOf([{ name: 'table', shape: [width, width] }]),
    trainRows: makeRows(trainRows, 1),
    validationRows: makeRows(validationRows, 2),
    collation: causalCollation(2),
    noise: null,
  }
}

export function newState(setup: TrainingSetup): TrainState {
  return initialState(setup.layout, new Map([['table', new Float32Array(setup.layout.length)]]), setup.recipe)
}

/** What a checkpoint keeps: a copy that later steps cannot reach. */
export const copyState = (state: TrainState): TrainState => structuredClone(state)

/** Ports without a host: time counts calls, saving keeps a copy in `saves`, nobody interrupts. */
export function makePorts(changes: Partial<TrainingPorts> = {}): TrainingPorts & { saves: TrainState[] } {
  const saves: TrainState[] = []
  let nowMs = 0
  return {
    saves,
    forwardBackward: runBigram,
    score: runBigram,
    nowMs: () => {
      nowMs += 1
      return nowMs
    },
    nextCommand: async () => 'continue',
    holdYourself: () => {},
    waitWhilePaused: async () => {
      throw new Error('nobody paused this run')
    },
    saveCheckpoint: async (state) => {
      saves.push(copyState(state))
      return { ok: true, value: { folder: `step-${state.step}`, manifestSha256: 'x', bytes: 1 } }
    },
    ...changes,
  }
}

export async function collect(
  setup: TrainingSetup,
  state: TrainState,
  ports: TrainingPorts,
): Promise<{ events: TrainerEvent[]; outcome: TrainingOutcome }> {
  const events: TrainerEvent[] = []
  const run = train(setup, state, ports)
  for (;;) {
    const next = await run.next()
    if (next.done) return { events, outcome: next.value }
    events.push(next.value)
  }
}

export function eventsOf<K extends TrainerEvent['kind']>(
  events: readonly TrainerEvent[],
  kind: K,
): Extract<TrainerEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<TrainerEvent, { kind: K }> => event.kind === kind)
}
