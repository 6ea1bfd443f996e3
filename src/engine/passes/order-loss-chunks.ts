// Cross-entropy chunks one after the other: a chunk's logits exist only after the chunk before is done with its own.
// Without it a backend may compute all chunks' logits first, and chunking saves nothing.
import { splitRegion } from '../ir/region.ts'
import type { Graph } from '../ir/types.ts'
import { addTies } from './add-ties.ts'
import { groupNodes, lastResults, resultsOf, usersOf } from './node-groups.ts'

const chunkName = /^loss\.(\d+)$/

/**
 * Ties the rows that each chunk (region 'loss.N') gathers to the last results of chunk N+1. The highest chunk goes
 * first because reverse mode adds the chunks' gradients in that order: each sum is done before the next chunk.
 */
export function orderLossChunks(graph: Graph): Graph {
  const chunks = groupNodes(graph, ({ region }) => {
    const chunk = chunkName.exec(splitRegion(region).base)?.[1]
    return chunk === undefined ? null : Number(chunk)
  })
  const users = usersOf(graph)
  const waits = [...chunks].flatMap(([chunk, group]) => {
    const before = chunks.get(chunk + 1)
    if (!before) return []
    const dependencies = lastResults(before, resultsOf(graph, users, before))
    return [...group]
      .filter((node) => node.kind === 'gatherRows')
      .map(({ outputs: [rows], region }) => ({ value: rows, dependencies, region }))
  })
  return addTies(graph, waits)
}
