// A tiny model of every family with random weights, its configuration as Hugging Face writes it, and its forward pass and
// training step. What transformers makes of such models is told by ../shared/goldens; these need nothing beside the
// repository.
import {
  type BuiltGraph,
  buildLogitsGraph,
  buildTrainingGraph,
  type MethodSpec,
  parseModelConfig,
  type Task,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import { familyFeeds } from '../engine/support/family-feeds.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { wholeTensor } from '../engine/support/numbers.ts'
import { tinyLora } from '../engine/support/tiny-methods.ts'
import { weightFeeds } from '../engine/support/tiny-models.ts'

/** A graph with everything that it is given. */
export interface GivenGraph {
  readonly name: string
  readonly built: BuiltGraph
  readonly weights: ReadonlyMap<string, WeightLocation & { kind: 'memory' }>
  readonly feeds: ReadonlyMap<string, Tensor>
}

type Fields = Readonly<Record<string, unknown>>

const llamaShaped: Fields = {
  vocab_size: 24,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 4,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 100,
  tie_word_embeddings: false,
}
const encoder: Fields = {
  vocab_size: 24,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 32,
  layer_norm_eps: 1e-5,
  hidden_act: 'gelu',
}
const gemma: Fields = {
  ...llamaShaped,
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 6,
  tie_word_embeddings: true,
  sliding_window: 3,
}
const t5: Fields = {
  model_type: 't5',
  vocab_size: 24,
  d_model: 16,
  d_ff: 24,
  d_kv: 4,
  num_heads: 4,
  num_layers: 2,
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 16,
  decoder_start_token_id: 0,
}

/** By what is of its own in each: rotary scalings, windows, caps, norms of heads, joined weights, biases, scales. */
const configs: Readonly<Record<string, Fields>> = {
  llama: {
    ...llamaShaped,
    model_type: 'llama',
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8,
    },
  },
  mistral: { ...llamaShaped, model_type: 'mistral', sliding_window: 3 },
  qwen2: { ...llamaShaped, model_type: 'qwen2', use_sliding_window: false, tie_word_embeddings: true },
  qwen3: { ...llamaShaped, model_type: 'qwen3', use_sliding_window: false },
  smollm3: { ...llamaShaped, model_type: 'smollm3', no_rope_layers: [1, 0], use_sliding_window: false },
  granite: {
    ...llamaShaped,
    model_type: 'granite',
    attention_multiplier: 0.3,
    embedding_multiplier: 3,
    residual_multiplier: 0.4,
    logits_scaling: 2,
  },
  olmo2: { ...llamaShaped, model_type: 'olmo2' },
  phi3: {
    ...llamaShaped,
    model_type: 'phi3',
    partial_rotary_factor: 0.5,
    original_max_position_embeddings: 32,
  },
  gemma2: {
    ...gemma,
    model_type: 'gemma2',
    attn_logit_softcapping: 5,
    final_logit_softcapping: 3,
    layer_types: ['sliding_attention', 'full_attention'],
  },
  gemma3: {
    ...gemma,
    model_type: 'gemma3_text',
    rope_local_base_freq: 50,
    layer_types: ['sliding_attention', 'full_attention'],
  },
  gpt2: {
    model_type: 'gpt2',
    vocab_size: 24,
    n_embd: 16,
    n_head: 4,
    n_layer: 2,
    n_positions: 32,
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
  },
  'gpt-neox': { ...encoder, model_type: 'gpt_neox', rotary_pct: 0.5, use_parallel_residual: true },
  t5: { ...t5, feed_forward_proj: 'relu' },
  'gated t5': { ...t5, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false },
  bert: { ...encoder, model_type: 'bert', type_vocab_size: 2 },
  roberta: { ...encoder, model_type: 'roberta', type_vocab_size: 1, pad_token_id: 1 },
  distilbert: {
    model_type: 'distilbert',
    vocab_size: 24,
    dim: 16,
    hidden_dim: 24,
    n_heads: 4,
    n_layers: 2,
    max_position_embeddings: 32,
    activation: 'gelu',
  },
}

export const modelTypes: readonly unknown[] = Object.values(configs).map(({ model_type }) => model_type)

const ids = [
  [3, 7, 11, 2, 19, 5, 13],
  [8, 1, 22, 6, 4, 4, 4],
]
const mask = ids.map((row, text) => row.map((_, place) => (text === 0 || place < 5 ? 1 : 0)))
const labels = ids.map((row, text) => row.map((id, place) => (mask[text]![place] === 1 ? id : -100)))

/** The forward pass, and a step of LoRA with blocks computed again, of each family. */
export const familyGraphs: readonly GivenGraph[] = Object.entries(configs).flatMap(([family, fields]) => {
  const config = unwrap(parseModelConfig(fields))
  const isEncoder = config.kind === 'encoder'
  const task: Task = isEncoder ? { kind: 'sequence-classes', classes: 3 } : { kind: 'language-model' }
  const batch = { ids, mask, types: null, labels: isEncoder ? [2, 0] : labels, startId: 0 }
  const given = (what: string, built: BuiltGraph): GivenGraph => {
    const numbers = new Map([
      ...weightFeeds(built, config),
      ...familyFeeds(config, task, batch, 1, config.maxPositions),
      ['rows', wholeTensor([3], [0, 4, 9])] as const,
    ])
    return { name: `${family}, ${what}`, built, ...bindFeeds(built, numbers) }
  }
  const method: MethodSpec = tinyLora
  const options = { lossChunks: 1, gradientCheckpointing: true, task }
  return [
    given('forward', buildLogitsGraph(config, { kind: 'none' }, { task })),
    given('training step', buildTrainingGraph(config, method, options)),
  ]
})
