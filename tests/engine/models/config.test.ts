// Reading config.json of a Llama: both ways of stating rope, optional fields, and every refusal with its place.
import { describe, expect, test } from 'vitest'
import { layerLinears, parameterShapes, parseModelConfig } from '../../../src/engine/index.ts'
import { unwrap } from '../../../src/shared/result.ts'

const starter = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: 576,
  intermediate_size: 1536,
  max_position_embeddings: 8192,
  num_attention_heads: 9,
  num_hidden_layers: 30,
  num_key_value_heads: 3,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 100_000,
  tie_word_embeddings: true,
  vocab_size: 49_152,
}

const llama3 = {
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}

describe('parseModelConfig', () => {
  test('reads the starter model', () => {
    expect(unwrap(parseModelConfig(starter))).toEqual({
      family: 'llama',
      vocabulary: 49_152,
      hidden: 576,
      intermediate: 1536,
      layers: 30,
      heads: 9,
      kvHeads: 3,
      headWidth: 64,
      normEpsilon: 1e-5,
      maxPositions: 8192,
      rope: { theta: 100_000, scaling: { kind: 'none' } },
      attentionBias: false,
      mlpBias: false,
      tiedEmbeddings: true,
    })
  })

  test('the old and the new way of stating rope say the same', () => {
    const { rope_theta: _, rope_scaling: __, ...rest } = starter
    const old = { ...rest, rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } }
    const older = { ...rest, rope_theta: 5e5, rope_scaling: { type: 'llama3', ...llama3 } }
    const present = { ...rest, rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 } }
    const expected = {
      theta: 5e5,
      scaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 8192,
      },
    }
    for (const config of [old, older, present])
      expect(unwrap(parseModelConfig(config)).rope).toEqual(expected)
  })

  test('what is left out takes the values of transformers', () => {
    const { rope_theta: _, num_key_value_heads: __, tie_word_embeddings: ___, ...rest } = starter
    expect(unwrap(parseModelConfig(rest))).toMatchObject({
      kvHeads: 9,
      tiedEmbeddings: false,
      rope: { theta: 10_000, scaling: { kind: 'none' } },
    })
  })

  test('another family is refused, naming the known ones', () => {
    const result = parseModelConfig({ ...starter, model_type: 'mamba' })
    expect(result).toMatchObject({ ok: false, problem: { code: 'model.unsupported-family' } })
    if (result.ok) return
    expect(result.problem.message).toContain('"mamba"')
    expect(result.problem.remedy).toContain('llama')
  })

  test.each<[string, unknown, string]>([
    ['no object', [], 'the whole file'],
    ['no size', { ...starter, hidden_size: undefined }, 'hidden_size'],
    ['a size of text', { ...starter, vocab_size: '49152' }, 'vocab_size'],
    ['a size of zero', { ...starter, num_hidden_layers: 0 }, 'num_hidden_layers'],
    ['a size beyond any index', { ...starter, vocab_size: 2 ** 40 }, 'vocab_size'],
    // Listing the weights of two billion blocks would take all memory.
    ['more blocks than any model has', { ...starter, num_hidden_layers: 2 ** 31 - 1 }, 'num_hidden_layers'],
    ['a fraction of a head', { ...starter, num_attention_heads: 10 }, 'num_key_value_heads'],
    ['heads that do not divide the width', { ...starter, num_attention_heads: 15 }, 'head_dim'],
    ['heads of odd width', { ...starter, head_dim: 63 }, 'head_dim'],
    ['another activation', { ...starter, hidden_act: 'gelu' }, 'hidden_act'],
    ['an unknown rope', { ...starter, rope_scaling: { type: 'yarn', factor: 4 } }, 'rope_type'],
    ['a rope that is no object', { ...starter, rope_scaling: 'linear' }, 'rope_parameters'],
    ['a scaled rope without factor', { ...starter, rope_scaling: { type: 'linear' } }, 'factor'],
    ['an infinite factor', { ...starter, rope_scaling: { type: 'linear', factor: Infinity } }, 'factor'],
    [
      'llama3 factors that cross',
      { ...starter, rope_scaling: { type: 'llama3', ...llama3, high_freq_factor: 1 } },
      'high_freq_factor',
    ],
    ['a rotation of part of the head', { ...starter, partial_rotary_factor: 0.5 }, 'partial_rotary_factor'],
    ['quantised weights', { ...starter, quantization_config: { bits: 4 } }, 'quantization_config'],
    ['a flag of text', { ...starter, tie_word_embeddings: 'yes' }, 'tie_word_embeddings'],
  ])('refuses %s', (_, config, where) => {
    const result = parseModelConfig(config)
    expect(result.ok).toBe(false)
    if (result.ok) return
    expect(result.problem.code).toBe('model.invalid-config')
    expect(result.problem.where).toBe(`config.json, ${where}`)
  })
})

describe('parameterShapes', () => {
  test('the starter model has 134,515,008 weights in 272 tensors, and no output table of its own', () => {
    const shapes = parameterShapes(unwrap(parseModelConfig(starter)))
    const count = shapes.reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    )
    expect(shapes.length).toBe(272)
    expect(count).toBe(134_515_008)
    expect(shapes.map(({ name }) => name)).not.toContain('lm_head.weight')
  })

  test('biases and an untied output table appear where the config says so', () => {
    const config = { ...starter, attention_bias: true, mlp_bias: true, tie_word_embeddings: false }
    const names = parameterShapes(unwrap(parseModelConfig(config))).map(({ name }) => name)
    expect(names).toContain('lm_head.weight')
    expect(names.filter((name) => name.endsWith('.bias')).length).toBe(30 * 7)
  })

  test('linears of a block read and give the widths of heads and MLP', () => {
    const widths = layerLinears(unwrap(parseModelConfig(starter))).map(
      ({ path, inputWidth, outputWidth }) => `${path} ${inputWidth}->${outputWidth}`,
    )
    expect(widths).toEqual([
      'self_attn.q_proj 576->576',
      'self_attn.k_proj 576->192',
      'self_attn.v_proj 576->192',
      'self_attn.o_proj 576->576',
      'mlp.gate_proj 576->1536',
      'mlp.up_proj 576->1536',
      'mlp.down_proj 1536->576',
    ])
  })
})
