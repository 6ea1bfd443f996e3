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

/** Values that nodes of the group compute and that others, or the outputs, use. */
export function resultsOf(graph: Graph, group: ReadonlySet<OpNode>): readonly Value[] {
  const seenOutside = new Set(graph.outputs.map((value) => value.id))
  for (const node of graph.nodes)
    if (!group.has(node)) for (const value of operandsOf(node)) seenOutside.add(value.id)
  return [...group].flatMap((node) =>
    (node.outputs as readonly Value[]).filter((value) => seenOutside.has(value.id)),
  )
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
