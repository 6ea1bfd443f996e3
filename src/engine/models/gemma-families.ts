// Gemma 2 and 3 (text): norms with offset 1 before and after each branch, scaled embeddings, blocks with and without
// a window; Gemma 2 caps scores and logits, Gemma 3 norms queries and keys and turns windowed blocks by another table.
import type { ModelDescription } from './config.ts'
import {
  type ConfigObject,
  configProblem,
  isObject,
  readPerLayer,
  readPositive,
  readPositiveOrNull,
  readSize,
  readSizeOrNull,
  requireOneOf,
} from './config-fields.ts'
import { decoderBesides, type Family } from './family.ts'
import { layerTypes, windowsOf } from './llama-families.ts'
import {
  type LlamaLayers,
  type LlamaSizes,
  type LlamaTraits,
  llamaTraits,
  readLlamaShaped,
} from './llama-shaped.ts'
import { readRopeTable, ropeSettings } from './rope-settings.ts'

const gemma2Traits: LlamaTraits = {
  ...llamaTraits,
  norms: {
    attention: { before: 'input_layernorm', branch: 'post_attention_layernorm', sum: null },
    mlp: { before: 'pre_feedforward_layernorm', branch: 'post_feedforward_layernorm', sum: null },
  },
  normOffset: 1,
  mlpBias: false,
  defaults: {
    headWidth: 256,
    epsilon: 1e-6,
    activation: 'gelu_pytorch_tanh',
    maxPositions: 8192,
    theta: 10_000,
    isTied: true,
  },
  activationField: 'hidden_activation',
}

const gemma3Traits: LlamaTraits = {
  ...gemma2Traits,
  queryKeyNorms: 'head',
  defaults: { ...gemma2Traits.defaults, maxPositions: 131_072, theta: 1_000_000 },
}

/** The types of the blocks: listed, or every `interval`-th one sees all. */
const readTypes = (config: ConfigObject, layers: number, interval: number) =>
  readPerLayer(config, 'layer_types', layers, layerTypes) ??
  Array.from({ length: layers }, (_, layer) => ((layer + 1) % interval === 0 ? layerTypes[0] : layerTypes[1]))

const readScale = (config: ConfigObject): number =>
  1 / Math.sqrt(readPositive(config, 'query_pre_attn_scalar', 256))

function readGemma(
  config: ConfigObject,
  prefix: string,
  traits: LlamaTraits,
  caps: { readonly scores: number | null; readonly logits: number | null },
  describeLayers: (sizes: LlamaSizes) => LlamaLayers,
): ModelDescription {
  requireOneOf(config, 'use_bidirectional_attention', [false])
  const model = readLlamaShaped(config, prefix, traits, describeLayers)
  return {
    ...model,
    embedding: { ...model.embedding, scale: Math.fround(Math.sqrt(model.hidden)) },
    attentionSoftCap: readPositiveOrNull(config, 'attn_logit_softcapping', caps.scores),
    output: { ...model.output, softCap: readPositiveOrNull(config, 'final_logit_softcapping', caps.logits) },
  }
}

const readGemma2: Family['readConfig'] = (config, prefix) =>
  readGemma(config, prefix, gemma2Traits, { scores: 50, logits: 30 }, ({ layers }) => ({
    windows: windowsOf(readTypes(config, layers, 2), readSizeOrNull(config, 'sliding_window', 4096)),
    attentionScale: readScale(config),
  }))

/** Settings of one of the two tables, nested (transformers 5) or in fields of their own (transformers 4). */
function gemma3Tables(config: ConfigObject, { headWidth, maxPositions }: LlamaSizes): LlamaLayers['tables'] {
  const settings = ropeSettings(config)
  const isNested = 'full_attention' in settings || 'sliding_attention' in settings
  const nested = (key: (typeof layerTypes)[number]): ConfigObject => {
    const value = settings[key] ?? {}
    if (isObject(value)) return value
    throw configProblem(`rope_parameters, ${key}`, 'an object', value)
  }
  const traits = { headWidth, maxPositions, theta: 1_000_000, share: 1, isPartial: false }
  const localTheta = readPositive(config, 'rope_local_base_freq', 10_000)
  return [
    readRopeTable('rope', isNested ? nested('full_attention') : settings, config, traits),
    readRopeTable(
      'rope.local',
      { rope_theta: localTheta, ...(isNested ? nested('sliding_attention') : {}) },
      config,
      traits,
    ),
  ]
}

const readGemma3: Family['readConfig'] = (config, prefix) =>
  readGemma(config, prefix, gemma3Traits, { scores: null, logits: null }, (sizes) => {
    const types = readTypes(config, sizes.layers, readSize(config, 'sliding_window_pattern', 6))
    return {
      windows: windowsOf(types, readSizeOrNull(config, 'sliding_window', 4096)),
      ropes: types.map((type) => (type === 'full_attention' ? 'rope' : 'rope.local')),
      tables: gemma3Tables(config, sizes),
      attentionScale: readScale(config),
    }
  })

/** What published files leave out of `text_config`. */
const textDefaults = {
  vocab_size: 262_208,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
}

/** Gemma 3 with pictures: its text side alone. */
const readGemma3Text: Family['readConfig'] = (config, prefix, names) => {
  const { text_config: text, model_type } = config
  if (!isObject(text)) throw configProblem('text_config', 'an object', text)
  return readGemma3({ ...textDefaults, ...text, model_type }, prefix, names)
}

export const gemmaFamilies: readonly Family[] = [
  {
    modelTypes: ['gemma2'],
    prefixes: ['model.', ''],
    embeddingName: 'embed_tokens.weight',
    besides: decoderBesides,
    readConfig: readGemma2,
  },
  {
    modelTypes: ['gemma3_text'],
    prefixes: ['model.', ''],
    embeddingName: 'embed_tokens.weight',
    besides: decoderBesides,
    readConfig: readGemma3,
  },
  {
    modelTypes: ['gemma3'],
    prefixes: ['model.language_model.', 'language_model.model.'],
    embeddingName: 'embed_tokens.weight',
    besides: [
      ...['vision_tower.', 'multi_modal_projector.', 'model.vision_tower.', 'model.multi_modal_projector.'],
      ...['lm_head.', 'language_model.lm_head.'],
    ],
    readConfig: readGemma3Text,
  },
]
