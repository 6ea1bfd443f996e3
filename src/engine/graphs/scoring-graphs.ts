// Graphs that only look: losses, logits, embeddings of texts, and what the lower blocks give.
import { renameValues } from '../ir/rewrite.ts'
import type { MethodSpec } from '../methods/methods.ts'
import type { ModelConfig } from '../models/config.ts'
import { eliminateDeadCode } from '../passes/eliminate-dead-code.ts'
import { orderLossChunks } from '../passes/order-loss-chunks.ts'
import { runPasses } from '../passes/run-passes.ts'
import { attendWhole, type Body, type BodyOptions, startGraph } from './body-graph.ts'
import { type BuiltGraph, describeGraph } from './built-graph.ts'
import { addLogits, addLosses, addTextLogits, isAveraged } from './losses.ts'

export interface ScoringGraphOptions extends BodyOptions {
  readonly lossChunks: number
}

/**
 * Losses without gradients, fed and returned as by `buildTrainingGraph`; of a classification also 'logits.i'
 * [Li,classes].
 */
export function buildScoringGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: ScoringGraphOptions,
): BuiltGraph {
  const body = startGraph({ ...options, config, method, attending: attendWhole })
  addLosses(body, options.lossChunks, 0)
  const graph = runPasses(body.context.builder.build(), [eliminateDeadCode, orderLossChunks])
  return describeGraph(graph, options.lossChunks)
}

/** Adds input 'rows' int64 [L] and output 'logits' [L,V] or [L,classes]; 'pooling' and [B,classes] where texts are averaged. */
export function outputLogits(body: Body): void {
  const { builder } = body.context
  if (isAveraged(body)) {
    builder.output(builder.inRegion('loss.0', () => addTextLogits(body, 'logits')))
    return
  }
  const rows = builder.input('rows', 'int64', ['L'])
  builder.output(builder.inRegion('loss.0', () => addLogits(body, rows, 'gathered', 'logits')))
}

/**
 * Fed: the body's inputs, 'rows' int64 [L] and trainable weights. Returns 'logits' float32 [L,V], or [L,classes] of a
 * classification task.
 */
export function buildLogitsGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: BodyOptions = {},
): BuiltGraph {
  const body = startGraph({ ...options, config, method, attending: attendWhole })
  outputLogits(body)
  return describeGraph(runPasses(body.context.builder.build(), [eliminateDeadCode]))
}

/**
 * Embeddings of texts. Fed: the body's inputs, 'pooling' float32 [B,S] (see `poolingFeed`) and trainable weights.
 * Returns 'embeddings' float32 [B,C] = sum over s of pooling x state, not yet of length 1.
 */
export function buildEmbeddingGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: Pick<BodyOptions, 'fromLayer'> = {},
): BuiltGraph {
  const { context, hidden } = startGraph({ ...options, config, method, attending: attendWhole })
  const { builder } = context
  const weights = builder.input('pooling', 'float32', ['B', 'S'])
  builder.output(
    builder.inRegion('head', () => builder.add('weightedSum', [hidden, weights], {}, 'embeddings')[0]),
  )
  return describeGraph(runPasses(builder.build(), [eliminateDeadCode]))
}

/**
 * What the blocks below `toLayer` give: fed the body's inputs, returns 'hidden' float32 [B,S,C], which graphs with
 * `fromLayer: toLayer` are fed. The two together are the whole graph.
 */
export function buildPrefixGraph(
  config: ModelConfig,
  toLayer: number,
  options: Pick<BodyOptions, 'isPacked' | 'sharesStart'> = {},
): BuiltGraph {
  const { context, hidden } = startGraph({
    ...options,
    config,
    method: { kind: 'none' },
    attending: attendWhole,
    toLayer,
  })
  context.builder.output(hidden)
  const graph = renameValues(context.builder.build(), new Map([[hidden.id, 'hidden']]))
  return describeGraph(runPasses(graph, [eliminateDeadCode]))
}
