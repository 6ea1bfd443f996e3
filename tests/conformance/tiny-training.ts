// Whole training graphs of a tiny Llama with float32 weights and a batch: small enough for the reference interpreter.
import {
  type BuiltGraph,
  buildTrainingGraph,
  type LoraMethod,
  type MethodSpec,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { tinyLora, wholeModel } from '../engine/support/tiny-methods.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../engine/support/tiny-models.ts'

export interface TinyTraining {
  readonly name: string
  readonly built: BuiltGraph
  readonly weights: ReadonlyMap<string, WeightLocation & { kind: 'memory' }>
  readonly feeds: ReadonlyMap<string, Tensor>
}

const lora: LoraMethod = { ...tinyLora, rank: 3, alpha: 6 }

export function tinyTraining(
  method: MethodSpec,
  lossChunks: number,
  gradientCheckpointing: boolean,
  changes: Readonly<Record<string, unknown>> = {},
): TinyTraining {
  const config = tinyConfig(changes)
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing })
  const numbers = new Map([...weightFeeds(built, config), ...trainingFeeds(config, lossChunks)])
  const variant = gradientCheckpointing ? 'with checkpointing' : 'without checkpointing'
  const biased = changes.attention_bias ? ', biased' : ''
  return {
    name: `${method.kind === 'lora' && method.decomposed ? 'dora' : method.kind}, ${lossChunks} loss chunks, ${variant}${biased}`,
    built,
    ...bindFeeds(built, numbers),
  }
}

const biased = { attention_bias: true, mlp_bias: true, tie_word_embeddings: true }

export const tinyTrainings: readonly TinyTraining[] = [
  tinyTraining(lora, 1, false),
  tinyTraining(lora, 4, false),
  tinyTraining(lora, 2, true),
  tinyTraining({ ...lora, targets: ['q_proj', 'v_proj'], topLayers: 1 }, 1, true),
  tinyTraining({ ...lora, decomposed: true, scaling: 'rank-stabilised' }, 2, true),
  tinyTraining({ ...lora, decomposed: true }, 1, false, biased),
  tinyTraining(wholeModel, 1, false),
  tinyTraining(wholeModel, 2, true),
  tinyTraining(wholeModel, 2, true, biased),
  tinyTraining(lora, 1, true, biased),
]
