// A GGUF of the Llama family as a Hugging Face model: config.json's fields and tensors by their usual names and row
// order. Refuses other families, mixtures of experts, and scalings of the rotary embedding that it cannot express.
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { isDequantisable, readGgufFloat32 } from './gguf-dequantise.ts'
import {
  type GgufMetadata,
  metadataProblem,
  numberOf,
  requiredWhole,
  textOf,
  textsOf,
  wholeOf,
} from './gguf-metadata.ts'
import { huggingFaceNameOf, permutedHeads, permuteHeads } from './gguf-names.ts'
import type { GgufFile, GgufTensor } from './gguf-types.ts'
import { expectedShapes, type LlamaConfig, type RopeConfig } from './llama-config.ts'
import { llama3ScalingOf } from './rope-factors.ts'
import { damaged, quoteForeign } from './weight-problems.ts'

export type { LlamaConfig } from './llama-config.ts'

export interface HuggingFaceTensor {
  readonly name: string
  /** Row-major, the slowest dimension first. */
  readonly shape: readonly number[]
  /** Values in Hugging Face's order: query and key rows un-permuted. */
  readonly load: (source: ByteSource) => Promise<Result<Float32Array<ArrayBuffer>>>
}

export interface HuggingFaceModel {
  readonly config: LlamaConfig
  readonly tensors: readonly HuggingFaceTensor[]
}

/**
 * Checks that the file is a complete Llama model and describes it. Reads tensor data only where the file stores
 * divisors of rotary frequencies. Problems: model.unsupported-family, gguf.invalid, gguf.unsupported, model.missing-tensor.
 */
export async function huggingFaceModelOf(
  gguf: GgufFile,
  source: ByteSource,
): Promise<Result<HuggingFaceModel>> {
  return attemptAsync(async () => {
    requireLlama(gguf.metadata, source.name)
    const config = await configOf(gguf, source)
    const expected = expectedShapes(config)
    const tensors: HuggingFaceTensor[] = []
    for (const [ggufName, tensor] of gguf.tensors) {
      if (ggufName === ropeDivisorsName) continue
      const name = huggingFaceNameOf(ggufName)
      const shape = name === null ? undefined : expected.get(name)
      if (name === null || shape === undefined) throw unknownTensor(source.name, ggufName)
      expected.delete(name)
      requireShape(source.name, ggufName, tensor, shape)
      tensors.push({ name, shape, load: loader(ggufName, tensor, config) })
    }
    for (const name of expected.keys()) throw missingTensor(source.name, name)
    return { config, tensors }
  })
}

const ropeDivisorsName = 'rope_freqs.weight'

function requireLlama(metadata: GgufMetadata, file: string): void {
  const type = textOf(metadata, 'general.type') ?? 'model'
  const architecture = textOf(metadata, 'general.architecture') ?? ''
  const experts = numberOf(metadata, `${architecture}.expert_count`) ?? 0
  if (architecture === 'llama' && type === 'model' && experts === 0) return
  const found =
    type !== 'model'
      ? `a GGUF of the kind ${quoteForeign(type)}`
      : experts > 0
        ? 'a mixture of experts'
        : `a model of the family ${quoteForeign(architecture)}`
  throw new ProblemError({
    code: 'model.unsupported-family',
    message: `This is ${found}; GGUF models of the Llama family can be trained.`,
    where: file,
    remedy: 'Choose a Llama-family model (Llama, SmolLM, Mistral 7B and others that GGUF calls "llama").',
  })
}

async function configOf(gguf: GgufFile, source: ByteSource): Promise<LlamaConfig> {
  const { metadata, tensors } = gguf
  const heads = requiredWhole(metadata, 'llama.attention.head_count')
  const hidden = requiredWhole(metadata, 'llama.embedding_length')
  const headDim = wholeOf(metadata, 'llama.attention.key_length', 2) ?? hidden / heads
  requireHeadDim(metadata, headDim)
  const keyHeads = wholeOf(metadata, 'llama.attention.head_count_kv', 1) ?? heads
  if (heads % keyHeads !== 0)
    throw metadataProblem(
      'llama.attention.head_count_kv',
      `${heads} query heads cannot share ${keyHeads} key heads.`,
    )
  const epsilon = numberOf(metadata, 'llama.attention.layer_norm_rms_epsilon')
  if (epsilon === undefined || !(epsilon > 0))
    throw metadataProblem('llama.attention.layer_norm_rms_epsilon', 'This value is missing or not positive.')
  const theta = numberOf(metadata, 'llama.rope.freq_base') ?? 10_000
  if (!(theta > 0)) throw metadataProblem('llama.rope.freq_base', 'This value is not positive.')
  const rope = await ropeOf(gguf, source, theta, headDim)
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabularySize(gguf),
    hidden_size: hidden,
    intermediate_size: requiredWhole(metadata, 'llama.feed_forward_length'),
    num_hidden_layers: layerCount(gguf),
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    head_dim: headDim,
    hidden_act: 'silu',
    max_position_embeddings: requiredWhole(metadata, 'llama.context_length'),
    rms_norm_eps: epsilon,
    rope_theta: theta,
    rope_scaling: rope.rope_type === 'default' ? null : rope,
    rope_parameters: { rope_theta: theta, ...rope },
    tie_word_embeddings: !tensors.has('output.weight'),
    attention_bias: tensors.has('blk.0.attn_q.bias'),
    mlp_bias: tensors.has('blk.0.ffn_gate.bias'),
    bos_token_id: wholeOf(metadata, 'tokenizer.ggml.bos_token_id') ?? null,
    eos_token_id: wholeOf(metadata, 'tokenizer.ggml.eos_token_id') ?? null,
    pad_token_id: wholeOf(metadata, 'tokenizer.ggml.padding_token_id') ?? null,
  }
}

function requireHeadDim(metadata: GgufMetadata, headDim: number): void {
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw metadataProblem('llama.attention.head_count', `A head would be ${headDim} numbers wide.`)
  for (const key of ['llama.attention.value_length', 'llama.rope.dimension_count']) {
    const width = wholeOf(metadata, key)
    if (width !== undefined && width !== headDim)
      throw metadataProblem(key, `Expected ${headDim}, the width of a head, found ${width}.`)
  }
}

/** The number of layers, bounded by the file: each layer has tensors of its own. */
function layerCount({ metadata, tensors }: GgufFile): number {
  const layers = requiredWhole(metadata, 'llama.block_count')
  if (layers > tensors.size)
    throw metadataProblem('llama.block_count', `${layers} layers in a file of ${tensors.size} tensors.`)
  return layers
}

function vocabularySize({ metadata, tensors }: GgufFile): number {
  const rows = tensors.get('token_embd.weight')?.shape[1]
  const size =
    wholeOf(metadata, 'llama.vocab_size', 1) ?? textsOf(metadata, 'tokenizer.ggml.tokens')?.length ?? rows
  if (size === undefined) throw metadataProblem('llama.vocab_size', 'This value is missing.')
  return size
}

async function ropeOf(
  gguf: GgufFile,
  source: ByteSource,
  theta: number,
  headDim: number,
): Promise<RopeConfig> {
  const { metadata, tensors } = gguf
  const kind = textOf(metadata, 'llama.rope.scaling.type') ?? 'none'
  const divisors = tensors.get(ropeDivisorsName)
  if (divisors) {
    const scaling = llama3ScalingOf(
      unwrap(await readGgufFloat32(source, requireDivisors(source.name, divisors, headDim))),
      theta,
      headDim,
      wholeOf(metadata, 'llama.rope.scaling.original_context_length', 1),
    )
    if (scaling?.factor === 1 && kind === 'none') return { rope_type: 'default' }
    if (scaling && kind === 'none')
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFreqFactor,
        high_freq_factor: scaling.highFreqFactor,
        original_max_position_embeddings: scaling.originalContextTokens,
      }
    throw unsupportedRope(source.name, 'divisors of rotary frequencies that Llama 3 does not have')
  }
  // Files from before `rope.scaling.type` have the linear factor under a key of its own.
  const factor =
    numberOf(metadata, 'llama.rope.scaling.factor') ?? numberOf(metadata, 'llama.rope.scale_linear') ?? 1
  const isLinear = kind === 'linear' || (kind === 'none' && metadata.has('llama.rope.scale_linear'))
  if (kind === 'none' && (!isLinear || factor === 1)) return { rope_type: 'default' }
  if (isLinear && factor >= 1) return { rope_type: 'linear', factor }
  throw unsupportedRope(source.name, `the rotary scaling ${quoteForeign(kind)}`)
}

function requireDivisors(file: string, tensor: GgufTensor, headDim: number): GgufTensor {
  requireShape(file, ropeDivisorsName, tensor, [headDim / 2])
  return tensor
}

function unsupportedRope(file: string, found: string): ProblemError {
  return new ProblemError({
    code: 'gguf.unsupported',
    message: `The model uses ${found}, which cannot be carried over.`,
    where: file,
    remedy: 'Use the model as safetensors, or another copy of it.',
  })
}

function requireShape(file: string, name: string, tensor: GgufTensor, shape: readonly number[]): void {
  const where = `tensor ${quoteForeign(name)}`
  const found = tensor.shape.toReversed()
  if (found.join() !== shape.join())
    throw damaged(
      'gguf.invalid',
      file,
      where,
      `Expected the shape [${shape.join(', ')}], found [${found.join(', ')}].`,
    )
  if (!isDequantisable(tensor.type))
    throw new ProblemError({
      code: 'gguf.unsupported',
      message: `The tensor is stored as ${tensor.type}, which cannot be turned back into numbers that can be trained.`,
      where: `${file}, ${where}`,
      remedy: 'Look for a copy of this model in F16, Q8_0, Q4_K_M or another usual GGUF type.',
    })
}

function unknownTensor(file: string, name: string): ProblemError {
  return new ProblemError({
    code: 'model.unsupported-family',
    message: 'The model has a tensor that Llama models of this configuration do not have.',
    where: `${file}, tensor ${quoteForeign(name)}`,
    remedy: 'Choose an ordinary Llama-family model.',
  })
}

function missingTensor(file: string, name: string): ProblemError {
  return new ProblemError({
    code: 'model.missing-tensor',
    message: `The model lacks the tensor ${name}.`,
    where: file,
    remedy: 'Download or copy the file again, or use another copy of this model.',
  })
}

function loader(ggufName: string, tensor: GgufTensor, config: LlamaConfig): HuggingFaceTensor['load'] {
  const heads = permutedHeads(ggufName, config.num_attention_heads, config.num_key_value_heads)
  return async (source) => {
    const values = await readGgufFloat32(source, tensor)
    if (!values.ok || heads === 0) return values
    const width = tensor.shape.length === 1 ? 1 : (tensor.shape[0] ?? 1)
    return { ok: true, value: permuteHeads(values.value, heads, width, 'back') }
  }
}
