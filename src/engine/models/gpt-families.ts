// GPT-2 (Radford et al. 2019) and GPT-NeoX, Pythia (Black et al. 2022): LayerNorm, an MLP without gate, fused projections.
import type { AttentionSublayer, BlockForm, MlpSublayer, ModelDescription } from './config.ts'
import {
  type ConfigObject,
  readActivation,
  readFlag,
  readLayers,
  readPositive,
  readSize,
  requireOneOf,
} from './config-fields.ts'
import { decoderBesides, decoderHeads, type Family, linear, numberedBlocks, readHeads } from './family.ts'
import { readRopeTable, ropeSettings } from './rope-settings.ts'

const before = (name: string) => ({ before: name, branch: null, sum: null })

function gpt2Form(config: ConfigObject, hidden: number, intermediate: number): BlockForm {
  const conv = (...described: Parameters<typeof linear>) => ({ ...linear(...described), isInputFirst: true })
  const attention: AttentionSublayer = {
    kind: 'self',
    norms: before('ln_1'),
    linears: [
      conv(['q_proj', 'k_proj', 'v_proj'], 'attn.c_attn', hidden, 3 * hidden, true),
      conv(['o_proj'], 'attn.c_proj', hidden, hidden, true),
    ],
    projections: 'fused',
    queryKeyNorms: null,
  }
  const mlp: MlpSublayer = {
    kind: 'mlp',
    norms: before('ln_2'),
    linears: [
      conv(['up_proj'], 'mlp.c_fc', hidden, intermediate, true),
      conv(['down_proj'], 'mlp.c_proj', intermediate, hidden, true),
    ],
    activation: readActivation(config, 'activation_function', 'gelu_new'),
    isGated: false,
  }
  return { sublayers: [attention, mlp], isParallel: false, isCausal: true }
}

const readGpt2: Family['readConfig'] = (config, prefix) => {
  requireOneOf(config, 'add_cross_attention', [false])
  const { hidden, heads, headWidth } = readHeads(config, { hidden: 'n_embd', heads: 'n_head' })
  const intermediate = readSize(config, 'n_inner', 4 * hidden)
  const layers = readLayers(config, 'n_layer')
  const maxPositions = readSize(config, 'n_positions', 1024)
  const tiedEmbeddings = readFlag(config, 'tie_word_embeddings', true)
  const isScaled = readFlag(config, 'scale_attn_weights', true)
  const isScaledByLayer = readFlag(config, 'scale_attn_by_inverse_layer_idx', false)
  const table = `${prefix}wte.weight`
  return {
    ...decoderDefaults,
    family: 'gpt2',
    vocabulary: readSize(config, 'vocab_size'),
    ...{ hidden, intermediate, layers, heads, kvHeads: heads, headWidth, maxPositions, tiedEmbeddings },
    norm: { kind: 'layer', offset: 0, epsilon: readPositive(config, 'layer_norm_epsilon', 1e-5) },
    embedding: {
      tokens: table,
      scale: 1,
      positions: { name: `${prefix}wpe.weight`, rows: maxPositions },
      types: null,
      norm: null,
    },
    blocks: numberedBlocks(`${prefix}h`, layers, gpt2Form(config, hidden, intermediate), (layer) => ({
      attentionScale: (isScaled ? 1 / Math.sqrt(headWidth) : 1) / (isScaledByLayer ? layer + 1 : 1),
      rope: null,
      window: null,
    })),
    rope: [],
    finalNorm: `${prefix}ln_f`,
    output: {
      weight: tiedEmbeddings ? table : 'lm_head.weight',
      ...{ scale: 1, softCap: null, heads: decoderHeads('classifier'), textToken: 'last' },
    },
  }
}

const decoderDefaults = {
  kind: 'decoder',
  encoderLayers: 0,
  positionOffset: 0,
  branchScale: 1,
  attentionSoftCap: null,
  relativePositions: null,
  encoderNorm: null,
  decoderStart: null,
} as const satisfies Partial<ModelDescription>

function neoxForm(config: ConfigObject, hidden: number, intermediate: number): BlockForm {
  const hasBias = readFlag(config, 'attention_bias', true)
  const attention: AttentionSublayer = {
    kind: 'self',
    norms: before('input_layernorm'),
    linears: [
      linear(['q_proj', 'k_proj', 'v_proj'], 'attention.query_key_value', hidden, 3 * hidden, hasBias),
      linear(['o_proj'], 'attention.dense', hidden, hidden, hasBias),
    ],
    projections: 'fused-heads',
    queryKeyNorms: null,
  }
  const mlp: MlpSublayer = {
    kind: 'mlp',
    norms: before('post_attention_layernorm'),
    linears: [
      linear(['up_proj'], 'mlp.dense_h_to_4h', hidden, intermediate, true),
      linear(['down_proj'], 'mlp.dense_4h_to_h', intermediate, hidden, true),
    ],
    activation: readActivation(config, 'hidden_act', 'gelu'),
    isGated: false,
  }
  const isParallel = readFlag(config, 'use_parallel_residual', true)
  return { sublayers: [attention, mlp], isParallel, isCausal: true }
}

const readNeox: Family['readConfig'] = (config, prefix, names) => {
  const { hidden, heads, headWidth } = readHeads(config, {
    hidden: 'hidden_size',
    heads: 'num_attention_heads',
  })
  const intermediate = readSize(config, 'intermediate_size')
  const layers = readLayers(config, 'num_hidden_layers')
  const maxPositions = readSize(config, 'max_position_embeddings', 2048)
  const tiedEmbeddings = readFlag(config, 'tie_word_embeddings', false)
  const table = `${prefix}embed_in.weight`
  return {
    ...decoderDefaults,
    family: 'gpt_neox',
    vocabulary: readSize(config, 'vocab_size'),
    ...{ hidden, intermediate, layers, heads, kvHeads: heads, headWidth, maxPositions, tiedEmbeddings },
    norm: { kind: 'layer', offset: 0, epsilon: readPositive(config, 'layer_norm_eps', 1e-5) },
    embedding: { tokens: table, scale: 1, positions: null, types: null, norm: null },
    blocks: numberedBlocks(`${prefix}layers`, layers, neoxForm(config, hidden, intermediate), () => ({
      attentionScale: 1 / Math.sqrt(headWidth),
      rope: 'rope',
      window: null,
    })),
    rope: [
      readRopeTable('rope', ropeSettings(config), config, {
        ...{ headWidth, maxPositions, isPartial: true },
        theta: readPositive(config, 'rotary_emb_base', 10_000),
        share: readPositive(config, 'rotary_pct', 0.25),
      }),
    ],
    finalNorm: `${prefix}final_layer_norm`,
    output: {
      // transformers 5 calls it lm_head, and still writes embed_out into files.
      weight: tiedEmbeddings ? table : names.has('lm_head.weight') ? 'lm_head.weight' : 'embed_out.weight',
      ...{ scale: 1, softCap: null, heads: decoderHeads('classifier'), textToken: 'last' },
    },
  }
}

export const gptFamilies: readonly Family[] = [
  {
    modelTypes: ['gpt2'],
    prefixes: ['transformer.', ''],
    embeddingName: 'wte.weight',
    besides: [...decoderBesides, 'multiple_choice_head.'],
    readConfig: readGpt2,
  },
  {
    modelTypes: ['gpt_neox'],
    prefixes: ['gpt_neox.', ''],
    embeddingName: 'embed_in.weight',
    besides: [...decoderBesides, 'embed_out.'],
    readConfig: readNeox,
  },
]
