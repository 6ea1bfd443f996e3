// Putting nodes in order, and renaming: the two rewrites that every pass rests on.
import { expect, test } from 'vitest'
import type { Graph } from '../../../src/engine/index.ts'
import { GraphBuilder, verifyGraph } from '../../../src/engine/index.ts'
import { renameValues, replaceOperands, sortNodes } from '../../../src/engine/ir/rewrite.ts'

function chain(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', [4])
  const last = builder.inRegion('r', () => {
    const [a] = builder.add('add', [x, x], {}, 'a')
    const [b] = builder.add('add', [a, x], {}, 'b')
    return builder.add('add', [b, a], {}, 'c')[0]
  })
  builder.output(last)
  return builder.build()
}

const names = (graph: Pick<Graph, 'nodes'>): string[] => graph.nodes.map((node) => node.outputs[0].name)

test('sortNodes keeps a valid order and repairs any other', () => {
  const { nodes } = chain()
  expect(names({ nodes: sortNodes(nodes) })).toEqual(['a', 'b', 'c'])
  expect(names({ nodes: sortNodes(nodes.toReversed()) })).toEqual(['a', 'b', 'c'])
})

test('sortNodes names a value that depends on itself', () => {
  const { nodes } = chain()
  const c = nodes[2]?.outputs[0]
  const knotted = nodes.map((node) =>
    replaceOperands(node, (value) => (node.outputs[0].name === 'a' && value.name === 'x' ? c : undefined)),
  )
  expect(() => sortNodes(knotted)).toThrow('depends on itself')
})

test('renameValues renames a value where it is made, used and returned', () => {
  const graph = chain()
  const ids = new Map(graph.nodes.map((node) => [node.outputs[0].id, `new.${node.outputs[0].name}`]))
  const renamed = renameValues(graph, ids)
  verifyGraph(renamed)
  expect(names(renamed)).toEqual(['new.a', 'new.b', 'new.c'])
  expect(renamed.outputs.map((value) => value.name)).toEqual(['new.c'])
})
