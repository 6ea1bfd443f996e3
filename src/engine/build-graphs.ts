// Builds the graphs of a run from a model's config and a method: training step, scoring, logits. Verified after each
// pass. Shapes are symbolic: B rows, S positions, L labelled positions of one chunk, P rows of the rope tables.
import { differentiate } from './autodiff/differentiate.ts'
import { GraphBuilder } from './ir/graph-builder.ts'
import type { Dim, Graph, Value } from './ir/types.ts'
import { bindWeights, type MethodSpec } from './methods/methods.ts'
import type { ModelConfig, NamedShape } from './models/config.ts'
import { familyOf } from './models/families.ts'
import type { ForwardContext } from './models/forward.ts'
import { checkpointRegions } from './passes/checkpoint-regions.ts'
import { eliminateDeadCode } from './passes/eliminate-dead-code.ts'
import { orderGradients } from './passes/order-gradients.ts'
import { orderLossChunks } from './passes/order-loss-chunks.ts'
import { type Pass, runPasses } from './passes/run-passes.ts'

/**
 * 'causal': a position sees itself and earlier ones. 'input': in addition float32 [B,S,S] is fed as 'mask' and added
 * to the scores (rows are queries; 0 keeps, a large negative number hides), as packing and shared prompts need.
 */
export type MaskKind = 'causal' | 'input'

export interface BuiltGraph {
  readonly graph: Graph
  /** Weights fed on every run, in the order in which optimizer and checkpoints keep them. */
  readonly trainable: readonly NamedShape[]
  /** Weights bound at compilation; 'rope.cos' and 'rope.sin' [P,D/2] are among them (see `ropeWeights`). */
  readonly frozen: readonly { readonly name: string; readonly shape: readonly Dim[] }[]
  readonly lossChunks: number
}

/** Keys or values of one block, for positions that later runs are to see. */
export interface Remembered {
  /** Fed: float32 [B,M,width], what earlier runs made. */
  readonly past: string
  /** Returned: float32 [B,S,width] of this run's positions. */
  readonly made: string
  readonly width: number
}

export interface DecodingGraph extends BuiltGraph {
  readonly remembered: readonly Remembered[]
}

export interface TrainingGraphOptions {
  /** Parts into which labelled positions are split, so that rows x vocabulary x 4 bytes stay below about 50 MB. */
  readonly lossChunks: number
  readonly gradientCheckpointing: boolean
}

export interface ScoringGraphOptions {
  readonly lossChunks: number
  readonly mask: MaskKind
}

interface Body {
  readonly builder: GraphBuilder
  /** [B,S,C] after the final norm */
  readonly hidden: Value
  /** [V,C] */
  readonly outputWeight: Value
}

/** How a block's attention is made; it may declare inputs and outputs of its own. */
type Attend = (builder: GraphBuilder) => ForwardContext['attend']

function buildBody(config: ModelConfig, method: MethodSpec, attending: Attend): Body {
  const builder = new GraphBuilder()
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  const positions = builder.input('positions', 'int64', ['B', 'S'])
  const attend = attending(builder)
  const weights = bindWeights(builder, config, method)
  const ropeCos = builder.parameter('rope.cos', ['P', config.headWidth / 2], false)
  const ropeSin = builder.parameter('rope.sin', ['P', config.headWidth / 2], false)
  const family = familyOf(config)
  const hidden = family.buildBody({ builder, config, weights, ids, positions, ropeCos, ropeSin, attend })
  return { builder, hidden, outputWeight: weights.weight(family.outputWeight(config)) }
}

const attentionAttributes = ({ heads, kvHeads, headWidth }: ModelConfig) => ({
  heads,
  kvHeads,
  scale: 1 / Math.sqrt(headWidth),
  softCap: null,
})

/** Every position is there at once. */
const attendWhole =
  (config: ModelConfig, maskKind: MaskKind): Attend =>
  (builder) => {
    const mask = maskKind === 'input' ? builder.input('mask', 'float32', ['B', 'S', 'S']) : null
    const attributes = { ...attentionAttributes(config), causal: true, window: null }
    return (layer, q, k, v) => {
      const names = [`layer.${layer}.attention`, `layer.${layer}.attention.log_sum_exp`]
      return builder.add('attention', [q, k, v, null, null, mask, null], attributes, ...names)[0]
    }
  }

/** Logits [L,V] of the positions that `rows` names (indices into the B*S positions). */
function addLogits(body: Body, rows: Value, ...names: readonly [gathered: string, logits: string]): Value {
  const { builder, hidden, outputWeight } = body
  const [gathered] = builder.add('gatherRows', [hidden, rows], {}, names[0])
  return builder.add('linear', [gathered, outputWeight, null], { scale: 1 }, names[1])[0]
}

/** Each chunk has its own symbol, L0, L1, ...: chunks may differ in size. */
function addLosses(body: Body, lossChunks: number): readonly Value[] {
  if (!Number.isInteger(lossChunks) || lossChunks < 1) throw new Error(`${lossChunks} is no number of chunks`)
  const { builder } = body
  const fed = Array.from({ length: lossChunks }, (_, chunk) => {
    const length = [`L${chunk}`]
    return {
      rows: builder.input(`rows.${chunk}`, 'int64', length),
      targets: builder.input(`targets.${chunk}`, 'int64', length),
      weights: builder.input(`weights.${chunk}`, 'float32', length),
    }
  })
  return fed.map(({ rows, targets, weights }, chunk) =>
    builder.inRegion(`loss.${chunk}`, () => {
      const logits = addLogits(body, rows, `gathered.${chunk}`, `logits.${chunk}`)
      const [losses] = builder.add(
        'softmaxCrossEntropy',
        [logits, targets, weights],
        { smoothing: 0 },
        `losses.${chunk}`,
        `d.logits.${chunk}`,
      )
      builder.output(losses)
      return losses
    }),
  )
}

function describe(graph: Graph, lossChunks: number): BuiltGraph {
  const trainable: NamedShape[] = []
  const frozen: { name: string; shape: readonly Dim[] }[] = []
  for (const { value, isTrainable } of graph.parameters) {
    const { name, shape } = value
    // verifyGraph has made sure that trainable shapes are fixed.
    if (isTrainable) trainable.push({ name, shape: shape.filter((dim) => typeof dim === 'number') })
    else frozen.push({ name, shape })
  }
  return { graph, trainable, frozen, lossChunks }
}

/**
 * One micro-batch of training. Fed: 'ids', 'positions' int64 [B,S], and for each chunk i 'rows.i', 'targets.i' int64
 * [Li], 'weights.i' float32 [Li], and the trainable weights. Returns 'losses.i' [Li] = weight x cross-entropy in
 * nats, and 'grad.<name>', the gradient of the sum of all losses, for every trainable weight.
 */
export function buildTrainingGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: TrainingGraphOptions,
): BuiltGraph {
  if (method.kind === 'none') throw new Error('nothing to train: the method is none')
  const body = buildBody(config, method, attendWhole(config, 'causal'))
  const losses = addLosses(body, options.lossChunks)
  const forward = body.builder.build()
  const wrt = forward.parameters.filter(({ isTrainable }) => isTrainable).map(({ value }) => value)
  const passes: Pass[] = [eliminateDeadCode, orderLossChunks, orderGradients]
  if (options.gradientCheckpointing) passes.push(checkpointRegions)
  passes.push(eliminateDeadCode)
  return describe(runPasses(differentiate(forward, losses, wrt), passes), options.lossChunks)
}

/** Losses only, fed and returned as by `buildTrainingGraph`, with the mask besides where `options` say so. */
export function buildScoringGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: ScoringGraphOptions,
): BuiltGraph {
  const body = buildBody(config, method, attendWhole(config, options.mask))
  addLosses(body, options.lossChunks)
  const graph = runPasses(body.builder.build(), [eliminateDeadCode, orderLossChunks])
  return describe(graph, options.lossChunks)
}

/** Fed: 'ids', 'positions' int64 [B,S], 'rows' int64 [L] and trainable weights. Returns 'logits' float32 [L,V]. */
export function buildLogitsGraph(config: ModelConfig, method: MethodSpec): BuiltGraph {
  const body = buildBody(config, method, attendWhole(config, 'causal'))
  const rows = body.builder.input('rows', 'int64', ['L'])
  const logits = body.builder.inRegion('loss.0', () => addLogits(body, rows, 'gathered', 'logits'))
  body.builder.output(logits)
  return describe(runPasses(body.builder.build(), [eliminateDeadCode]), 1)
}

/**
 * Logits of positions that follow on M remembered ones, so that an answer is written without going over its prompt for
 * every token. Fed: 'ids', 'positions' int64 [B,S], 'rows' int64 [L], trainable weights, 'past.mask' float32 [B,M] (0
 * shows, a large negative number hides) and what `remembered` names. Returns 'logits' float32 [L,V] and what it names.
 */
export function buildDecodingGraph(config: ModelConfig, method: MethodSpec): DecodingGraph {
  const remembered: Remembered[] = []
  const attributes = attentionAttributes(config)
  const width = config.kvHeads * config.headWidth
  const body = buildBody(config, method, (builder) => {
    const mask = builder.input('past.mask', 'float32', ['B', 'M'])
    const remember = (layer: number, what: 'k' | 'v', made: Value): Value => {
      const past = builder.input(`past.${layer}.${what}`, 'float32', ['B', 'M', width])
      builder.output(made)
      remembered.push({ past: past.name, made: made.name, width })
      return past
    }
    return (layer, q, k, v) => {
      const past = [remember(layer, 'k', k), remember(layer, 'v', v)] as const
      const name = `layer.${layer}.attention`
      return builder.add('rememberingAttention', [q, k, v, ...past, mask], attributes, name)[0]
    }
  })
  const rows = body.builder.input('rows', 'int64', ['L'])
  body.builder.output(body.builder.inRegion('loss.0', () => addLogits(body, rows, 'gathered', 'logits')))
  return { ...describe(runPasses(body.builder.build(), [eliminateDeadCode]), 1), remembered }
}
