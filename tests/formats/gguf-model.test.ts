// GGUF models as Hugging Face models: the real starter model number for number, a tiny one there and back, and what is
// refused.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OpenFile, openFileBytes } from '#core/system/file-bytes.ts'
import { bytesAsSource } from '#formats/byte-source.ts'
import { type GgufFile, type GgufValue, readGguf } from '#formats/gguf.ts'
import { ggufOfModel, type ModelTensor } from '#formats/gguf-export.ts'
import { type HuggingFaceModel, huggingFaceModelOf } from '#formats/gguf-model.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import sums from '../golden/starter-tensors.json' with { type: 'json' }
import { byteTokenizer } from '../support/byte-tokenizer.ts'
import { joined } from '../support/gguf-bytes.ts'
import { findShared, findStarterGguf } from '../support/models.ts'

const starter = findStarterGguf()

describe.skipIf(starter === null)('the starter model (SmolLM2-135M-Instruct, Q4_1)', () => {
  let source: OpenFile
  let gguf: GgufFile
  let model: HuggingFaceModel

  beforeAll(async () => {
    source = await openFileBytes(starter!)
    gguf = unwrap(await readGguf(source))
    model = unwrap(await huggingFaceModelOf(gguf, source))
  })
  afterAll(() => source?.close())

  it('is read completely: 33 metadata entries, 272 tensors to the last byte of the file', () => {
    expect(gguf.version).toBe(3)
    expect(gguf.metadata.size).toBe(33)
    expect(gguf.tensors.size).toBe(272)
    const last = [...gguf.tensors.values()].at(-1)!
    expect(last.offsetBytes + last.lengthBytes).toBe(source.sizeBytes)
  })

  it('has the publisher’s configuration', () => {
    expect(model.config).toEqual({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      vocab_size: 49_152,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      head_dim: 64,
      hidden_act: 'silu',
      max_position_embeddings: 8192,
      rms_norm_eps: 1e-5,
      rope_theta: 100_000,
      rope_scaling: null,
      rope_parameters: { rope_theta: 100_000, rope_type: 'default' },
      tie_word_embeddings: true,
      attention_bias: false,
      mlp_bias: false,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 2,
    })
  })

  it('gives 134,515,008 values, bit-equal to an independent computation in numpy', async () => {
    const digests: [string, string][] = []
    let values = 0
    for (const tensor of model.tensors) {
      const data = unwrap(await tensor.load(source))
      expect(data.length).toBe(tensor.shape.reduce((product, size) => product * size, 1))
      values += data.length
      digests.push([tensor.name, createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex')])
    }
    expect(values).toBe(134_515_008)
    const byName = new Map(digests)
    for (const [name, digest] of Object.entries(sums.tensors))
      expect(`${name} ${byName.get(name)}`).toBe(`${name} ${digest}`)
    const lines = digests.map(([name, digest]) => `${name} ${digest}\n`).sort()
    expect(createHash('sha256').update(lines.join('')).digest('hex')).toBe(sums.allTensors)
  })
})

const golden = findShared('goldens/tiny/llama_rope_llama3')

describe.skipIf(golden === null)('a tiny Llama, to GGUF and back', () => {
  let file: GgufFile
  let bytes: Uint8Array
  let config: Record<string, unknown>
  let weights: ModelTensor[]

  beforeAll(async () => {
    config = JSON.parse(await readFile(join(golden!, 'config.json'), 'utf8')) as Record<string, unknown>
    const source = bytesAsSource('tiny', await readFile(join(golden!, 'model.safetensors')))
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    weights = [...tensors].map(([name, entry]) => ({
      name,
      shape: entry.shape,
      load: async () => unwrap(await readFloat32(source, entry)),
    }))
    const { tokenizerJson, tokenizerConfig } = byteTokenizer()
    bytes = await joined(unwrap(ggufOfModel(config, tokenizerJson, tokenizerConfig, weights, 'F32')))
    file = unwrap(await readGguf(bytesAsSource('tiny.gguf', bytes)))
  })

  const open = () => bytesAsSource('tiny.gguf', bytes)
  /** The model with some metadata changed or, where undefined, left out. */
  const withMetadata = (changes: Record<string, GgufValue | undefined>): GgufFile => {
    const metadata = new Map(file.metadata)
    for (const [key, value] of Object.entries(changes))
      if (value === undefined) metadata.delete(key)
      else metadata.set(key, value)
    return { ...file, metadata }
  }
  const problemOf = async (changed: GgufFile) => {
    const result = await huggingFaceModelOf(changed, open())
    return result.ok ? null : result.problem
  }

  it('returns every number to its place', async () => {
    const model = unwrap(await huggingFaceModelOf(file, open()))
    expect(model.tensors.length).toBe(weights.length)
    for (const weight of weights) {
      const back = model.tensors.find(({ name }) => name === weight.name)!
      expect(back.shape).toEqual(weight.shape)
      expect(unwrap(await back.load(open()))).toEqual(await weight.load())
    }
  })

  it('finds Llama 3’s rotary scaling again in the stored divisors', async () => {
    const { config: found } = unwrap(await huggingFaceModelOf(file, open()))
    const scaling = found.rope_scaling!
    expect(found.rope_theta).toBe(500_000)
    expect(found.tie_word_embeddings).toBe(false)
    expect(scaling.rope_type).toBe('llama3')
    expect(scaling).toMatchObject({
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    })
    expect(found).toMatchObject({
      head_dim: 16,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 256,
    })
  })

  it.each([
    [
      'another family',
      { 'general.architecture': { type: 'string', value: 'qwen2' } },
      'model.unsupported-family',
    ],
    ['no family', { 'general.architecture': undefined }, 'model.unsupported-family'],
    ['an adapter', { 'general.type': { type: 'string', value: 'adapter' } }, 'model.unsupported-family'],
    ['experts', { 'llama.expert_count': { type: 'u32', value: 8 } }, 'model.unsupported-family'],
    ['no width', { 'llama.embedding_length': undefined }, 'gguf.invalid'],
    ['width as text', { 'llama.embedding_length': { type: 'string', value: '64' } }, 'gguf.invalid'],
    ['no epsilon', { 'llama.attention.layer_norm_rms_epsilon': undefined }, 'gguf.invalid'],
    [
      'heads that do not divide',
      { 'llama.attention.head_count_kv': { type: 'u32', value: 3 } },
      'gguf.invalid',
    ],
    ['odd heads', { 'llama.attention.key_length': { type: 'u32', value: 15 } }, 'gguf.invalid'],
    ['another rotary width', { 'llama.rope.dimension_count': { type: 'u32', value: 8 } }, 'gguf.invalid'],
    ['2^31 - 1 layers', { 'llama.block_count': { type: 'u32', value: 2 ** 31 - 1 } }, 'gguf.invalid'],
    ['a layer too many', { 'llama.block_count': { type: 'u32', value: 3 } }, 'model.missing-tensor'],
    ['a layer too few', { 'llama.block_count': { type: 'u32', value: 1 } }, 'model.unsupported-family'],
    ['another vocabulary size', { 'llama.vocab_size': { type: 'u32', value: 255 } }, 'gguf.invalid'],
    ['yarn', { 'llama.rope.scaling.type': { type: 'string', value: 'yarn' } }, 'gguf.unsupported'],
  ] as [string, Record<string, GgufValue | undefined>, string][])(
    'refuses %s',
    async (_name, changes, code) => {
      const problem = await problemOf(withMetadata(changes))
      expect(problem?.code).toBe(code)
      expect(problem?.remedy).not.toBe('')
    },
  )

  it('refuses divisors that no Llama 3 has', async () => {
    const divisors = file.tensors.get('rope_freqs.weight')!
    const changed = Uint8Array.from(bytes)
    new DataView(changed.buffer).setFloat32(divisors.offsetBytes + 8, 3, true)
    const result = await huggingFaceModelOf(file, bytesAsSource('tiny.gguf', changed))
    expect(result).toMatchObject({ ok: false, problem: { code: 'gguf.unsupported' } })
  })

  it('refuses a missing tensor, a strange one, and a wrong shape, by name', async () => {
    const name = 'blk.1.ffn_up.weight'
    const without = new Map(file.tensors)
    without.delete(name)
    expect(await problemOf({ ...file, tensors: without })).toMatchObject({
      code: 'model.missing-tensor',
      message: expect.stringContaining('model.layers.1.mlp.up_proj.weight'),
    })
    const more = new Map(file.tensors).set('blk.0.attn_qkv.weight', file.tensors.get(name)!)
    expect(await problemOf({ ...file, tensors: more })).toMatchObject({ code: 'model.unsupported-family' })
    const bent = new Map(file.tensors).set(name, { ...file.tensors.get(name)!, shape: [128, 64] })
    expect(await problemOf({ ...file, tensors: bent })).toMatchObject({
      code: 'gguf.invalid',
      where: expect.stringContaining(name),
    })
    const grids = new Map(file.tensors).set(name, { ...file.tensors.get(name)!, type: 'IQ2_XXS' })
    expect(await problemOf({ ...file, tensors: grids })).toMatchObject({
      code: 'gguf.unsupported',
      message: expect.stringContaining('IQ2_XXS'),
    })
  })
})
