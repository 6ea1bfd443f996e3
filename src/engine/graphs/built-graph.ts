// What every build of a graph gives: the graph, and which weights it is fed and bound to.
import type { Dim, Graph } from '../ir/types.ts'
import type { NamedShape } from '../models/config.ts'

export interface BuiltGraph {
  readonly graph: Graph
  /** Weights fed on every run, in the order in which optimizer and checkpoints keep them. */
  readonly trainable: readonly NamedShape[]
  /** Weights bound at compilation, those that something uses; rotary tables [P,R/2] are among them (`ropeWeights`). */
  readonly frozen: readonly { readonly name: string; readonly shape: readonly Dim[] }[]
  readonly lossChunks: number
}

export function describeGraph(graph: Graph, lossChunks = 1): BuiltGraph {
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
