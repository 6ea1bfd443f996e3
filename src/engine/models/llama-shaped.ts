// Families that name their weights as Llama does: rotary grouped-query attention and a gated MLP under RMS norms.
// Legend: C hidden, H query heads, K key/value heads, D head width, I MLP width.
import type {
  AttentionSublayer,
  BlockForm,
  LinearTemplate,
  MlpSublayer,
  ModelDescription,
  RopeTable,
  SublayerNorms,
} from './config.ts'
import {
  type ConfigObject,
  readActivation,
  readFlag,
  readLayers,
  readPositive,
  readSize,
} from './config-fields.ts'
import { decoderHeads, linear, numberedBlocks, readGroupedHeads } from './family.ts'
import { readRopeTable, ropeSettings } from './rope-settings.ts'

/** What is the same in every model of such a family. */
export interface LlamaTraits {
  readonly norms: { readonly attention: SublayerNorms; readonly mlp: SublayerNorms }
  readonly normOffset: 0 | 1
  readonly queryKeyNorms: 'head' | 'width' | null
  /** qkv_proj and gate_up_proj instead of five projections. */
  readonly isFused: boolean
  /** Fields that say whether there are biases, or what is always so. */
  readonly queryBias: string | boolean
  readonly outputBias: string | boolean
  readonly mlpBias: string | boolean
  /** What transformers takes where config.json says nothing. */
  readonly defaults: {
    readonly headWidth?: number
    readonly epsilon: number
    readonly activation: string
    readonly maxPositions: number
    readonly theta: number
    readonly isTied: boolean
  }
  readonly activationField: string
  readonly isPartialRope: boolean
}

export const llamaTraits: LlamaTraits = {
  norms: {
    attention: { before: 'input_layernorm', branch: null, sum: null },
    mlp: { before: 'post_attention_layernorm', branch: null, sum: null },
  },
  normOffset: 0,
  queryKeyNorms: null,
  isFused: false,
  queryBias: 'attention_bias',
  outputBias: 'attention_bias',
  mlpBias: 'mlp_bias',
  defaults: { epsilon: 1e-6, activation: 'silu', maxPositions: 2048, theta: 10_000, isTied: false },
  activationField: 'hidden_act',
  isPartialRope: false,
}

/** What differs from block to block. */
export interface LlamaLayers {
  /** Keys seen by each block; null: all. */
  readonly windows?: readonly (number | null)[]
  /** Null: not turned. */
  readonly ropes?: readonly (RopeTable['name'] | null)[]
  /** Tables other than one made of the config's own settings. */
  readonly tables?: readonly RopeTable[]
  readonly attentionScale?: number
}

export interface LlamaSizes {
  readonly hidden: number
  readonly intermediate: number
  readonly heads: number
  readonly kvHeads: number
  readonly headWidth: number
  readonly layers: number
  readonly maxPositions: number
}

export function readLlamaSizes(config: ConfigObject, { defaults }: LlamaTraits): LlamaSizes {
  return {
    ...readGroupedHeads(config, defaults.headWidth),
    intermediate: readSize(config, 'intermediate_size'),
    layers: readLayers(config, 'num_hidden_layers'),
    maxPositions: readSize(config, 'max_position_embeddings', defaults.maxPositions),
  }
}

const readBias = (config: ConfigObject, trait: string | boolean): boolean =>
  typeof trait === 'string' ? readFlag(config, trait, false) : trait

function attentionLinears(config: ConfigObject, traits: LlamaTraits, sizes: LlamaSizes): LinearTemplate[] {
  const queryWidth = sizes.heads * sizes.headWidth
  const keyWidth = sizes.kvHeads * sizes.headWidth
  const hasBias = readBias(config, traits.queryBias)
  const output = linear(
    ['o_proj'],
    'self_attn.o_proj',
    queryWidth,
    sizes.hidden,
    readBias(config, traits.outputBias),
  )
  if (traits.isFused) {
    const roles = ['q_proj', 'k_proj', 'v_proj'] as const
    const width = queryWidth + 2 * keyWidth
    return [linear(roles, 'self_attn.qkv_proj', sizes.hidden, width, hasBias), output]
  }
  return [
    linear(['q_proj'], 'self_attn.q_proj', sizes.hidden, queryWidth, hasBias),
    linear(['k_proj'], 'self_attn.k_proj', sizes.hidden, keyWidth, hasBias),
    linear(['v_proj'], 'self_attn.v_proj', sizes.hidden, keyWidth, hasBias),
    output,
  ]
}

function mlpLinears(config: ConfigObject, traits: LlamaTraits, sizes: LlamaSizes): LinearTemplate[] {
  const { hidden, intermediate } = sizes
  const hasBias = readBias(config, traits.mlpBias)
  const down = linear(['down_proj'], 'mlp.down_proj', intermediate, hidden, hasBias)
  if (traits.isFused)
    return [linear(['gate_proj', 'up_proj'], 'mlp.gate_up_proj', hidden, 2 * intermediate, hasBias), down]
  return [
    linear(['gate_proj'], 'mlp.gate_proj', hidden, intermediate, hasBias),
    linear(['up_proj'], 'mlp.up_proj', hidden, intermediate, hasBias),
    down,
  ]
}

function readForm(config: ConfigObject, traits: LlamaTraits, sizes: LlamaSizes): BlockForm {
  const { queryKeyNorms, norms, defaults } = traits
  const attention: AttentionSublayer = {
    kind: 'self',
    norms: norms.attention,
    linears: attentionLinears(config, traits, sizes),
    projections: traits.isFused ? 'fused' : 'separate',
    queryKeyNorms: queryKeyNorms && {
      query: 'self_attn.q_norm',
      key: 'self_attn.k_norm',
      over: queryKeyNorms,
    },
  }
  const mlp: MlpSublayer = {
    kind: 'mlp',
    norms: norms.mlp,
    linears: mlpLinears(config, traits, sizes),
    activation: readActivation(config, traits.activationField, defaults.activation),
    isGated: true,
  }
  return { sublayers: [attention, mlp], isParallel: false, isCausal: true }
}

/** The rotary table that the config's own settings give. */
export const readOwnTable = (config: ConfigObject, traits: LlamaTraits, sizes: LlamaSizes): RopeTable =>
  readRopeTable('rope', ropeSettings(config), config, {
    headWidth: sizes.headWidth,
    maxPositions: sizes.maxPositions,
    theta: traits.defaults.theta,
    share: 1,
    isPartial: traits.isPartialRope,
  })

/** Reads a model of Llama's names; `layers` says what its blocks differ in. Throws ProblemError. */
export function readLlamaShaped(
  config: ConfigObject,
  prefix: string,
  traits: LlamaTraits,
  describeLayers: (sizes: LlamaSizes) => LlamaLayers = () => ({}),
): ModelDescription {
  const sizes = readLlamaSizes(config, traits)
  const { layers, headWidth } = sizes
  const form = readForm(config, traits, sizes)
  const { tables, windows, ropes, attentionScale = 1 / Math.sqrt(headWidth) } = describeLayers(sizes)
  const tiedEmbeddings = readFlag(config, 'tie_word_embeddings', traits.defaults.isTied)
  const embedding = `${prefix}embed_tokens.weight`
  return {
    family: String(config.model_type),
    kind: 'decoder',
    vocabulary: readSize(config, 'vocab_size'),
    ...sizes,
    encoderLayers: 0,
    positionOffset: 0,
    tiedEmbeddings,
    norm: {
      kind: 'rms',
      offset: traits.normOffset,
      epsilon: readPositive(config, 'rms_norm_eps', traits.defaults.epsilon),
    },
    embedding: { tokens: embedding, scale: 1, positions: null, types: null, norm: null },
    blocks: numberedBlocks(`${prefix}layers`, layers, form, (layer) => ({
      attentionScale,
      rope: ropes === undefined ? 'rope' : (ropes[layer] ?? null),
      window: windows?.[layer] ?? null,
    })),
    branchScale: 1,
    attentionSoftCap: null,
    rope: tables ?? [readOwnTable(config, traits, sizes)],
    relativePositions: null,
    finalNorm: `${prefix}norm`,
    encoderNorm: null,
    decoderStart: null,
    output: {
      weight: tiedEmbeddings ? embedding : 'lm_head.weight',
      scale: 1,
      softCap: null,
      heads: decoderHeads('score'),
      textToken: 'last',
    },
  }
}
