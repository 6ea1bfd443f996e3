// Cross-entropy chunks one after the other: a chunk's logits exist only after the chunk before is done with its own.
// Without it a backend may compute all chunks' logits first, and chunking saves nothing.
import { GraphBuilder } from '../ir/graph-builder.ts'
import { splitRegion } from '../ir/region.ts'
import { replaceOperands, sortNodes } from '../ir/rewrite.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'
import { lastResults, resultsOf } from './region-results.ts'

const chunkName = /^loss\.\d+$/

function groupByChunk(graph: Graph): ReadonlyMap<string, Set<OpNode>> {
  const groups = new Map<string, Set<OpNode>>()
  for (const node of graph.nodes) {
    const { base } = splitRegion(node.region)
    if (!chunkName.test(base)) continue
    const group = groups.get(base) ?? new Set()
    groups.set(base, group.add(node))
  }
  return groups
}

/**
 * Ties the rows that each chunk (region 'loss.N') gathers to the last results of chunk N+1. The highest chunk goes
 * first because reverse mode adds the chunks' gradients in that order: each sum is done before the next chunk.
 */
export function orderLossChunks(graph: Graph): Graph {
  const groups = groupByChunk(graph)
  const builder = GraphBuilder.extending(graph)
  const tied = new Map<number, Value>()
  const ties = new Set<number>()
  for (const [chunk, group] of groups) {
    const before = groups.get(`loss.${Number(chunk.slice(5)) + 1}`)
    if (!before) continue
    const dependencies = lastResults(before, resultsOf(graph, before))
    for (const node of group) {
      if (node.kind !== 'gatherRows') continue
      const rows = node.outputs[0]
      const [tie] = builder.inRegion(node.region, () =>
        builder.add('tie', [rows, ...dependencies], {}, `${rows.name}.in_order`),
      )
      tied.set(rows.id, tie)
      ties.add(tie.id)
    }
  }
  const extended = builder.build()
  const nodes = extended.nodes.map((node) =>
    ties.has(node.outputs[0].id) ? node : replaceOperands(node, (value) => tied.get(value.id)),
  )
  return { ...extended, nodes: sortNodes(nodes) }
}
