// Runs passes in order and verifies the graph after each: a pass that breaks the law of graphs is named at once.
import { GraphError } from '../ir/type-rules.ts'
import type { Graph } from '../ir/types.ts'
import { verifyGraph } from '../ir/verify.ts'

export type Pass = (graph: Graph) => Graph

function verifyAfter(stage: string, graph: Graph): void {
  try {
    verifyGraph(graph)
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(`after ${stage}: ${error.message}`)
    throw error
  }
}

/** The graph after all passes; verified before the first and after each. Throws GraphError naming the pass. */
export function runPasses(graph: Graph, passes: readonly Pass[]): Graph {
  verifyAfter('building', graph)
  return passes.reduce((current, pass) => {
    const next = pass(current)
    verifyAfter(pass.name, next)
    return next
  }, graph)
}
