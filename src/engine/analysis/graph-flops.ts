// Floating-point operations of a graph's matrix products, counted from the graph itself: what is computed again for
// checkpointing counts. Elementwise work is left out, as is usual.
import type { Dim, Graph, OpNode, Value } from '../ir/types.ts'

/**
 * A product of [m,k] and [k,n] takes 2mkn operations. Attention is counted as the full square, as is usual, although
 * the ONNX backend leaves out a third of it where it is causal.
 */
export function graphFlops(graph: Graph, sizes: ReadonlyMap<string, number>): number {
  return graph.nodes.reduce((sum, node) => sum + nodeFlops(node, sizes), 0)
}

function nodeFlops(node: OpNode, sizes: ReadonlyMap<string, number>): number {
  const sizeOf = (dim: Dim): number => (typeof dim === 'number' ? dim : sizes.get(dim)!)
  const elements = (value: Value): number =>
    value.shape.reduce<number>((product, dim) => product * sizeOf(dim), 1)
  const lastOf = (value: Value): number => sizeOf(value.shape.at(-1)!)
  // Of rows one behind the other each sees itself only; 'P' is the longest.
  const keysOf = ([, k, , segments]: readonly (Value | null)[]): number => {
    const keys = sizeOf(k!.shape[1]!)
    return segments ? Math.min(keys, sizes.get('P') ?? keys) : keys
  }
  switch (node.kind) {
    case 'linear':
    case 'linearInputBackward':
      return 2 * elements(node.outputs[0]) * lastOf(node.inputs[0])
    case 'linearWeightBackward':
      return 2 * elements(node.inputs[0]) * lastOf(node.inputs[1])
    case 'attention':
      return 4 * elements(node.inputs[0]) * keysOf(node.inputs)
    case 'attentionBackward':
      return 8 * elements(node.inputs[0]) * keysOf(node.inputs.slice(3))
    default:
      return 0
  }
}
