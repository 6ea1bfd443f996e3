// config.json of a Llama model, in the fields that a GGUF determines, and the tensors that it implies.

import { isRecord, type JsonRecord } from '#shared/json-record.ts'
import { ProblemError } from '#shared/result.ts'
import { quoteForeign } from './weight-problems.ts'

/** The rotary embedding's settings, under the names of config.json. */
export type RopeConfig =
  | { readonly rope_type: 'default' }
  | { readonly rope_type: 'linear'; readonly factor: number }
  | {
      readonly rope_type: 'llama3'
      readonly factor: number
      readonly low_freq_factor: number
      readonly high_freq_factor: number
      readonly original_max_position_embeddings: number
    }

/** config.json of a Llama model; `rope_theta`/`rope_scaling` (transformers 4) and `rope_parameters` (5) say the same. */
export interface LlamaConfig {
  readonly architectures: readonly ['LlamaForCausalLM']
  readonly model_type: 'llama'
  readonly vocab_size: number
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly hidden_act: 'silu'
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly rope_theta: number
  readonly rope_scaling: RopeConfig | null
  readonly rope_parameters: RopeConfig & { readonly rope_theta: number }
  readonly tie_word_embeddings: boolean
  readonly attention_bias: boolean
  readonly mlp_bias: boolean
  readonly bos_token_id: number | null
  readonly eos_token_id: number | null
  readonly pad_token_id: number | null
}

/** Every tensor that a Llama model of this configuration has, with its Hugging Face shape. */
export function expectedShapes(config: LlamaConfig): Map<string, readonly number[]> {
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim } = config
  const queries = config.num_attention_heads * headDim
  const keys = config.num_key_value_heads * headDim
  const shapes = new Map<string, readonly number[]>()
  shapes.set('model.embed_tokens.weight', [config.vocab_size, hidden])
  shapes.set('model.norm.weight', [hidden])
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [config.vocab_size, hidden])
  for (let layer = 0; layer < config.num_hidden_layers; layer += 1) {
    const prefix = `model.layers.${layer}.`
    const linear = (name: string, rows: number, columns: number, hasBias: boolean): void => {
      shapes.set(`${prefix}${name}.weight`, [rows, columns])
      if (hasBias) shapes.set(`${prefix}${name}.bias`, [rows])
    }
    shapes.set(`${prefix}input_layernorm.weight`, [hidden])
    shapes.set(`${prefix}post_attention_layernorm.weight`, [hidden])
    linear('self_attn.q_proj', queries, hidden, config.attention_bias)
    linear('self_attn.k_proj', keys, hidden, config.attention_bias)
    linear('self_attn.v_proj', keys, hidden, config.attention_bias)
    linear('self_attn.o_proj', hidden, queries, config.attention_bias)
    linear('mlp.gate_proj', inner, hidden, config.mlp_bias)
    linear('mlp.up_proj', inner, hidden, config.mlp_bias)
    linear('mlp.down_proj', hidden, inner, config.mlp_bias)
  }
  return shapes
}

/**
 * A foreign config.json as LlamaConfig, absent fields at Hugging Face's defaults. Throws a ProblemError:
 * model.unsupported-family, model.invalid-config.
 */
export function readLlamaConfig(json: unknown): LlamaConfig {
  const config = isRecord(json) ? json : {}
  if (config.model_type !== 'llama' || (config.hidden_act ?? 'silu') !== 'silu')
    throw new ProblemError({
      code: 'model.unsupported-family',
      message: `The model is of the family ${quoteForeign(String(config.model_type))}, not Llama.`,
      where: 'config.json: model_type',
      remedy: 'Choose a Llama-family model.',
    })
  const heads = whole(config, 'num_attention_heads')
  const hidden = whole(config, 'hidden_size')
  const { theta, rope } = readRope(config)
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: whole(config, 'vocab_size'),
    hidden_size: hidden,
    intermediate_size: whole(config, 'intermediate_size'),
    num_hidden_layers: whole(config, 'num_hidden_layers'),
    num_attention_heads: heads,
    num_key_value_heads: whole(config, 'num_key_value_heads', heads),
    head_dim: whole(config, 'head_dim', hidden / heads),
    hidden_act: 'silu',
    max_position_embeddings: whole(config, 'max_position_embeddings', 2048),
    rms_norm_eps: positive(config, 'rms_norm_eps', 1e-6),
    rope_theta: theta,
    rope_scaling: rope.rope_type === 'default' ? null : rope,
    rope_parameters: { rope_theta: theta, ...rope },
    tie_word_embeddings: config.tie_word_embeddings === true,
    attention_bias: config.attention_bias === true,
    mlp_bias: config.mlp_bias === true,
    bos_token_id: tokenId(config.bos_token_id),
    eos_token_id: tokenId(config.eos_token_id),
    pad_token_id: tokenId(config.pad_token_id),
  }
}

function invalid(field: string, message: string): ProblemError {
  return new ProblemError({
    code: 'model.invalid-config',
    message,
    where: `config.json: ${field}`,
    remedy: 'Use the config.json that belongs to this model, unchanged.',
  })
}

function whole(config: JsonRecord, field: string, fallback?: number): number {
  const value = config[field] ?? fallback
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value
  throw invalid(field, `Expected a whole number above zero, found ${JSON.stringify(value)}.`)
}

function positive(config: JsonRecord, field: string, fallback?: number): number {
  const value = config[field] ?? fallback
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw invalid(field, `Expected a number above zero, found ${JSON.stringify(value)}.`)
}

/** An id, the first of several, or null. */
function tokenId(value: unknown): number | null {
  const id: unknown = Array.isArray(value) ? value[0] : value
  return typeof id === 'number' ? id : null
}

/** transformers 5 writes rope_parameters, 4 wrote rope_theta beside rope_scaling (whose `type` was `rope_type` once). */
function readRope(config: JsonRecord): { theta: number; rope: RopeConfig } {
  const given = isRecord(config.rope_parameters) ? config.rope_parameters : config.rope_scaling
  const found = isRecord(given) ? given : {}
  const theta = positive(found, 'rope_theta', positive(config, 'rope_theta', 10_000))
  const type = found.rope_type ?? found.type ?? 'default'
  if (type === 'default') return { theta, rope: { rope_type: 'default' } }
  const factor = positive(found, 'factor')
  if (type === 'linear') return { theta, rope: { rope_type: 'linear', factor } }
  if (type !== 'llama3') throw invalid('rope_scaling', `The kind ${quoteForeign(String(type))} is not known.`)
  return {
    theta,
    rope: {
      rope_type: 'llama3',
      factor,
      low_freq_factor: positive(found, 'low_freq_factor'),
      high_freq_factor: positive(found, 'high_freq_factor'),
      original_max_position_embeddings: whole(found, 'original_max_position_embeddings'),
    },
  }
}
