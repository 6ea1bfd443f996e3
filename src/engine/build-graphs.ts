// Builds the graphs of a run from a model's config and a method: training step, scoring, logits. Verified after each
// pass. Shapes are symbolic: B rows, S positions, L labelled positions of one chunk, P rows of the rope tables.
import { differentiate } from './autodiff/differentiate.ts'
import { GraphBuilder } from './ir/graph-builder.ts'
import type { Dim, Graph, Value } from './ir/types.ts'
import { bindWeights, type MethodSpec } from './methods/methods.ts'
import type { ModelConfig, NamedShape } from './models/config.ts'
import { familyOf } from './models/families.ts'
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

function buildBody(config: ModelConfig, method: MethodSpec, maskKind: MaskKind): Body {
  const builder = new GraphBuilder()
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  const positions = builder.input('positions', 'int64', ['B', 'S'])
  const mask = maskKind === 'input' ? builder.input('mask', 'float32', ['B', 'S', 'S']) : null
  const weights = bindWeights(builder, config, method)
  const ropeCos = builder.parameter('rope.cos', ['P', config.headWidth / 2], false)
  const ropeSin = builder.parameter('rope.sin', ['P', config.headWidth / 2], false)
  const family = familyOf(config)
  const hidden = family.buildBody({ builder, config, weights, ids, positions, ropeCos, ropeSin, mask })
  return { builder, hidden, outputWeight: weights.weight(family.outputWeight(config)) }
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
        {},
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
  const body = buildBody(config, method, 'causal')
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
  const body = buildBody(config, method, options.mask)
  addLosses(body, options.lossChunks)
  const graph = runPasses(body.builder.build(), [eliminateDeadCode, orderLossChunks])
  return describe(graph, options.lossChunks)
}

/** Fed: 'ids', 'positions' int64 [B,S], 'rows' int64 [L] and trainable weights. Returns 'logits' float32 [L,V]. */
export function buildLogitsGraph(config: ModelConfig, method: MethodSpec): BuiltGraph {
  const body = buildBody(config, method, 'causal')
  const rows = body.builder.input('rows', 'int64', ['L'])
  const logits = body.builder.inRegion('loss.0', () => addLogits(body, rows, 'gathered', 'logits'))
  body.builder.output(logits)
  return describe(runPasses(body.builder.build(), [eliminateDeadCode]), 1)
}
