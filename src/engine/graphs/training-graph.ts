// The graph of one micro-batch of training: losses and gradients, in an order that keeps memory low.
import { differentiate } from '../autodiff/differentiate.ts'
import type { MethodSpec } from '../methods/methods.ts'
import type { ModelConfig } from '../models/config.ts'
import { checkpointRegions } from '../passes/checkpoint-regions.ts'
import { eliminateDeadCode } from '../passes/eliminate-dead-code.ts'
import { orderGradients } from '../passes/order-gradients.ts'
import { orderLossChunks } from '../passes/order-loss-chunks.ts'
import { type Pass, runPasses } from '../passes/run-passes.ts'
import { attendWhole, type BodyOptions, startGraph } from './body-graph.ts'
import { type BuiltGraph, describeGraph } from './built-graph.ts'
import { addLosses } from './losses.ts'

export interface TrainingGraphOptions extends BodyOptions {
  /** Parts into which labelled positions are split, so that rows x vocabulary x 4 bytes stay below about 50 MB. */
  readonly lossChunks: number
  readonly gradientCheckpointing: boolean
  /** NEFTune (Jain et al. 2023): 'embedding.noise' float32 [B,S,C] is fed and added to the embedded tokens. */
  readonly hasEmbeddingNoise?: boolean
  /** Share of each target that is spread evenly over all tokens or classes; 0 where nothing is said. */
  readonly labelSmoothing?: number
}

/**
 * One micro-batch of training. Fed: the body's inputs (docs/engine.md), for each chunk i 'rows.i', 'targets.i' int64
 * [Li], 'weights.i' float32 [Li], and the trainable weights. Returns 'losses.i' [Li] = weight x cross-entropy in nats,
 * and 'grad.<name>', the gradient of the sum of all losses, for every trainable weight.
 */
export function buildTrainingGraph(
  config: ModelConfig,
  method: MethodSpec,
  options: TrainingGraphOptions,
): BuiltGraph {
  const body = startGraph({ ...options, config, method, attending: attendWhole })
  const losses = addLosses(body, options.lossChunks, options.labelSmoothing ?? 0)
  const forward = body.context.builder.build()
  const wrt = forward.parameters.filter(({ isTrainable }) => isTrainable).map(({ value }) => value)
  if (wrt.length === 0) throw new Error(`nothing to train: the method is ${method.kind}`)
  const passes: Pass[] = [eliminateDeadCode, orderLossChunks, orderGradients]
  if (options.gradientCheckpointing) passes.push(checkpointRegions)
  passes.push(eliminateDeadCode)
  return describeGraph(runPasses(differentiate(forward, losses, wrt), passes), options.lossChunks)
}
