// Whole training graphs of a tiny Llama with float32 weights and a batch: small enough for the reference interpreter.
import {
  type BuiltGraph,
  buildTrainingGraph,
  type MethodSpec,
  type NumericTensor,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
import { linearNames } from '#shared/recipe.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../engine/support/tiny-models.ts'

export interface TinyTraining {
  readonly name: string
  readonly built: BuiltGraph
  readonly weights: ReadonlyMap<string, WeightLocation & { kind: 'memory' }>
  readonly feeds: ReadonlyMap<string, Tensor>
}

export function asTensor({ shape, data }: NumericTensor): Tensor {
  if (data instanceof BigInt64Array) return { dtype: 'int64', shape, data }
  return { dtype: 'float32', shape, data: Float32Array.from(data) }
}

const lora: MethodSpec = { kind: 'lora', rank: 3, alpha: 6, targets: linearNames, topLayers: null }

export function tinyTraining(
  method: MethodSpec,
  lossChunks: number,
  gradientCheckpointing: boolean,
  changes: Readonly<Record<string, unknown>> = {},
): TinyTraining {
  const config = tinyConfig(changes)
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing })
  const frozen = new Set(built.frozen.map(({ name }) => name))
  const weights = new Map<string, WeightLocation & { kind: 'memory' }>()
  const feeds = new Map<string, Tensor>()
  for (const [name, tensor] of weightFeeds(built, config))
    if (frozen.has(name)) weights.set(name, { kind: 'memory', tensor: asTensor(tensor) })
    else feeds.set(name, asTensor(tensor))
  for (const [name, tensor] of trainingFeeds(config, lossChunks)) feeds.set(name, asTensor(tensor))
  const variant = gradientCheckpointing ? 'with checkpointing' : 'without checkpointing'
  const biased = changes.attention_bias ? ', biased' : ''
  return { name: `${method.kind}, ${lossChunks} loss chunks, ${variant}${biased}`, built, weights, feeds }
}

const biased = { attention_bias: true, mlp_bias: true, tie_word_embeddings: true }

export const tinyTrainings: readonly TinyTraining[] = [
  tinyTraining(lora, 1, false),
  tinyTraining(lora, 4, false),
  tinyTraining(lora, 2, true),
  tinyTraining({ ...lora, targets: ['q_proj', 'v_proj'], topLayers: 1 }, 1, true),
  tinyTraining({ kind: 'full' }, 1, false),
  tinyTraining({ kind: 'full' }, 2, true),
  tinyTraining({ kind: 'full' }, 2, true, biased),
  tinyTraining(lora, 1, true, biased),
]
