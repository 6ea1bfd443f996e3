// BERT (Devlin et al. 2019), RoBERTa, XLM-RoBERTa and DistilBERT: learned positions, norm of every sum, no mask by order.
import type { AttentionSublayer, BlockForm, LinearTemplate, MlpSublayer, ModelDescription } from './config.ts'
import {
  type ConfigObject,
  configProblem,
  readActivation,
  readLayers,
  readPositive,
  readSize,
  requireOneOf,
} from './config-fields.ts'
import { type Family, headStep, linear, numberedBlocks, readHeads } from './family.ts'

/** Names of an encoder's parts: its fields of config.json, and weights below a block. */
interface EncoderNames {
  readonly fields: {
    readonly hidden: string
    readonly heads: string
    readonly layers: string
    readonly intermediate: string
    readonly activation: string
  }
  readonly blocks: string
  readonly query: string
  readonly key: string
  readonly value: string
  readonly output: string
  readonly attentionNorm: string
  readonly up: string
  readonly down: string
  readonly mlpNorm: string
}

const bertNames: EncoderNames = {
  fields: {
    hidden: 'hidden_size',
    heads: 'num_attention_heads',
    layers: 'num_hidden_layers',
    intermediate: 'intermediate_size',
    activation: 'hidden_act',
  },
  blocks: 'encoder.layer',
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  output: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  up: 'intermediate.dense',
  down: 'output.dense',
  mlpNorm: 'output.LayerNorm',
}

const distilBertNames: EncoderNames = {
  fields: {
    hidden: 'dim',
    heads: 'n_heads',
    layers: 'n_layers',
    intermediate: 'hidden_dim',
    activation: 'activation',
  },
  blocks: 'transformer.layer',
  query: 'attention.q_lin',
  key: 'attention.k_lin',
  value: 'attention.v_lin',
  output: 'attention.out_lin',
  attentionNorm: 'sa_layer_norm',
  up: 'ffn.lin1',
  down: 'ffn.lin2',
  mlpNorm: 'output_layer_norm',
}

function encoderForm(
  config: ConfigObject,
  names: EncoderNames,
  hidden: number,
  intermediate: number,
): BlockForm {
  const square = (role: LinearTemplate['roles'][number], path: string): LinearTemplate =>
    linear([role], path, hidden, hidden, true)
  const attention: AttentionSublayer = {
    kind: 'self',
    norms: { before: null, branch: null, sum: names.attentionNorm },
    linears: [
      square('q_proj', names.query),
      square('k_proj', names.key),
      square('v_proj', names.value),
      square('o_proj', names.output),
    ],
    projections: 'separate',
    queryKeyNorms: null,
  }
  const mlp: MlpSublayer = {
    kind: 'mlp',
    norms: { before: null, branch: null, sum: names.mlpNorm },
    linears: [
      linear(['up_proj'], names.up, hidden, intermediate, true),
      linear(['down_proj'], names.down, intermediate, hidden, true),
    ],
    activation: readActivation(config, names.fields.activation, 'gelu'),
    isGated: false,
  }
  return { sublayers: [attention, mlp], isParallel: false, isCausal: false }
}

interface EncoderTraits {
  readonly names: EncoderNames
  readonly positionOffset: number
  /** Rows of the table of token types; null: no such table. */
  readonly types: number | null
  readonly heads: ModelDescription['output']['heads']
}

function readEncoder(config: ConfigObject, prefix: string, traits: EncoderTraits): ModelDescription {
  const { names, positionOffset, types } = traits
  requireOneOf(config, 'position_embedding_type', ['absolute'])
  requireOneOf(config, 'is_decoder', [false])
  const { hidden, heads, headWidth } = readHeads(config, names.fields)
  const intermediate = readSize(config, names.fields.intermediate)
  const layers = readLayers(config, names.fields.layers)
  const rows = readSize(config, 'max_position_embeddings', 512)
  if (rows <= positionOffset)
    throw configProblem('max_position_embeddings', `more than ${positionOffset}`, rows)
  const at = (path: string): string => `${prefix}embeddings.${path}`
  return {
    family: String(config.model_type),
    kind: 'encoder',
    vocabulary: readSize(config, 'vocab_size'),
    ...{ hidden, intermediate, layers, heads, kvHeads: heads, headWidth, positionOffset },
    encoderLayers: layers,
    maxPositions: rows - positionOffset,
    tiedEmbeddings: false,
    norm: { kind: 'layer', offset: 0, epsilon: readPositive(config, 'layer_norm_eps', 1e-12) },
    embedding: {
      tokens: at('word_embeddings.weight'),
      scale: 1,
      positions: { name: at('position_embeddings.weight'), rows },
      types: types === null ? null : { name: at('token_type_embeddings.weight'), rows: types },
      norm: at('LayerNorm'),
    },
    blocks: numberedBlocks(
      `${prefix}${names.blocks}`,
      layers,
      encoderForm(config, names, hidden, intermediate),
      () => ({ attentionScale: 1 / Math.sqrt(headWidth), rope: null, window: null }),
    ),
    branchScale: 1,
    attentionSoftCap: null,
    rope: [],
    relativePositions: null,
    finalNorm: null,
    encoderNorm: null,
    decoderStart: null,
    output: { weight: null, scale: 1, softCap: null, heads: traits.heads, textToken: 'first' },
  }
}

const tokenHead = [headStep('classifier', 'classes', true)]

const readBert: Family['readConfig'] = (config, prefix) =>
  readEncoder(config, prefix, {
    names: bertNames,
    positionOffset: 0,
    types: readSize(config, 'type_vocab_size', 2),
    heads: {
      'sequence-classes': [
        headStep(`${prefix}pooler.dense`, 'hidden', true, 'tanh'),
        headStep('classifier', 'classes', true),
      ],
      'token-classes': tokenHead,
    },
  })

/** Positions begin behind that of the padding token. */
const readRoberta: Family['readConfig'] = (config, prefix) => {
  const padding = config.pad_token_id === 0 ? 0 : readSize(config, 'pad_token_id', 1)
  return readEncoder(config, prefix, {
    names: bertNames,
    positionOffset: padding + 1,
    types: readSize(config, 'type_vocab_size', 2),
    heads: {
      'sequence-classes': [
        headStep('classifier.dense', 'hidden', true, 'tanh'),
        headStep('classifier.out_proj', 'classes', true),
      ],
      'token-classes': tokenHead,
    },
  })
}

const readDistilBert: Family['readConfig'] = (config, prefix) =>
  readEncoder(config, prefix, {
    names: distilBertNames,
    positionOffset: 0,
    types: null,
    heads: {
      'sequence-classes': [
        headStep('pre_classifier', 'hidden', true, 'relu'),
        headStep('classifier', 'classes', true),
      ],
      'token-classes': tokenHead,
    },
  })

const embeddingName = 'embeddings.word_embeddings.weight'

const bertBesides = ['pooler.', 'embeddings.position_ids', 'classifier.', 'mean_classifier.', 'qa_outputs.']

export const encoderFamilies: readonly Family[] = [
  {
    modelTypes: ['bert'],
    prefixes: ['bert.', ''],
    embeddingName,
    besides: [...bertBesides, 'cls.'],
    readConfig: readBert,
  },
  {
    modelTypes: ['distilbert'],
    prefixes: ['distilbert.', ''],
    embeddingName,
    besides: ['vocab_', 'pre_classifier.', 'classifier.', 'mean_classifier.', 'qa_outputs.'],
    readConfig: readDistilBert,
  },
  {
    modelTypes: ['roberta', 'xlm-roberta'],
    prefixes: ['roberta.', ''],
    embeddingName,
    besides: [...bertBesides, 'lm_head.'],
    readConfig: readRoberta,
  },
]
