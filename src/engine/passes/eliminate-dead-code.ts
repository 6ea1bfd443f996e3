// Removes nodes that no output depends on. Inputs and weights stay: they are the graph's public face.
import { operandsOf } from '../ir/rewrite.ts'
import type { Graph } from '../ir/types.ts'

export function eliminateDeadCode(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((value) => value.id))
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((value) => needed.has(value.id))) return false
    for (const value of operandsOf(node)) needed.add(value.id)
    return true
  })
  return { ...graph, nodes: kept.reverse() }
}
