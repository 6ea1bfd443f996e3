// Twenty steps of a tiny Llama with LoRA and AdamW on rows that count upwards: a training curve whose every step rests on all
// steps before it.
import { type Backend, buildTrainingGraph, counterRandom, type Tensor } from '#engine/index.ts'
import { clipFactor, globalNorm } from '#engine/optim/clip.ts'
import { createOptimizer } from '#engine/optim/optimizer.ts'
import { causalCollation, collate, type EncodedRow } from '#engine/train/collate.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf, viewsOf } from '#engine/train/state.ts'
import { optimizerSettings, regularisationSettings } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { tinyLora } from '../engine/support/tiny-methods.ts'
import { tinyConfig, weightFeeds } from '../engine/support/tiny-models.ts'

const steps = 20
const learningRate = 0.02
const config = tinyConfig({ hidden_size: 16, intermediate_size: 24, max_position_embeddings: 32 })
const built = buildTrainingGraph(
  config,
  { ...tinyLora, rank: 4 },
  { lossChunks: 1, gradientCheckpointing: true },
)
const given = bindFeeds(built, weightFeeds(built, config))

function rowsOf(step: number): EncodedRow[] {
  const random = counterRandom(11, `curve ${step}`)
  return Array.from({ length: 4 }, (_, row) => {
    const first = Math.floor(random(row) * config.vocabulary)
    const ids = Array.from({ length: 9 }, (_, place) => (first + place) % config.vocabulary)
    return { rowId: `${step} ${row}`, ids: Int32Array.from(ids), labels: Int32Array.from(ids) }
  })
}

/** Mean loss of every step in nats, and the trained numbers behind the last. */
export async function trainCurve(
  backend: Backend,
  workFolder: string,
): Promise<{ readonly losses: readonly number[]; readonly trained: Float32Array }> {
  const session = unwrap(
    await backend.compile(built.graph, { threads: 2, weights: given.weights, workFolder }),
  )
  const settings = optimizerSettings.parse({})
  const layout = layoutOf(built.trainable)
  const initial = new Map([...given.feeds].map(([name, { data }]) => [name, data as Float32Array]))
  const recipe = { optimizer: settings, regularisation: regularisationSettings.parse({}) }
  const state = initialState(layout, initial, recipe)
  const gradients = new Float32Array(layout.length)
  const optimizer = createOptimizer(settings, layout.entries, { ...state, gradients })
  const losses: number[] = []
  for (let step = 0; step < steps; step += 1) {
    const batch = collate(rowsOf(step), causalCollation(1))
    const outputs = await session.run(
      new Map<string, Tensor>([...batch.feeds, ...viewsOf(layout, state.parameters)]),
    )
    losses.push(sumLosses(outputs, 1) / batch.labelledTokens)
    for (const { name, offset } of layout.entries)
      gradients.set(outputs.get(`grad.${name}`)!.data as Float32Array, offset)
    const norm = globalNorm(gradients) / batch.labelledTokens
    const gradScale = clipFactor(norm, settings.clipNorm) / batch.labelledTokens
    optimizer.step({ updates: step + 1, learningRate, gradScale })
  }
  await session.dispose()
  return { losses, trained: state.parameters }
}
