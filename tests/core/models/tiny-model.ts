// A complete Llama model of a few kilobytes with a byte-level tokenizer, as the files of a Hugging Face folder.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parameterShapes, parseModelConfig } from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { tinyTokenizerJson } from '../../formats/tokenizer-support.ts'

export const tinyConfig = {
  architectures: ['LlamaForCausalLM'],
  auto_map: { AutoModel: 'modeling_evil.Model' },
  model_type: 'llama',
  vocab_size: 260,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  hidden_act: 'silu',
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
}

export const tinyTemplate =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

export const tinyTokenizerConfig = {
  bos_token: '<|im_start|>',
  eos_token: '<|im_end|>',
  chat_template: tinyTemplate,
  model_max_length: 1e30,
}

export type TinyTensors = Map<string, { shape: readonly number[]; data: Float32Array | Uint16Array }>

export function tinyTensors(config: Record<string, unknown> = tinyConfig): TinyTensors {
  let state = 12345
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state / 2 ** 32 - 0.5) * 0.1
  }
  const tensors: TinyTensors = new Map()
  for (const { name, shape } of parameterShapes(unwrap(parseModelConfig(config))))
    tensors.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) })
  return tensors
}

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value, null, 2))

/** The files by name; `change` may replace, add or (with null) leave out. */
export function tinyFiles(change: Record<string, Uint8Array | string | null> = {}): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    ['config.json', text(tinyConfig)],
    ['tokenizer.json', text(tinyTokenizerJson(['<|im_start|>', '<|im_end|>', '<|endoftext|>']))],
    ['tokenizer_config.json', text(tinyTokenizerConfig)],
    ['model.safetensors', encodeSafetensors(tinyTensors(), { format: 'pt' })],
    ['README.md', new TextEncoder().encode('---\nlicense: mit\ntags: [tiny]\n---\n# A tiny model\n')],
  ])
  for (const [name, content] of Object.entries(change)) {
    if (content === null) files.delete(name)
    else files.set(name, typeof content === 'string' ? new TextEncoder().encode(content) : content)
  }
  return files
}

export function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
  return folder
}

/** The tiny model in two shards with an index. */
export function shardedFiles(tensors: TinyTensors = tinyTensors()): Map<string, Uint8Array> {
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
  const halves: TinyTensors[] = [new Map(), new Map()]
  const weightMap: Record<string, string> = {}
  let at = 0
  for (const [name, tensor] of tensors) {
    const half = at++ % 2
    halves[half]?.set(name, tensor)
    weightMap[name] = names[half] ?? ''
  }
  const files = tinyFiles({ 'model.safetensors': null })
  for (const [index, half] of halves.entries()) files.set(names[index] ?? '', encodeSafetensors(half))
  files.set('model.safetensors.index.json', text({ metadata: { total_size: 1 }, weight_map: weightMap }))
  return files
}
