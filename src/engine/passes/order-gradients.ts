// Weight gradients of a block before the backward pass of the block below. They are leaves of the graph: a backend
// that is free to choose computes them last, and until then keeps every block's activations (docs/engine.md).
import { splitRegion } from '../ir/region.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'
import { addTies } from './add-ties.ts'
import { groupNodes, lastResults, resultsOf, usersOf } from './node-groups.ts'

/** In every backward region: what goes on to the next region is tied to what stays (weight gradients). */
export function orderGradients(graph: Graph): Graph {
  const groups = groupNodes(graph, ({ region }) => (splitRegion(region).phase === 'backward' ? region : null))
  const users = usersOf(graph)
  const places = new Map(graph.nodes.map((node, place) => [node, place]))
  /** The results that the region which comes next after the group uses: the way the gradient goes on. */
  const resultsGoingOn = (group: ReadonlySet<OpNode>, results: readonly Value[]): readonly Value[] => {
    const usersOutside = ({ id }: Value): readonly OpNode[] =>
      (users.get(id) ?? []).filter((user) => !group.has(user))
    const [next] = results.flatMap(usersOutside).sort((a, b) => places.get(a)! - places.get(b)!)
    return results.filter((value) => usersOutside(value).some(({ region }) => region === next?.region))
  }
  const waits = [...groups].flatMap(([region, group]) => {
    const results = resultsOf(graph, users, group)
    const goingOn = resultsGoingOn(group, results)
    const staying = lastResults(group, results).filter((value) => !goingOn.includes(value))
    if (staying.length === 0) return []
    return goingOn.map((value) => ({ value, dependencies: staying, region, exempt: group }))
  })
  return addTies(graph, waits)
}
