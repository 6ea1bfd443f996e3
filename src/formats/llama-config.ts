// config.json of a Llama model, in the fields that a GGUF determines, and the tensors that it implies.

/** The rotary embedding's settings, under the names of config.json. */
export interface RopeConfig {
  readonly rope_type: 'default' | 'linear' | 'llama3'
  readonly factor?: number
  readonly low_freq_factor?: number
  readonly high_freq_factor?: number
  readonly original_max_position_embeddings?: number
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
