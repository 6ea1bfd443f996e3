// What ordering passes do to a graph: values wait for others, and everyone who uses such a value uses its tie instead.
import { GraphBuilder } from '../ir/graph-builder.ts'
import { rewire } from '../ir/rewrite.ts'
import type { Graph, OpNode, Value } from '../ir/types.ts'

export interface Wait {
  readonly value: Value
  readonly dependencies: readonly Value[]
  /** Where the tie stands. */
  readonly region: string
  /** Nodes that go on using the value itself. */
  readonly exempt?: ReadonlySet<OpNode>
}

export function addTies(graph: Graph, waits: readonly Wait[]): Graph {
  const builder = GraphBuilder.extending(graph)
  const tied = new Map(
    waits.map(({ value, dependencies, region, exempt }) => {
      const [tie] = builder.inRegion(region, () =>
        builder.add('tie', [value, ...dependencies], {}, `${value.name}.in_order`),
      )
      return [value.id, { tie, exempt }]
    }),
  )
  return rewire(builder.build(), (node, value) => {
    const known = tied.get(value.id)
    if (!known || node.outputs[0].id === known.tie.id || known.exempt?.has(node)) return undefined
    return known.tie
  })
}
