// Twenty steps of a tiny Llama with LoRA and AdamW on rows that count upwards: a training curve whose every step rests on all
// steps before it.
import { type Backend, buildTrainingGraph, counterRandom, type Tensor } from '#engine/index.ts'
import { clipFactor } from '#engine/optim/clip.ts'
import { causalCollation, collate, type EncodedRow } from '#engine/train/collate.ts'
import { createDeviceUpdater } from '#engine/train/device-updater.ts'
import { createHostUpdater } from '#engine/train/host-updater.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf } from '#engine/train/state.ts'
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

/**
 * Mean loss of every step in nats, and the trained numbers behind the last; parameters moved on the host, or where the
 * backend computes.
 */
export async function trainCurve(
  backend: Backend,
  workFolder: string,
  place: 'host' | 'device' = 'host',
): Promise<{ readonly losses: readonly number[]; readonly trained: Float32Array }> {
  const settings = optimizerSettings.parse({})
  const resident = { settings, rates: new Map<string, number>() }
  const session = unwrap(
    await backend.compile(built.graph, {
      threads: 2,
      weights: given.weights,
      workFolder,
      ...(place === 'device' && { resident }),
    }),
  )
  const layout = layoutOf(built.trainable)
  const initial = new Map([...given.feeds].map(([name, { data }]) => [name, data as Float32Array]))
  const recipe = { optimizer: settings, regularisation: regularisationSettings.parse({}) }
  const state = initialState(layout, initial, recipe)
  const setup = { recipe, layout, rates: layout.entries.map(() => 1) }
  const updater = session.resident
    ? createDeviceUpdater(layout, state, session.resident)
    : createHostUpdater(setup, state)
  const losses: number[] = []
  for (let step = 0; step < steps; step += 1) {
    await updater.begin()
    const batch = collate(rowsOf(step), causalCollation(1))
    const outputs = await session.run(new Map<string, Tensor>([...batch.feeds, ...updater.feeds]))
    losses.push(sumLosses(outputs, 1) / batch.labelledTokens)
    updater.add(outputs)
    const norm = (await updater.gradientNorm()) / batch.labelledTokens
    const gradScale = clipFactor(norm, settings.clipNorm) / batch.labelledTokens
    await updater.update({ updates: step + 1, learningRate, gradScale })
  }
  await updater.bringBack()
  await session.dispose()
  return { losses, trained: state.parameters }
}
