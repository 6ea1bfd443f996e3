// What a family's forward graph is built from: graph inputs, weights by name, and linears as the method wraps them.
import type { GraphBuilder } from '../ir/graph-builder.ts'
import type { Value } from '../ir/types.ts'
import type { LinearDescription, ModelConfig } from './config.ts'

/** Weights of a model under a training method. */
export interface BoundWeights {
  /** The weight of this Hugging Face name; an unknown name is a bug. */
  weight(name: string): Value
  /** linear(x) of a block's linear layer, with adapter where the method has one; plus `addend` [...,O] if given. */
  project(layer: number, linear: LinearDescription, x: Value, addend: Value | null): Value
}

export interface ForwardContext {
  readonly builder: GraphBuilder
  readonly config: ModelConfig
  readonly weights: BoundWeights
  /** int64 [B,S] */
  readonly ids: Value
  /** int64 [B,S] */
  readonly positions: Value
  /** [P,D/2] */
  readonly ropeCos: Value
  readonly ropeSin: Value
  /** Causal attention of a block: q [B,S,H*D], k and v [B,S,K*D] -> [B,S,H*D]. What else is seen is the graph's matter. */
  attend(layer: number, q: Value, k: Value, v: Value): Value
}
