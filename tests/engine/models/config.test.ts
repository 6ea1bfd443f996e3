// Reading config.json: what is left out, what differs between families and ages of files, every refusal with its place.
import { describe, expect, test } from 'vitest'
import type { Task } from '../../../src/engine/index.ts'
import {
  headShapes,
  layerLinears,
  mayHoldBesides,
  nameInClass,
  parameterShapes,
  parseModelConfig,
} from '../../../src/engine/index.ts'
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

const gemma = { ...starter, model_type: 'gemma2' }
const phi3 = { ...starter, model_type: 'phi3' }
const factors = { short_factor: [1, 1], long_factor: [1, 1] }
const bert = { ...starter, model_type: 'bert', hidden_act: 'gelu', num_key_value_heads: 9 }
const t5 = { model_type: 't5', vocab_size: 32, d_model: 8, d_kv: 4, d_ff: 16, num_layers: 1, num_heads: 2 }

/** As Gemma 3's class has it where a file says nothing. */
const gemma3Text = {
  model_type: 'gemma3_text',
  vocab_size: 262_208,
  num_attention_heads: 8,
  num_key_value_heads: 4,
}

const llama3 = {
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}

describe('parseModelConfig', () => {
  test('reads the starter model', () => {
    const config = unwrap(parseModelConfig(starter))
    expect(config).toMatchObject({
      family: 'llama',
      kind: 'decoder',
      vocabulary: 49_152,
      hidden: 576,
      intermediate: 1536,
      layers: 30,
      heads: 9,
      kvHeads: 3,
      headWidth: 64,
      norm: { kind: 'rms', offset: 0, epsilon: 1e-5 },
      maxPositions: 8192,
      rope: [{ name: 'rope', width: 64, theta: 100_000, scaling: { kind: 'none' } }],
      tiedEmbeddings: true,
      finalNorm: 'model.norm',
      output: { weight: 'model.embed_tokens.weight', scale: 1, softCap: null },
    })
    expect(config.blocks[29]).toMatchObject({
      path: 'model.layers.29',
      attentionScale: 1 / 8,
      rope: 'rope',
      window: null,
    })
  })

  test('the old and the new way of stating rope say the same', () => {
    const { rope_theta: _, rope_scaling: __, ...rest } = starter
    const old = { ...rest, rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } }
    const older = { ...rest, rope_theta: 5e5, rope_scaling: { type: 'llama3', ...llama3 } }
    const present = { ...rest, rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 } }
    const scaling = {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    }
    for (const config of [old, older, present])
      expect(unwrap(parseModelConfig(config)).rope).toMatchObject([{ theta: 5e5, scaling }])
  })

  test('what is left out takes the values of transformers', () => {
    const { rope_theta: _, num_key_value_heads: __, tie_word_embeddings: ___, ...rest } = starter
    expect(unwrap(parseModelConfig(rest))).toMatchObject({
      kvHeads: 9,
      tiedEmbeddings: false,
      rope: [{ theta: 10_000, scaling: { kind: 'none' } }],
    })
  })

  const windowsOf = (config: unknown): readonly (number | null)[] =>
    unwrap(parseModelConfig(config)).blocks.map(({ window }) => window)
  const four = { ...starter, num_hidden_layers: 4 }

  test.each<[string, unknown, readonly (number | null)[]]>([
    ['mistral, nothing said', { ...four, model_type: 'mistral' }, [4096, 4096, 4096, 4096]],
    ['mistral without', { ...four, model_type: 'mistral', sliding_window: null }, [null, null, null, null]],
    ['qwen2, switched off', { ...four, model_type: 'qwen2', sliding_window: 8 }, [null, null, null, null]],
    [
      'qwen2, upper blocks',
      { ...four, model_type: 'qwen2', use_sliding_window: true, sliding_window: 8, max_window_layers: 2 },
      [null, null, 8, 8],
    ],
    ['gemma2, nothing said', { ...four, model_type: 'gemma2' }, [4096, null, 4096, null]],
    [
      'gemma3_text, every third sees all',
      { ...four, model_type: 'gemma3_text', sliding_window_pattern: 3, sliding_window: 16 },
      [16, 16, null, 16],
    ],
    [
      'gemma3_text, listed',
      {
        ...four,
        model_type: 'gemma3_text',
        layer_types: ['full_attention', 'sliding_attention', 'full_attention', 'full_attention'],
      },
      [null, 4096, null, null],
    ],
  ])('windows of %s', (_, config, expected) => {
    expect(windowsOf(config)).toEqual(expected)
  })

  test('caps that Gemma 2 has where nothing is said, and none where the file says null', () => {
    const caps = (config: unknown) => {
      const { attentionSoftCap, output } = unwrap(parseModelConfig(config))
      return [attentionSoftCap, output.softCap]
    }
    expect(caps(gemma)).toEqual([50, 30])
    expect(caps({ ...gemma, attn_logit_softcapping: null, final_logit_softcapping: null })).toEqual([
      null,
      null,
    ])
    expect(caps({ ...gemma, model_type: 'gemma3_text' })).toEqual([null, null])
  })

  test('the names of the weight file decide the prefix, and whether T5 has an output table of its own', () => {
    const names = (weights: readonly string[]): readonly string[] =>
      parameterShapes(unwrap(parseModelConfig(bert, weights))).map(({ name }) => name)
    expect(names([])[0]).toBe('bert.embeddings.word_embeddings.weight')
    expect(names(['bert.embeddings.word_embeddings.weight'])[0]).toBe(
      'bert.embeddings.word_embeddings.weight',
    )
    const plain = names(['embeddings.word_embeddings.weight'])
    expect(plain[0]).toBe('embeddings.word_embeddings.weight')
    expect(plain).toContain('encoder.layer.29.output.LayerNorm.bias')
    const output = (weights: readonly string[]) => unwrap(parseModelConfig(t5, weights)).output.weight
    expect(output([])).toBe('shared.weight')
    expect(output(['shared.weight', 'lm_head.weight'])).toBe('lm_head.weight')
  })

  test('another family is refused, naming the known ones', () => {
    const result = parseModelConfig({ ...starter, model_type: 'mamba' })
    expect(result).toMatchObject({ ok: false, problem: { code: 'model.unsupported-family' } })
    if (result.ok) return
    expect(result.problem.message).toContain('"mamba"')
    for (const known of ['llama', 'gemma3_text', 'gpt_neox', 'xlm-roberta', 't5'])
      expect(result.problem.remedy).toContain(known)
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
    ['another activation', { ...starter, hidden_act: 'quick_gelu' }, 'hidden_act'],
    ['an activation named like a method of objects', { ...starter, hidden_act: 'toString' }, 'hidden_act'],
    ['an unknown rope', { ...starter, rope_scaling: { type: 'ntk', factor: 4 } }, 'rope_type'],
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
    ['blocks of a kind nobody knows', { ...gemma, layer_types: Array(30).fill('chunked') }, 'layer_types'],
    ['a list of blocks that is too short', { ...gemma, layer_types: ['full_attention'] }, 'layer_types'],
    [
      'text that is seen both ways',
      { ...gemma, use_bidirectional_attention: true },
      'use_bidirectional_attention',
    ],
    ['a cap of zero', { ...gemma, final_logit_softcapping: 0 }, 'final_logit_softcapping'],
    [
      'long factors for other heads',
      { ...phi3, rope_scaling: { type: 'longrope', ...factors } },
      'short_factor',
    ],
    ['more turned than there is', { ...phi3, partial_rotary_factor: 1.5 }, 'partial_rotary_factor'],
    [
      'relative positions of another kind',
      { ...bert, position_embedding_type: 'relative_key' },
      'position_embedding_type',
    ],
    [
      'a table of positions all before the first',
      { ...bert, model_type: 'roberta', max_position_embeddings: 2 },
      'max_position_embeddings',
    ],
    ['heads that do not divide an encoder', { ...bert, num_attention_heads: 7 }, 'num_attention_heads'],
    ['an encoder made to write', { ...bert, is_decoder: true }, 'is_decoder'],
    ['an MLP nobody knows', { ...t5, feed_forward_proj: 'gated-silu-x' }, 'feed_forward_proj'],
    [
      'an odd number of buckets',
      { ...t5, relative_attention_num_buckets: 7 },
      'relative_attention_num_buckets',
    ],
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

  const widthsOf = (config: unknown): readonly string[] =>
    layerLinears(unwrap(parseModelConfig(config)), 1).map(
      ({ path, inputWidth, outputWidth }) => `${path} ${inputWidth}->${outputWidth}`,
    )

  test('linears of a block read and give the widths of heads and MLP', () => {
    expect(widthsOf(starter)).toEqual([
      'model.layers.1.self_attn.q_proj 576->576',
      'model.layers.1.self_attn.k_proj 576->192',
      'model.layers.1.self_attn.v_proj 576->192',
      'model.layers.1.self_attn.o_proj 576->576',
      'model.layers.1.mlp.gate_proj 576->1536',
      'model.layers.1.mlp.up_proj 576->1536',
      'model.layers.1.mlp.down_proj 1536->576',
    ])
    expect(widthsOf(phi3)).toEqual([
      'model.layers.1.self_attn.qkv_proj 576->960',
      'model.layers.1.self_attn.o_proj 576->576',
      'model.layers.1.mlp.gate_up_proj 576->3072',
      'model.layers.1.mlp.down_proj 1536->576',
    ])
  })

  test('a head is listed for its task, and the output projection is not', () => {
    const config = unwrap(parseModelConfig({ ...starter, tie_word_embeddings: false }))
    const names = (task: Task) => parameterShapes(config, task).slice(-2)
    expect(names({ kind: 'sequence-classes', classes: 3 })).toEqual([
      { name: 'model.norm.weight', shape: [576] },
      { name: 'score.weight', shape: [3, 576] },
    ])
    expect(headShapes(config, { kind: 'token-classes', classes: 3 })).toEqual([
      { name: 'score.weight', shape: [3, 576] },
      { name: 'score.bias', shape: [3] },
    ])
    expect(headShapes(config, { kind: 'language-model' })).toEqual([])
  })
})

describe('names', () => {
  test('an adapter is named as in the class with a head, a head as it is', () => {
    const bare = unwrap(parseModelConfig(bert, ['embeddings.word_embeddings.weight']))
    expect(layerLinears(bare, 0)[0]?.path).toBe('encoder.layer.0.attention.self.query')
    expect(nameInClass(bare, 'encoder.layer.0.attention.self.query.lora_A.weight')).toBe(
      'bert.encoder.layer.0.attention.self.query.lora_A.weight',
    )
    expect(nameInClass(bare, 'classifier.weight')).toBe('classifier.weight')
    const whole = unwrap(parseModelConfig(bert))
    expect(nameInClass(whole, 'bert.encoder.layer.0.output.dense')).toBe('bert.encoder.layer.0.output.dense')
  })

  test('of Gemma 3 with pictures the text side is read, under the names of its file', () => {
    const text = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 6, head_dim: 16 }
    const config = { model_type: 'gemma3', text_config: text, vision_config: {} }
    const seen = unwrap(parseModelConfig(config, ['language_model.model.embed_tokens.weight']))
    const alone = unwrap(parseModelConfig({ ...gemma3Text, ...text }))
    const strip = (names: typeof seen): readonly string[] =>
      parameterShapes(names).map(({ name, shape }) => `${name.replace(names.filePrefix, '')} ${shape}`)
    expect(strip(seen)).toEqual(strip(alone))
    expect(seen.rope).toEqual(alone.rope)
    const inFile = 'language_model.model.layers.0.mlp.down_proj'
    expect(nameInClass(seen, inFile)).toBe('model.language_model.layers.0.mlp.down_proj')
    expect(mayHoldBesides(seen, 'vision_tower.head.probe')).toBe(true)
    expect(mayHoldBesides(seen, 'language_model.model.norm.bias')).toBe(false)
  })
})
