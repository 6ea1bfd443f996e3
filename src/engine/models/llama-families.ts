// Llama, SmolLM3, Mistral, Qwen 2 and 3, Phi-3, OLMo 2, Granite: what each differs in from Llama (Touvron et al. 2023).
import type { ModelDescription } from './config.ts'
import {
  type ConfigObject,
  readFlag,
  readPerLayer,
  readPositive,
  readSize,
  readSizeOrNull,
} from './config-fields.ts'
import { decoderBesides, type Family } from './family.ts'
import { type LlamaLayers, type LlamaTraits, llamaTraits, readLlamaShaped } from './llama-shaped.ts'

export const layerTypes = ['full_attention', 'sliding_attention'] as const

/** A window for the blocks of type 'sliding_attention'. */
export const windowsOf = (
  types: readonly (typeof layerTypes)[number][],
  window: number | null,
): readonly (number | null)[] => types.map((type) => (type === 'sliding_attention' ? window : null))

/** The same window in every block. */
const windowEverywhere = (window: number | null, layers: number): readonly (number | null)[] =>
  Array.from({ length: layers }, () => window)

/** Qwen: the upper blocks have a window where the config switches it on. */
function qwenWindows(config: ConfigObject, layers: number): LlamaLayers {
  const isOn = readFlag(config, 'use_sliding_window', false)
  const window = isOn ? readSizeOrNull(config, 'sliding_window', 4096) : null
  const first = config.max_window_layers === 0 ? 0 : readSize(config, 'max_window_layers', 28)
  const types =
    readPerLayer(config, 'layer_types', layers, layerTypes) ??
    Array.from({ length: layers }, (_, layer) => (layer < first ? 'full_attention' : 'sliding_attention'))
  return { windows: windowsOf(types, window) }
}

/** SmolLM3: some blocks are not turned, and those are the ones that may have a window. */
function smolLm3Layers(config: ConfigObject, layers: number): LlamaLayers {
  const interval = readSize(config, 'no_rope_layer_interval', 4)
  const turned =
    readPerLayer(config, 'no_rope_layers', layers, [0, 1]) ??
    Array.from({ length: layers }, (_, layer) => ((layer + 1) % interval === 0 ? 0 : 1))
  const isOn = readFlag(config, 'use_sliding_window', false)
  const types =
    readPerLayer(config, 'layer_types', layers, layerTypes) ??
    turned.map((isTurned) => (isTurned ? 'full_attention' : 'sliding_attention'))
  return {
    ropes: turned.map((isTurned) => (isTurned ? 'rope' : null)),
    windows: windowsOf(types, isOn ? readSizeOrNull(config, 'sliding_window', null) : null),
  }
}

/** Granite scales the embedding, what every block adds, the scores, and the logits. */
function readGranite(config: ConfigObject, prefix: string): ModelDescription {
  const attentionScale = readPositive(config, 'attention_multiplier', 1)
  const model = readLlamaShaped(config, prefix, llamaTraits, () => ({ attentionScale }))
  return {
    ...model,
    embedding: { ...model.embedding, scale: readPositive(config, 'embedding_multiplier', 1) },
    branchScale: readPositive(config, 'residual_multiplier', 1),
    output: { ...model.output, scale: 1 / readPositive(config, 'logits_scaling', 1) },
  }
}

const qwenDefaults = { ...llamaTraits.defaults, maxPositions: 32_768 }

const qwen2Traits: LlamaTraits = {
  ...llamaTraits,
  queryBias: true,
  outputBias: false,
  mlpBias: false,
  defaults: qwenDefaults,
}

const qwen3Traits: LlamaTraits = {
  ...llamaTraits,
  mlpBias: false,
  queryKeyNorms: 'head',
  defaults: { ...qwenDefaults, headWidth: 128 },
}

const mistralTraits: LlamaTraits = {
  ...llamaTraits,
  queryBias: false,
  outputBias: false,
  mlpBias: false,
  defaults: { ...llamaTraits.defaults, maxPositions: 131_072 },
}

const phi3Traits: LlamaTraits = {
  ...mistralTraits,
  isFused: true,
  isPartialRope: true,
  defaults: { ...llamaTraits.defaults, epsilon: 1e-5, maxPositions: 4096 },
}

const olmo2Traits: LlamaTraits = {
  ...llamaTraits,
  norms: {
    attention: { before: null, branch: 'post_attention_layernorm', sum: null },
    mlp: { before: null, branch: 'post_feedforward_layernorm', sum: null },
  },
  queryKeyNorms: 'width',
  mlpBias: false,
  defaults: { ...llamaTraits.defaults, epsilon: 1e-5 },
}

const smolLm3Traits: LlamaTraits = {
  ...llamaTraits,
  defaults: { ...llamaTraits.defaults, maxPositions: 32_768, theta: 2_000_000, isTied: true },
}

/** A base model saved without a head has no 'model.' before its names. */
const named = (modelType: string, readConfig: Family['readConfig']): Family => ({
  modelTypes: [modelType],
  prefixes: ['model.', ''],
  embeddingName: 'embed_tokens.weight',
  besides: decoderBesides,
  readConfig,
})

export const llamaFamilies: readonly Family[] = [
  named('llama', (config, prefix) => readLlamaShaped(config, prefix, llamaTraits)),
  named('smollm3', (config, prefix) =>
    readLlamaShaped(config, prefix, smolLm3Traits, ({ layers }) => smolLm3Layers(config, layers)),
  ),
  named('mistral', (config, prefix) =>
    readLlamaShaped(config, prefix, mistralTraits, ({ layers }) => ({
      windows: windowEverywhere(readSizeOrNull(config, 'sliding_window', 4096), layers),
    })),
  ),
  named('qwen2', (config, prefix) =>
    readLlamaShaped(config, prefix, qwen2Traits, ({ layers }) => qwenWindows(config, layers)),
  ),
  named('qwen3', (config, prefix) =>
    readLlamaShaped(config, prefix, qwen3Traits, ({ layers }) => qwenWindows(config, layers)),
  ),
  named('phi3', (config, prefix) =>
    readLlamaShaped(
      { ...config, original_max_position_embeddings: config.original_max_position_embeddings ?? 4096 },
      prefix,
      phi3Traits,
      ({ layers }) => ({ windows: windowEverywhere(readSizeOrNull(config, 'sliding_window', null), layers) }),
    ),
  ),
  named('olmo2', (config, prefix) => readLlamaShaped(config, prefix, olmo2Traits)),
  named('granite', readGranite),
]
