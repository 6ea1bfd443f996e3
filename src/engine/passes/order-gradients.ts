// Weight gradients of a block before the backward pass of the block below. They are leaves of the graph: a backend
// that is free to choose computes them last, and until then keeps every block's activations (docs/engine.md).
import { GraphBuilder } from '../ir/graph-builder.ts'
import { splitRegion } from '../ir/region.ts'
import { operandsOf, replaceOperands, sortNodes } from '../ir/rewrite.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'
import { lastResults, resultsOf } from './region-results.ts'

function backwardGroups(graph: Graph): ReadonlyMap<string, Set<OpNode>> {
  const groups = new Map<string, Set<OpNode>>()
  for (const node of graph.nodes) {
    if (splitRegion(node.region).phase !== 'backward') continue
    const group = groups.get(node.region) ?? new Set()
    groups.set(node.region, group.add(node))
  }
  return groups
}

/** Results of the group that the region which comes next after it uses: the way the gradient goes on. */
function resultsGoingOn(
  graph: Graph,
  group: ReadonlySet<OpNode>,
  results: readonly Value[],
): readonly Value[] {
  const ids = new Set(results.map((value) => value.id))
  const firstUser = graph.nodes.find(
    (node) => !group.has(node) && operandsOf(node).some((value) => ids.has(value.id)),
  )
  if (!firstUser) return []
  const used = new Set<number>()
  for (const node of graph.nodes)
    if (node.region === firstUser.region) for (const value of operandsOf(node)) used.add(value.id)
  return results.filter((value) => used.has(value.id))
}

/** In every backward region: what goes on to the next region is tied to what stays (weight gradients). */
export function orderGradients(graph: Graph): Graph {
  const builder = GraphBuilder.extending(graph)
  const tied = new Map<number, { readonly tie: Value; readonly group: ReadonlySet<OpNode> }>()
  for (const [region, group] of backwardGroups(graph)) {
    const results = resultsOf(graph, group)
    const goingOn = resultsGoingOn(graph, group, results)
    const staying = lastResults(group, results).filter((value) => !goingOn.includes(value))
    if (staying.length === 0) continue
    for (const value of goingOn) {
      const [tie] = builder.inRegion(region, () =>
        builder.add('tie', [value, ...staying], {}, `${value.name}.in_order`),
      )
      tied.set(value.id, { tie, group })
    }
  }
  const ties = new Set([...tied.values()].map(({ tie }) => tie.id))
  const extended = builder.build()
  const nodes = extended.nodes.map((node) => {
    if (ties.has(node.outputs[0].id)) return node
    return replaceOperands(node, (value) => {
      const known = tied.get(value.id)
      return known && !known.group.has(node) ? known.tie : undefined
    })
  })
  return { ...extended, nodes: sortNodes(nodes) }
}
