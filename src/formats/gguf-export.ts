// Llama models and LoRA adapters as GGUF for llama.cpp. Query and key rows go into llama.cpp's order here and nowhere
// else. Refuses what llama.cpp would load wrongly in silence: unknown tensors, unknown splitting of text.
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import { ggufNameOf, permutedHeads, permuteHeads } from './gguf-names.ts'
import { quantise, type WritableGgufType } from './gguf-quantise.ts'
import { type GgufValue, ggufTensorTypes } from './gguf-types.ts'
import { ggufVocabularyEntries } from './gguf-vocabulary-writer.ts'
import { type GgufTensorInput, ggufChunks } from './gguf-writer.ts'
import { expectedShapes, type LlamaConfig, readLlamaConfig } from './llama-config.ts'
import { llama3Divisors } from './rope-factors.ts'
import { quoteForeign } from './weight-problems.ts'

export type { WritableGgufType } from './gguf-quantise.ts'

export interface ModelTensor {
  /** Hugging Face name. */
  readonly name: string
  /** Row-major, the slowest dimension first. */
  readonly shape: readonly number[]
  /** Values in Hugging Face's order. Called once, when the tensor is written. */
  readonly load: () => Promise<Float32Array>
}

const text = (value: string): GgufValue => ({ type: 'string', value })
const whole = (value: number): GgufValue => ({ type: 'u32', value })
const real = (value: number): GgufValue => ({ type: 'f32', value })

/** general.file_type: the kind most matrices have. */
const fileTypes: Readonly<Record<WritableGgufType, number>> = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 }

/**
 * A whole model as GGUF. Matrices become `type`; vectors stay F32; matrices whose rows are not whole blocks of Q8_0
 * become F16. The stream holds one tensor at a time. Problems come before the first byte: model.invalid-config,
 * model.unsupported-family, model.missing-tensor, tokenizer.invalid.
 */
export function ggufOfModel(
  configJson: unknown,
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  tensors: Iterable<ModelTensor>,
  type: WritableGgufType,
): Result<AsyncGenerator<Uint8Array, void, undefined>> {
  return attempt(() => {
    const config = readLlamaConfig(configJson)
    const metadata: [string, GgufValue][] = [
      ['general.architecture', text('llama')],
      ['general.type', text('model')],
      ['general.file_type', whole(fileTypes[type])],
      ['general.quantization_version', whole(2)],
      ...configEntries(config),
      ...ggufVocabularyEntries(tokenizerJson, tokenizerConfig, config.vocab_size),
    ]
    return ggufChunks({ metadata, tensors: [...ropeTensors(config), ...modelTensors(config, tensors, type)] })
  })
}

function configEntries(config: LlamaConfig): [string, GgufValue][] {
  const rope = config.rope_parameters
  const scaling: [string, GgufValue][] =
    rope.rope_type === 'linear'
      ? [
          ['llama.rope.scaling.type', text('linear')],
          ['llama.rope.scaling.factor', real(rope.factor)],
        ]
      : []
  return [
    ['llama.block_count', whole(config.num_hidden_layers)],
    ['llama.context_length', whole(config.max_position_embeddings)],
    ['llama.embedding_length', whole(config.hidden_size)],
    ['llama.feed_forward_length', whole(config.intermediate_size)],
    ['llama.attention.head_count', whole(config.num_attention_heads)],
    ['llama.attention.head_count_kv', whole(config.num_key_value_heads)],
    ['llama.attention.key_length', whole(config.head_dim)],
    ['llama.attention.value_length', whole(config.head_dim)],
    ['llama.attention.layer_norm_rms_epsilon', real(config.rms_norm_eps)],
    ['llama.rope.dimension_count', whole(config.head_dim)],
    ['llama.rope.freq_base', real(config.rope_theta)],
    ...scaling,
    ['llama.vocab_size', whole(config.vocab_size)],
  ]
}

/** Llama 3's frequency divisors are a tensor in GGUF. */
function ropeTensors(config: LlamaConfig): GgufTensorInput[] {
  const rope = config.rope_parameters
  if (rope.rope_type !== 'llama3') return []
  const divisors = llama3Divisors(
    {
      factor: rope.factor,
      lowFreqFactor: rope.low_freq_factor,
      highFreqFactor: rope.high_freq_factor,
      originalContextTokens: rope.original_max_position_embeddings,
    },
    config.rope_theta,
    config.head_dim,
  )
  return [
    {
      name: 'rope_freqs.weight',
      type: 'F32',
      shape: [divisors.length],
      read: () => quantise(divisors, 'F32'),
    },
  ]
}

function modelTensors(
  config: LlamaConfig,
  tensors: Iterable<ModelTensor>,
  type: WritableGgufType,
): GgufTensorInput[] {
  const expected = expectedShapes(config)
  const inputs: GgufTensorInput[] = []
  for (const tensor of tensors) {
    const shape = expected.get(tensor.name)
    const name = ggufNameOf(tensor.name)
    if (shape === undefined || name === null || shape.join() !== tensor.shape.join())
      throw unknownTensor(tensor.name, tensor.shape)
    expected.delete(tensor.name)
    const stored = storedType(shape, type)
    const heads = permutedHeads(name, config.num_attention_heads, config.num_key_value_heads)
    inputs.push({
      name,
      type: stored,
      shape: shape.toReversed(),
      read: async () => {
        const values = await tensor.load()
        const width = shape.length === 1 ? 1 : (shape[1] ?? 1)
        return quantise(heads === 0 ? values : permuteHeads(values, heads, width, 'to llama.cpp'), stored)
      },
    })
  }
  for (const name of expected.keys()) throw missingTensor(name)
  return inputs
}

function storedType(shape: readonly number[], wanted: WritableGgufType): WritableGgufType {
  if (shape.length === 1) return 'F32'
  return (shape.at(-1) ?? 0) % ggufTensorTypes[wanted].blockElements === 0 ? wanted : 'F16'
}

function unknownTensor(name: string, shape: readonly number[]): ProblemError {
  return new ProblemError({
    code: 'model.unsupported-family',
    message: `A Llama model of this configuration has no tensor ${quoteForeign(name)} of shape [${shape.join(', ')}].`,
    where: `tensor ${quoteForeign(name)}`,
    remedy: 'Only complete models and adapters of the Llama family can be written as GGUF.',
  })
}

function missingTensor(name: string): ProblemError {
  return new ProblemError({
    code: 'model.missing-tensor',
    message: `The tensor ${name} is missing, so the model would not load.`,
    where: `tensor ${name}`,
    remedy: 'Check the model in the library; import it again if it is damaged.',
  })
}

export interface AdapterTensor {
  /** lora_A: [rank, inputs]; lora_B: [outputs, rank]. Row-major. */
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * A LoRA adapter (PEFT names) as GGUF, in float32. llama.cpp adds `scale * alpha / rank * B A x`; `alpha` is PEFT's
 * lora_alpha (with rank-stabilised scaling pass lora_alpha * sqrt(rank)). B of queries and keys is permuted: unpermuted
 * it would load and be wrong. Problems: model.invalid-config, model.unsupported-family, model.missing-tensor.
 */
export function loraGgufOf(
  configJson: unknown,
  adapter: ReadonlyMap<string, AdapterTensor>,
  alpha: number,
): Result<AsyncGenerator<Uint8Array, void, undefined>> {
  return attempt(() => {
    const config = readLlamaConfig(configJson)
    const shapes = expectedShapes(config)
    const inputs: GgufTensorInput[] = []
    const halves = new Map<string, number>()
    for (const [name, tensor] of adapter) {
      const { base, side } = partsOfAdapterName(name, tensor.shape)
      const baseShape = shapes.get(base)
      const ggufName = ggufNameOf(base)
      const rank = side === 'a' ? tensor.shape[0]! : tensor.shape[1]!
      const isKnown = baseShape && ggufName && fits(tensor, side, baseShape)
      if (!isKnown || (halves.get(base) ?? rank) !== rank) throw unknownTensor(name, tensor.shape)
      if (halves.has(base)) halves.delete(base)
      else halves.set(base, rank)
      inputs.push(adapterInput(`${ggufName}.lora_${side}`, tensor, config, side === 'b' ? ggufName : null))
    }
    for (const base of halves.keys()) throw missingTensor(`${base} (one half of its adapter)`)
    if (inputs.length === 0) throw missingTensor('lora_A')
    const metadata: [string, GgufValue][] = [
      ['general.architecture', text('llama')],
      ['general.type', text('adapter')],
      ['adapter.type', text('lora')],
      ['adapter.lora.alpha', real(alpha)],
    ]
    return ggufChunks({ metadata, tensors: inputs })
  })
}

/** "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" -> the base tensor's name and the side. */
function partsOfAdapterName(name: string, shape: readonly number[]): { base: string; side: 'a' | 'b' } {
  const [, module, side] =
    /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name) ?? []
  if (module === undefined) throw unknownTensor(name, shape)
  return { base: `${module}.weight`, side: side === 'A' ? 'a' : 'b' }
}

function fits(tensor: AdapterTensor, side: 'a' | 'b', [rows, columns]: readonly number[]): boolean {
  const [first = 0, second = 0, ...more] = tensor.shape
  const isRight = side === 'a' ? second === columns : first === rows
  return isRight && first > 0 && second > 0 && more.length === 0 && tensor.data.length === first * second
}

function adapterInput(
  name: string,
  { shape, data }: AdapterTensor,
  config: LlamaConfig,
  permutedAs: string | null,
): GgufTensorInput {
  const heads =
    permutedAs === null
      ? 0
      : permutedHeads(permutedAs, config.num_attention_heads, config.num_key_value_heads)
  return {
    name,
    type: 'F32',
    shape: shape.toReversed(),
    read: () =>
      quantise(heads === 0 ? data : permuteHeads(data, heads, shape[1] ?? 1, 'to llama.cpp'), 'F32'),
  }
}
