// A Llama (or a relative of it) of two small layers with seeded random weights, a byte-level tokenizer and a chat template, written as a model
// folder; and an adapter for it in PEFT's form. Made here, so that tests need no download.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  adapterShapes,
  counterRandom,
  type LoraMethod,
  parameterShapes,
  parseModelConfig,
} from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'

/** Hugging Face's fields; 259 tokens: 256 bytes and three special ones. */
const hfConfig = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  vocab_size: 259,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  attention_bias: false,
  mlp_bias: false,
  torch_dtype: 'float32',
}
export const tinyConfig = unwrap(parseModelConfig(hfConfig))

export const tinyMethod: LoraMethod = {
  kind: 'lora',
  rank: 4,
  alpha: 8,
  targets: ['q_proj', 'v_proj', 'down_proj'],
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}

const specialTokens = ['<|im_start|>', '<|im_end|>', '<|pad|>']
const template =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

type Tensors = Map<string, { readonly shape: number[]; readonly data: Float32Array }>

/** Fills tensors with numbers that are large enough for labels to differ clearly. */
function randomTensors(shapes: readonly { name: string; shape: readonly number[] }[], seed: number): Tensors {
  return new Map(
    shapes.map(({ name, shape }) => {
      const random = counterRandom(seed, name)
      const size = shape.reduce((a, b) => a * b, 1)
      const isNorm = name.includes('norm') || name.includes('magnitude')
      const data = Float32Array.from({ length: size }, (_, i) =>
        isNorm ? 0.8 + 0.4 * random(i) : (random(i) - 0.5) * 0.6,
      )
      return [name, { shape: [...shape], data }] as const
    }),
  )
}

/** `changes` to config.json: another family, say. `adjust` changes the weights. */
export function writeTinyModel(
  folder: string,
  changes: Record<string, unknown> = {},
  adjust: (tensors: Tensors) => void = () => {},
): string {
  const config = { ...hfConfig, ...changes }
  const tensors = randomTensors(parameterShapes(unwrap(parseModelConfig(config))), 1)
  adjust(tensors)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(byteTokenizer(specialTokens).tokenizerJson))
  writeFileSync(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ eos_token: '<|im_end|>', pad_token: '<|pad|>', chat_template: template }),
  )
  return folder
}

const talkative = {
  hidden_size: 384,
  intermediate_size: 1024,
  num_hidden_layers: 6,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 48,
  max_position_embeddings: 8192,
  tie_word_embeddings: false,
}

/**
 * A model that takes some milliseconds for a token and never ends an answer by itself, so that one can be stopped: the first
 * number of its hidden states is the same everywhere, and speaks against the token that ends.
 */
export function writeTalkativeModel(folder: string): string {
  const width = talkative.hidden_size
  return writeTinyModel(folder, talkative, (tensors) => {
    const adjust = (name: string, data: Float32Array) => {
      if (name === 'model.embed_tokens.weight') for (let at = 0; at < data.length; at += width) data[at] = 6
      if (/(o_proj|down_proj)\.weight$/.test(name)) data.fill(0, 0, data.length / width)
      if (name === 'lm_head.weight') for (const id of specialTokens.keys()) data[(256 + id) * width] = -1000
    }
    for (const [name, { data }] of tensors) adjust(name, data)
  })
}

/** For the model that `changes` make, on the same linears. */
export function writeTinyAdapter(folder: string, method: LoraMethod = tinyMethod): string {
  mkdirSync(folder, { recursive: true })
  const tensors = new Map(
    [...randomTensors(adapterShapes(tinyConfig, method), 2)].map(([name, tensor]) => [
      `base_model.model.${name}`,
      tensor,
    ]),
  )
  writeFileSync(join(folder, 'adapter_model.safetensors'), encodeSafetensors(tensors))
  writeFileSync(
    join(folder, 'adapter_config.json'),
    JSON.stringify({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'tiny',
      r: method.rank,
      lora_alpha: method.alpha,
      target_modules: method.targets,
      use_rslora: method.scaling === 'rank-stabilised',
      use_dora: method.decomposed,
      lora_dropout: 0,
      bias: 'none',
    }),
  )
  return folder
}
