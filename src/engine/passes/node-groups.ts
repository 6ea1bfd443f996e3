// Groups of nodes by where they stand, and what passes ask of them: which values are seen outside, which come last.
import { operandsOf } from '../ir/rewrite.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'

/** The nodes of each key, both in the graph's order; nodes whose key is null are in none. */
export function groupNodes<Key extends string | number>(
  graph: Graph,
  keyOf: (node: OpNode) => Key | null,
): ReadonlyMap<Key, ReadonlySet<OpNode>> {
  const groups = new Map<Key, Set<OpNode>>()
  for (const node of graph.nodes) {
    const key = keyOf(node)
    if (key !== null) groups.set(key, (groups.get(key) ?? new Set()).add(node))
  }
  return groups
}

/** The nodes that use each value, by its id, in the graph's order. */
export type Users = ReadonlyMap<number, readonly OpNode[]>

/** Made once for all groups of a graph: asking every node for every group would take the square of their number. */
export function usersOf(graph: Graph): Users {
  const users = new Map<number, OpNode[]>()
  for (const node of graph.nodes)
    for (const { id } of operandsOf(node)) {
      const known = users.get(id)
      if (known) known.push(node)
      else users.set(id, [node])
    }
  return users
}

/** Values that nodes of the group compute and that others, or the outputs, use. */
export function resultsOf(graph: Graph, users: Users, group: ReadonlySet<OpNode>): readonly Value[] {
  const returned = new Set(graph.outputs.map((value) => value.id))
  const isSeenOutside = ({ id }: Value): boolean =>
    returned.has(id) || (users.get(id)?.some((user) => !group.has(user)) ?? false)
  return [...group].flatMap((node) => (node.outputs as readonly Value[]).filter(isSeenOutside))
}

/**
 * The results that no other result is computed from, one for each node: when these are there, all are.
 * `nodes` stand in a valid order.
 */
export function lastResults(group: ReadonlySet<OpNode>, results: readonly Value[]): readonly Value[] {
  const resultIds = new Set(results.map((value) => value.id))
  const passed = new Set<number>()
  const last: Value[] = []
  for (const node of [...group].reverse()) {
    const isPassed = node.outputs.some((value) => passed.has(value.id))
    const result = (node.outputs as readonly Value[]).find((value) => resultIds.has(value.id))
    if (result && !isPassed) last.push(result)
    if (result || isPassed) for (const value of operandsOf(node)) passed.add(value.id)
  }
  return last.reverse()
}
