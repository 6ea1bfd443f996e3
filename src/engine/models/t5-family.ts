// T5 (Raffel et al. 2020) and T5 v1.1, Flan-T5: an encoder and a decoder that looks at it, biased by distance instead of
// positions, RMS norms, scores without a scale.
import type { AttentionSublayer, BlockForm, LinearTemplate, MlpSublayer, ModelDescription } from './config.ts'
import {
  activationOf,
  type ConfigObject,
  configProblem,
  readFlag,
  readLayers,
  readPositive,
  readSize,
} from './config-fields.ts'
import { type Family, linear, numberedBlocks } from './family.ts'

interface T5Sizes {
  readonly hidden: number
  readonly intermediate: number
  readonly heads: number
  readonly headWidth: number
}

const norms = (place: number) => ({ before: `layer.${place}.layer_norm`, branch: null, sum: null })

function attention(kind: 'self' | 'cross', place: number, sizes: T5Sizes): AttentionSublayer {
  const path = `layer.${place}.${kind === 'self' ? 'SelfAttention' : 'EncDecAttention'}`
  const width = sizes.heads * sizes.headWidth
  const inward = (role: LinearTemplate['roles'][number], name: string): LinearTemplate =>
    linear([role], `${path}.${name}`, sizes.hidden, width, false)
  return {
    kind,
    norms: norms(place),
    linears: [
      inward('q_proj', 'q'),
      inward('k_proj', 'k'),
      inward('v_proj', 'v'),
      linear(['o_proj'], `${path}.o`, width, sizes.hidden, false),
    ],
    projections: 'separate',
    queryKeyNorms: null,
  }
}

/** 'relu', 'gated-gelu', ...: 'gated-gelu' means the approximation by tanh. */
function readMlp(config: ConfigObject, place: number, { hidden, intermediate }: T5Sizes): MlpSublayer {
  const described = config.feed_forward_proj ?? 'relu'
  const [, gated, name] = /^(gated-)?(\w+)$/.exec(typeof described === 'string' ? described : '') ?? []
  if (name === undefined)
    throw configProblem('feed_forward_proj', 'an activation, or "gated-" and an activation', described)
  const path = `layer.${place}.DenseReluDense`
  const inward = (role: LinearTemplate['roles'][number], last: string): LinearTemplate =>
    linear([role], `${path}.${last}`, hidden, intermediate, false)
  return {
    kind: 'mlp',
    norms: norms(place),
    linears: [
      ...(gated ? [inward('gate_proj', 'wi_0'), inward('up_proj', 'wi_1')] : [inward('up_proj', 'wi')]),
      linear(['down_proj'], `${path}.wo`, intermediate, hidden, false),
    ],
    activation: activationOf('feed_forward_proj', described === 'gated-gelu' ? 'gelu_new' : name),
    isGated: gated !== undefined,
  }
}

function readForms(config: ConfigObject, sizes: T5Sizes): { encoder: BlockForm; decoder: BlockForm } {
  return {
    encoder: {
      sublayers: [attention('self', 0, sizes), readMlp(config, 1, sizes)],
      isParallel: false,
      isCausal: false,
    },
    decoder: {
      sublayers: [attention('self', 0, sizes), attention('cross', 1, sizes), readMlp(config, 2, sizes)],
      isParallel: false,
      isCausal: true,
    },
  }
}

/** transformers 5 writes `scale_decoder_outputs` and ties always; before, an untied model's outputs were not scaled. */
function readOutput(
  config: ConfigObject,
  hidden: number,
  names: ReadonlySet<string>,
): { isTied: boolean; scale: number } {
  const isSaidTied = readFlag(config, 'tie_word_embeddings', true)
  const isTied = names.size > 0 ? !names.has('lm_head.weight') : isSaidTied
  const isScaled = readFlag(config, 'scale_decoder_outputs', isSaidTied)
  return { isTied, scale: isScaled ? 1 / Math.sqrt(hidden) : 1 }
}

/** transformers falls back to the padding token, which old configs leave at 0. */
function readDecoderStart(config: ConfigObject): number {
  const start = config.decoder_start_token_id ?? config.pad_token_id ?? 0
  if (typeof start === 'number' && Number.isInteger(start) && start >= 0) return start
  throw configProblem('decoder_start_token_id', 'the id of a token', start)
}

const relativeBias = (side: 'encoder' | 'decoder'): string =>
  `${side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`

function readT5(config: ConfigObject, _prefix: string, names: ReadonlySet<string>): ModelDescription {
  const hidden = readSize(config, 'd_model')
  const heads = readSize(config, 'num_heads')
  const headWidth = readSize(config, 'd_kv')
  const sizes = { hidden, heads, headWidth, intermediate: readSize(config, 'd_ff') }
  const encoderLayers = readLayers(config, 'num_layers')
  const decoderLayers = readLayers(config, 'num_decoder_layers', encoderLayers)
  const buckets = readSize(config, 'relative_attention_num_buckets', 32)
  const maxDistance = readSize(config, 'relative_attention_max_distance', 128)
  if (buckets < 4 || buckets % 2 !== 0)
    throw configProblem('relative_attention_num_buckets', 'an even number from 4 on', buckets)
  if (maxDistance <= buckets / 2)
    throw configProblem('relative_attention_max_distance', `more than ${buckets / 2}`, maxDistance)
  const forms = readForms(config, sizes)
  const { isTied, scale } = readOutput(config, hidden, names)
  const plain = () => ({ attentionScale: 1, rope: null, window: null })
  return {
    family: String(config.model_type),
    kind: 'sequence-to-sequence',
    vocabulary: readSize(config, 'vocab_size'),
    ...sizes,
    layers: encoderLayers + decoderLayers,
    encoderLayers,
    kvHeads: heads,
    maxPositions: readSize(config, 'n_positions', 512),
    positionOffset: 0,
    tiedEmbeddings: isTied,
    norm: { kind: 'rms', offset: 0, epsilon: readPositive(config, 'layer_norm_epsilon', 1e-6) },
    embedding: { tokens: 'shared.weight', scale: 1, positions: null, types: null, norm: null },
    blocks: [
      ...numberedBlocks('encoder.block', encoderLayers, forms.encoder, plain),
      ...numberedBlocks('decoder.block', decoderLayers, forms.decoder, plain),
    ],
    branchScale: 1,
    attentionSoftCap: null,
    rope: [],
    relativePositions: {
      buckets,
      maxDistance,
      encoder: relativeBias('encoder'),
      decoder: relativeBias('decoder'),
    },
    finalNorm: 'decoder.final_layer_norm',
    encoderNorm: 'encoder.final_layer_norm',
    decoderStart: readDecoderStart(config),
    output: {
      weight: isTied ? 'shared.weight' : 'lm_head.weight',
      ...{ scale, softCap: null, heads: null, textToken: 'last' },
    },
  }
}

export const t5Family: Family = {
  modelTypes: ['t5'],
  prefixes: [''],
  embeddingName: 'shared.weight',
  besides: [
    'encoder.embed_tokens.',
    'decoder.embed_tokens.',
    'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.',
  ],
  readConfig: readT5,
}
