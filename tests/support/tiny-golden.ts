// The tiny Llama of ../shared/goldens (random weights, llama3 rope) and how far a backend is from what transformers and
// PEFT gave for it: logits, loss, every gradient.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BuiltGraph,
  buildLogitsGraph,
  buildTrainingGraph,
  type MethodSpec,
  type ModelConfig,
  type NumericTensor,
  parseModelConfig,
  ropeWeights,
  type TrainingGraphOptions,
} from '#engine/index.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { linearNames } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { batchFeeds, type Feeds, labelFeeds } from '../engine/support/feeds.ts'
import { norm, relativeDifference, relativeDistance, wholeTensor } from '../engine/support/numbers.ts'
import { findShared } from './models.ts'
import { readTensors, withoutPeftPrefix } from './tensor-files.ts'

interface Figures {
  readonly input_ids: readonly (readonly number[])[]
  readonly attention_mask: readonly (readonly number[])[]
  readonly labels: readonly (readonly number[])[]
  readonly loss: number
  readonly logits: readonly number[]
  readonly grad_norm: Readonly<Record<string, number>>
  readonly lora: { readonly r: number; readonly alpha: number; readonly loss: number }
}

export interface TinyGolden {
  readonly folder: string
  readonly config: ModelConfig
  readonly figures: Figures
  readonly lora: MethodSpec
}

/** Computes a graph's outputs from every input and weight by name. */
export type RunGraph = (
  built: BuiltGraph,
  numbers: Feeds,
) => Promise<ReadonlyMap<string, Pick<NumericTensor, 'data'>>>

export function openTinyGolden(): TinyGolden | null {
  const folder = findShared('goldens/tiny/llama_rope_llama3')
  if (!folder) return null
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const figures = read('golden.json') as Figures
  const { r: rank, alpha } = figures.lora
  return {
    folder,
    config: unwrap(parseModelConfig(read('config.json'))),
    figures,
    lora: { kind: 'lora', rank, alpha, targets: linearNames, topLayers: null },
  }
}

/** The golden batch, its labels in so many chunks, and the weights of model and adapter. */
export async function tinyFeeds({ folder, config, figures }: TinyGolden, lossChunks: number): Promise<Feeds> {
  return new Map<string, NumericTensor>([
    ...ropeWeights(config, config.maxPositions),
    ...batchFeeds(figures.input_ids),
    ...labelFeeds(figures.labels, lossChunks),
    ...(await readTensors(join(folder, 'model.safetensors'))),
    ...(await readTensors(join(folder, 'adapter', 'adapter_model.safetensors'), withoutPeftPrefix)),
  ])
}

const numbersOf = (tensor: Pick<NumericTensor, 'data'> | undefined): number[] =>
  Array.from(tensor?.data ?? [], Number)

/** The largest difference of any logit at any position that is no padding. */
export async function logitsError(golden: TinyGolden, run: RunGraph): Promise<number> {
  const { config, figures } = golden
  const places = figures.attention_mask.flat().flatMap((bit, place) => (bit === 1 ? [place] : []))
  const feeds = new Map(await tinyFeeds(golden, 1)).set('rows', wholeTensor([places.length], places))
  const logits = numbersOf((await run(buildLogitsGraph(config, { kind: 'none' }), feeds)).get('logits'))
  if (logits.length !== places.length * config.vocabulary) return Number.POSITIVE_INFINITY
  return logits.reduce((worst, logit, cell) => {
    const row = places[Math.floor(cell / config.vocabulary)]!
    return Math.max(
      worst,
      Math.abs(logit - figures.logits[row * config.vocabulary + (cell % config.vocabulary)]!),
    )
  }, 0)
}

export interface TrainingErrors {
  /** Relative. */
  readonly loss: number
  /** Relative, by parameter: of the gradient's norm in full training, of the whole gradient for LoRA. */
  readonly gradients: ReadonlyMap<string, number>
}

/** How far a training step is from transformers' (full) or PEFT's (lora). Throws where a gradient is compared to none. */
export async function trainingErrors(
  golden: TinyGolden,
  run: RunGraph,
  kind: 'full' | 'lora',
  options: TrainingGraphOptions,
): Promise<TrainingErrors> {
  const { folder, config, figures, lora } = golden
  const built = buildTrainingGraph(config, kind === 'full' ? { kind } : lora, options)
  const outputs = await run(built, await tinyFeeds(golden, options.lossChunks))
  const expected =
    kind === 'full'
      ? new Map(Object.entries(figures.grad_norm))
      : await readTensors(join(folder, 'lora_grads.safetensors'), withoutPeftPrefix)
  if (expected.size !== built.trainable.length) throw new Error(`${expected.size} golden gradients`)
  const loss = kind === 'full' ? figures.loss : figures.lora.loss
  return {
    loss: relativeDifference(sumLosses(outputs, options.lossChunks), loss),
    gradients: new Map(
      [...expected].map(([name, figure]) => {
        const gradient = numbersOf(outputs.get(`grad.${name}`))
        const error =
          typeof figure === 'number'
            ? relativeDifference(norm(gradient), figure)
            : relativeDistance(gradient, figure.data)
        return [name, error]
      }),
    ),
  }
}
