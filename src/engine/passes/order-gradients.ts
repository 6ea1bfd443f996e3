// Weight gradients of a block before the backward pass of the block below. They are leaves of the graph: a backend
// that is free to choose computes them last, and until then keeps every block's activations (docs/engine.md).
import { splitRegion } from '../ir/region.ts'
import { operandsOf } from '../ir/rewrite.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'
import { addTies } from './add-ties.ts'
import { groupNodes, lastResults, resultsOf } from './node-groups.ts'

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
  const groups = groupNodes(graph, ({ region }) => (splitRegion(region).phase === 'backward' ? region : null))
  const waits = [...groups].flatMap(([region, group]) => {
    const results = resultsOf(graph, group)
    const goingOn = resultsGoingOn(graph, group, results)
    const staying = lastResults(group, results).filter((value) => !goingOn.includes(value))
    if (staying.length === 0) return []
    return goingOn.map((value) => ({ value, dependencies: staying, region, exempt: group }))
  })
  return addTies(graph, waits)
}
