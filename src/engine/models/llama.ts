// The Llama family (Touvron et al. 2023): RMSNorm, rotary grouped-query attention, gated MLP, optional tied output.
// Legend: B rows, S positions, C hidden, H query heads, K key/value heads, D head width, I MLP width, V vocabulary.
import type { LinearName } from '#shared/recipe.ts'
import type { Value } from '../ir/types.ts'
import { blockName, type LinearDescription, type ModelConfig, type NamedShape } from './config.ts'
import {
  type ConfigObject,
  configProblem,
  readFlag,
  readPositive,
  readSize,
  requireOneOf,
} from './config-fields.ts'
import type { Family } from './family.ts'
import type { ForwardContext } from './forward.ts'
import { readRope } from './rope.ts'

const embeddingName = 'model.embed_tokens.weight'
const finalNormName = 'model.norm.weight'
const headName = 'lm_head.weight'

/** Far above any Llama there is: a config that says billions must not keep us listing its weights. */
const mostLayers = 1000

function readConfig(config: ConfigObject): ModelConfig {
  requireOneOf(config, 'hidden_act', ['silu'])
  if (config.quantization_config !== undefined && config.quantization_config !== null)
    throw configProblem('quantization_config', 'weights that are not quantised', config.quantization_config)
  const layers = readSize(config, 'num_hidden_layers')
  if (layers > mostLayers) throw configProblem('num_hidden_layers', `at most ${mostLayers} blocks`, layers)
  const hidden = readSize(config, 'hidden_size')
  const heads = readSize(config, 'num_attention_heads')
  const kvHeads = readSize(config, 'num_key_value_heads', heads)
  if (heads % kvHeads !== 0)
    throw configProblem('num_key_value_heads', `a divisor of ${heads} attention heads`, kvHeads)
  const headWidth = readSize(config, 'head_dim', hidden / heads)
  if (headWidth % 2 !== 0) throw configProblem('head_dim', 'an even number', headWidth)
  return {
    family: 'llama',
    vocabulary: readSize(config, 'vocab_size'),
    hidden,
    intermediate: readSize(config, 'intermediate_size'),
    layers,
    heads,
    kvHeads,
    headWidth,
    normEpsilon: readPositive(config, 'rms_norm_eps', 1e-6),
    maxPositions: readSize(config, 'max_position_embeddings', 2048),
    rope: readRope(config),
    attentionBias: readFlag(config, 'attention_bias', false),
    mlpBias: readFlag(config, 'mlp_bias', false),
    tiedEmbeddings: readFlag(config, 'tie_word_embeddings', false),
  }
}

function linears(config: ModelConfig): readonly LinearDescription[] {
  const { hidden, intermediate, attentionBias, mlpBias } = config
  const queryWidth = config.heads * config.headWidth
  const keyWidth = config.kvHeads * config.headWidth
  const describe = (
    name: LinearName,
    block: 'self_attn' | 'mlp',
    inputWidth: number,
    outputWidth: number,
  ): LinearDescription => ({
    name,
    path: `${block}.${name}`,
    inputWidth,
    outputWidth,
    hasBias: block === 'mlp' ? mlpBias : attentionBias,
  })
  return [
    describe('q_proj', 'self_attn', hidden, queryWidth),
    describe('k_proj', 'self_attn', hidden, keyWidth),
    describe('v_proj', 'self_attn', hidden, keyWidth),
    describe('o_proj', 'self_attn', queryWidth, hidden),
    describe('gate_proj', 'mlp', hidden, intermediate),
    describe('up_proj', 'mlp', hidden, intermediate),
    describe('down_proj', 'mlp', intermediate, hidden),
  ]
}

function blockParameters(config: ModelConfig, layer: number): readonly NamedShape[] {
  const named = (path: string, ...shape: readonly number[]): NamedShape => ({
    name: blockName(layer, path),
    shape,
  })
  const ofLinear = (linear: LinearDescription): readonly NamedShape[] => [
    named(`${linear.path}.weight`, linear.outputWidth, linear.inputWidth),
    ...(linear.hasBias ? [named(`${linear.path}.bias`, linear.outputWidth)] : []),
  ]
  return [
    named('input_layernorm.weight', config.hidden),
    ...linears(config)
      .filter((linear) => linear.path.startsWith('self_attn'))
      .flatMap(ofLinear),
    named('post_attention_layernorm.weight', config.hidden),
    ...linears(config)
      .filter((linear) => linear.path.startsWith('mlp'))
      .flatMap(ofLinear),
  ]
}

function parameters(config: ModelConfig): readonly NamedShape[] {
  const table = [config.vocabulary, config.hidden]
  return [
    { name: embeddingName, shape: table },
    ...Array.from({ length: config.layers }, (_, layer) => blockParameters(config, layer)).flat(),
    { name: finalNormName, shape: [config.hidden] },
    ...(config.tiedEmbeddings ? [] : [{ name: headName, shape: table }]),
  ]
}

/** x [B,S,C] -> [B,S,C]: x + attention(norm(x)), then h + mlp(norm(h)). */
function buildBlock(context: ForwardContext, layer: number, x: Value): Value {
  const { builder, config, weights } = context
  const at = `layer.${layer}`
  const byName = new Map(linears(config).map((linear) => [linear.name, linear]))
  const project = (name: LinearName, input: Value, addend: Value | null = null): Value => {
    const linear = byName.get(name)
    if (!linear) throw new Error(`a Llama block has no ${name}`)
    return weights.project(layer, linear, input, addend)
  }
  const norm = (input: Value, path: string, part: 'attention' | 'mlp'): Value => {
    const weight = weights.weight(blockName(layer, path))
    const names = [`${at}.${part}.norm`, `${at}.${part}.inv_std`]
    return builder.add('rmsNorm', [input, weight], { epsilon: config.normEpsilon, offset: 0 }, ...names)[0]
  }
  const rotate = (input: Value, heads: number, name: string): Value =>
    builder.add(
      'rope',
      [input, context.positions, context.ropeCos, context.ropeSin],
      { heads, inverse: false },
      `${at}.${name}.rotated`,
    )[0]

  const { heads, kvHeads } = config
  const attentionInput = norm(x, 'input_layernorm.weight', 'attention')
  const q = rotate(project('q_proj', attentionInput), heads, 'q')
  const k = rotate(project('k_proj', attentionInput), kvHeads, 'k')
  const v = project('v_proj', attentionInput)
  const middle = project('o_proj', context.attend(layer, q, k, v), x)
  const mlpInput = norm(middle, 'post_attention_layernorm.weight', 'mlp')
  const gate = project('gate_proj', mlpInput)
  const up = project('up_proj', mlpInput)
  const [gated] = builder.add('gatedActivation', [gate, up], { kind: 'silu' }, `${at}.mlp.gated`)
  return project('down_proj', gated, middle)
}

function buildBody(context: ForwardContext): Value {
  const { builder, config, weights } = context
  let [x] = builder.inRegion('embedding', () =>
    builder.add('embedding', [weights.weight(embeddingName), context.ids], {}, 'embedded'),
  )
  for (let layer = 0; layer < config.layers; layer += 1) {
    const input = x
    x = builder.inRegion(`layer.${layer}`, () => buildBlock(context, layer, input))
  }
  return builder.inRegion('head', () => {
    const inputs: [Value, Value] = [x, weights.weight(finalNormName)]
    return builder.add('rmsNorm', inputs, { epsilon: config.normEpsilon, offset: 0 }, 'hidden', 'inv_std')[0]
  })
}

export const llamaFamily: Family = {
  modelTypes: ['llama'],
  readConfig,
  linears,
  parameters,
  buildBody,
  outputWeight: (config) => (config.tiedEmbeddings ? embeddingName : headName),
}
