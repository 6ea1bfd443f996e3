// The tiny models of ../shared/goldens/tiny (random weights, one folder a family) and how far a backend is from what
// transformers and PEFT gave for them: logits, loss, every gradient. Knows the form of a golden, no family.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BuiltGraph,
  buildLogitsGraph,
  buildTrainingGraph,
  type MethodSpec,
  type ModelConfig,
  type NumericTensor,
  parseModelConfig,
  type Task,
} from '#engine/index.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { linearNames } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import {
  type FamilyBatch,
  familyFeeds,
  type Grid,
  labelGrid,
  labelledPlaces,
} from '../engine/support/family-feeds.ts'
import type { Feeds } from '../engine/support/feeds.ts'
import { norm, relativeDifference, relativeDistance, wholeTensor } from '../engine/support/numbers.ts'
import { findShared } from './models.ts'
import { type FloatTensor, readTensors, withoutPeftPrefix } from './tensor-files.ts'

interface Figures {
  readonly class: string
  readonly input_ids: Grid
  readonly attention_mask: Grid
  readonly token_type_ids?: Grid
  /** One class a text, or a label for every position (-100: none). */
  readonly labels: Grid | readonly number[]
  readonly loss: number
  readonly logits: readonly number[]
  readonly logits_shape: readonly number[]
  readonly grad_norm: Readonly<Record<string, number>>
  readonly grad_norm_total: number
  /** What transformers writes greedily behind a prompt, where the model writes. */
  readonly greedy_prompt?: readonly number[]
  readonly greedy_12?: readonly number[]
  readonly lora?: {
    readonly r: number
    readonly alpha: number
    readonly loss: number
    readonly last_logits_row0: readonly number[]
  }
}

export interface TinyGolden {
  readonly name: string
  readonly config: ModelConfig
  readonly task: Task
  readonly figures: Figures
  /** Weights of the model, of the golden adapter and its gradients, by our names. */
  readonly weights: ReadonlyMap<string, FloatTensor>
  readonly adapter: ReadonlyMap<string, FloatTensor>
  readonly adapterGradients: ReadonlyMap<string, FloatTensor>
  readonly lora: MethodSpec | null
  /** Of a model with a decoder of its own: the id that its input begins with. */
  readonly startId: number
}

/** Computes a graph's outputs from every input and weight by name. */
export type RunGraph = (
  built: BuiltGraph,
  numbers: Feeds,
) => Promise<ReadonlyMap<string, Pick<NumericTensor, 'data'>>>

/** The task that a class of transformers is for. */
export function taskOf(name: string, classes: number): Task {
  if (name.endsWith('ForSequenceClassification')) return { kind: 'sequence-classes', classes }
  if (name.endsWith('ForTokenClassification')) return { kind: 'token-classes', classes }
  return { kind: 'language-model' }
}

async function openGolden(folder: string, name: string): Promise<TinyGolden> {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, name, file), 'utf8'))
  const figures = read('golden.json') as Figures
  const fields = read('config.json') as Record<string, unknown>
  const weights = await readTensors(join(folder, name, 'model.safetensors'))
  const { lora } = figures
  const ofAdapter = (file: string): Promise<ReadonlyMap<string, FloatTensor>> =>
    lora ? readTensors(join(folder, name, file), withoutPeftPrefix) : Promise.resolve(new Map())
  return {
    name,
    config: unwrap(parseModelConfig(fields, weights.keys())),
    task: taskOf(figures.class, figures.logits_shape.at(-1) ?? 0),
    figures,
    weights,
    adapter: await ofAdapter('adapter/adapter_model.safetensors'),
    adapterGradients: await ofAdapter('lora_grads.safetensors'),
    lora: lora
      ? {
          kind: 'lora',
          rank: lora.r,
          alpha: lora.alpha,
          targets: linearNames,
          topLayers: null,
          scaling: 'standard',
          decomposed: false,
        }
      : null,
    startId: Number(fields.decoder_start_token_id ?? 0),
  }
}

/** Every golden there is; none where ../shared is not there. */
export async function openTinyGoldens(): Promise<readonly TinyGolden[]> {
  const folder = findShared('goldens/tiny')
  if (!folder) return []
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return Promise.all(names.map((entry) => openGolden(folder, entry.name)))
}

const batchOf = ({ figures, startId }: TinyGolden): FamilyBatch => ({
  ids: figures.input_ids,
  mask: figures.attention_mask,
  types: figures.token_type_ids ?? null,
  labels: figures.labels,
  startId,
})

/** The golden batch, its labels in so many chunks, and the weights of model and adapter. */
export function tinyFeeds(golden: TinyGolden, lossChunks: number): Map<string, NumericTensor> {
  const { config, task, weights, adapter } = golden
  const positions = golden.figures.input_ids[0]?.length ?? 0
  const feeds = familyFeeds(config, task, batchOf(golden), lossChunks, positions)
  return new Map([...feeds, ...weights, ...adapter])
}

const numbersOf = (tensor: Pick<NumericTensor, 'data'> | undefined): number[] =>
  Array.from(tensor?.data ?? [], Number)

const largestError = (found: readonly number[], expected: readonly number[]): number =>
  found.length === expected.length
    ? found.reduce((worst, value, at) => Math.max(worst, Math.abs(value - expected[at]!)), 0)
    : Number.POSITIVE_INFINITY

/** Places of the body's result whose logits a golden has: of each text, or of each position that is no padding. */
function comparedPlaces(golden: TinyGolden): readonly number[] {
  const { config, task, figures } = golden
  if (task.kind === 'sequence-classes')
    return labelledPlaces(config, task, batchOf(golden)).map(({ row }) => row)
  const isReal =
    config.kind === 'sequence-to-sequence'
      ? labelGrid(batchOf(golden)).map((row) => row.map((label) => label !== -100))
      : figures.attention_mask.map((row) => row.map((bit) => bit === 1))
  return isReal.flat().flatMap((real, place) => (real ? [place] : []))
}

/** The largest difference of any logit at any position that is no padding. */
export async function logitsError(golden: TinyGolden, run: RunGraph): Promise<number> {
  const { config, task, figures } = golden
  const places = comparedPlaces(golden)
  const width = figures.logits_shape.at(-1) ?? 0
  const expected = places.flatMap((place, index) => {
    const row = task.kind === 'sequence-classes' ? index : place
    return figures.logits.slice(row * width, (row + 1) * width)
  })
  const feeds = tinyFeeds(golden, 1).set('rows', wholeTensor([places.length], places))
  const outputs = await run(buildLogitsGraph(config, { kind: 'none' }, { task }), feeds)
  return largestError(numbersOf(outputs.get('logits')), expected)
}

/** The same with the golden adapter, at the last position of the first row. */
export async function adaptedLogitsError(golden: TinyGolden, run: RunGraph): Promise<number> {
  const { config, task, figures, lora } = golden
  if (!lora) throw new Error(`${golden.name} has no adapter`)
  const last = (figures.logits_shape[1] ?? 0) - 1
  const feeds = tinyFeeds(golden, 1).set('rows', wholeTensor([1], [last]))
  const outputs = await run(buildLogitsGraph(config, lora, { task }), feeds)
  return largestError(numbersOf(outputs.get('logits')), figures.lora?.last_logits_row0 ?? [])
}

/** transformers 5 says lm_head in the model where the weight file has the family's own name. */
const fileName = ({ config, weights }: TinyGolden, name: string): string =>
  name === 'lm_head.weight' && !weights.has(name) ? (config.output.weight ?? name) : name

/**
 * Difference of norms relative to the golden's, or to a hundred-thousandth of all gradients: the bias of keys shifts all scores
 * of a query alike, so its gradient is 0, and the golden's norm of it is rounding.
 */
const normError = ({ figures }: TinyGolden, found: number, expected: number): number =>
  Math.abs(found - expected) / Math.max(expected, 1e-5 * figures.grad_norm_total)

export interface TrainingErrors {
  /** Relative. */
  readonly loss: number
  /** Relative, by parameter: of the gradient's norm in full training, of the whole gradient for LoRA. */
  readonly gradients: ReadonlyMap<string, number>
}

/**
 * How far a training step is from transformers' (full) or PEFT's (lora). Throws where the golden's trained weights are
 * not ours.
 */
export async function trainingErrors(
  golden: TinyGolden,
  run: RunGraph,
  kind: 'full' | 'lora',
  options: { readonly lossChunks: number; readonly gradientCheckpointing: boolean },
): Promise<TrainingErrors> {
  const { config, task, figures, lora, adapterGradients } = golden
  const method: MethodSpec | null = kind === 'full' ? { kind, topLayers: null } : lora
  if (!method) throw new Error(`${golden.name} has no adapter`)
  const built = buildTrainingGraph(config, method, { ...options, task })
  const expected: ReadonlyMap<string, number | FloatTensor> =
    kind === 'full'
      ? new Map(Object.entries(figures.grad_norm).map(([name, value]) => [fileName(golden, name), value]))
      : adapterGradients
  const ours = built.trainable.map(({ name }) => name).sort()
  const theirs = [...expected.keys()].sort()
  if (ours.join() !== theirs.join()) throw new Error(`${golden.name} trains ${theirs}, and here ${ours}`)
  const outputs = await run(built, tinyFeeds(golden, options.lossChunks))
  const loss = kind === 'full' ? figures.loss : (figures.lora?.loss ?? Number.NaN)
  return {
    loss: relativeDifference(sumLosses(outputs, options.lossChunks), loss),
    gradients: new Map(
      [...expected].map(([name, figure]) => {
        const gradient = numbersOf(outputs.get(`grad.${name}`))
        const error =
          typeof figure === 'number'
            ? normError(golden, norm(gradient), figure)
            : relativeDistance(gradient, figure.data)
        return [name, error]
      }),
    ),
  }
}
