// The law of graphs: every breach is named. And the builder, which cannot build a breach of shapes.
import { describe, expect, test } from 'vitest'
import type { Graph, OpNode, Value } from '../../../src/engine/index.ts'
import { GraphBuilder, GraphError, printGraph, verifyGraph } from '../../../src/engine/index.ts'
import { runPasses } from '../../../src/engine/passes/run-passes.ts'

function smallGraph(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 'S', 4])
  const weight = builder.parameter('weight', [3, 4], true)
  const y = builder.inRegion('layer.0', () => {
    const [first] = builder.add('linear', [x, weight, null], { scale: 0.5 }, 'y')
    return builder.add('add', [first, first], {}, 'y')[0]
  })
  builder.output(y)
  return builder.build()
}

const [linear, add] = smallGraph().nodes as readonly [OpNode, OpNode]
const withNodes = (...nodes: readonly OpNode[]): Graph => ({ ...smallGraph(), nodes })
const changed = (node: OpNode, changes: Readonly<Record<string, unknown>>): OpNode =>
  ({ ...node, ...changes }) as unknown as OpNode
const value = (changes: Partial<Value>): Value => ({
  id: 2,
  name: 'y',
  shape: ['B', 'S', 3],
  dtype: 'float32',
  ...changes,
})

describe('verifyGraph', () => {
  test('accepts what the builder builds', () => {
    expect(() => verifyGraph(smallGraph())).not.toThrow()
  })

  test.each<[string, Graph, string]>([
    ['use before definition', withNodes(add, linear), 'y#2 uses y before it is defined'],
    ['an id twice', withNodes(linear, linear), 'id 2 is defined twice'],
    ['a name twice', withNodes(linear, changed(add, { outputs: [value({ id: 9 })] })), 'y is used twice'],
    ['no region', withNodes(changed(linear, { region: '' }), add), 'y has no region'],
    [
      'a stated shape that the rule does not give',
      withNodes(changed(linear, { outputs: [value({ shape: ['B', 'S', 5] })] }), add),
      'y is float32[B,S,3], stated was float32[B,S,5]',
    ],
    [
      'a stated dtype that the rule does not give',
      withNodes(changed(linear, { outputs: [value({ dtype: 'int64' })] }), add),
      'stated was int64[B,S,3]',
    ],
    [
      'a result too many',
      withNodes(changed(linear, { outputs: [value({}), value({ id: 9, name: 'z' })] }), add),
      'linear gives 1 results, got 2',
    ],
    [
      'an operand that changed its shape on the way',
      withNodes(linear, changed(add, { inputs: [value({ shape: [1] }), value({ shape: [1] })] })),
      'y#2 sees y as float32[1]',
    ],
    [
      'an unprintable name',
      withNodes(changed(linear, { outputs: [value({ name: 'a b' })] })),
      'no printable name',
    ],
    [
      'an output that is nowhere',
      { ...smallGraph(), outputs: [value({ id: 77, name: 'z' })] },
      'output z is never',
    ],
    [
      'an output under another name',
      { ...smallGraph(), outputs: [value({ name: 'other' })] },
      'output other is never defined',
    ],
    [
      'an output listed twice',
      { ...smallGraph(), outputs: [value({}), value({})] },
      'output y is listed twice',
    ],
    [
      'a trained weight without a size',
      {
        ...smallGraph(),
        parameters: [{ value: value({ id: 1, name: 'w', shape: ['P'] }), isTrainable: true }],
      },
      'has no fixed size',
    ],
    [
      'a weight of whole numbers',
      { ...smallGraph(), parameters: [{ value: value({ id: 1, dtype: 'int64' }), isTrainable: false }] },
      'is not float32',
    ],
    [
      'a dimension that is none',
      { ...smallGraph(), inputs: [value({ id: 0, name: 'x', shape: [0.5] })] },
      '0.5 is no dimension',
    ],
  ])('names %s', (_, graph, message) => {
    expect(() => verifyGraph(graph)).toThrow(GraphError)
    expect(() => verifyGraph(graph)).toThrow(message)
  })

  test('a pass that breaks the law is named', () => {
    function forgetful(graph: Graph): Graph {
      return { ...graph, nodes: graph.nodes.slice(1) }
    }
    expect(() => runPasses(smallGraph(), [forgetful])).toThrow('after forgetful: y#2 uses y before')
  })
})

describe('GraphBuilder', () => {
  test('refuses operands that do not fit, naming them', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', 'float32', ['B', 4])
    const weight = builder.parameter('weight', [3, 5], true)
    expect(() => builder.inRegion('r', () => builder.add('linear', [x, weight, null], { scale: 1 }))).toThrow(
      'linear: expected x [...,I], weight [O,I], got x: float32[B,4]; weight: float32[3,5]',
    )
  })

  test('refuses a taken public name and a node outside of regions', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', 'float32', [4])
    expect(() => builder.parameter('x', [4], false)).toThrow('the name x is taken')
    expect(() => builder.add('ones', [x], {})).toThrow('outside of a region')
  })

  test('equal symbols are equal sizes, different ones are not', () => {
    const builder = new GraphBuilder()
    const a = builder.input('a', 'float32', ['B', 4])
    const b = builder.input('b', 'float32', ['S', 4])
    expect(() => builder.inRegion('r', () => builder.add('add', [a, b], {}))).toThrow('expected shape [B,4]')
  })
})

test('printGraph shows inputs, weights, regions, nodes and outputs', () => {
  expect(printGraph(smallGraph())).toMatchInlineSnapshot(`
    "inputs
      x: float32[B,S,4]
    weights
      weight: float32[3,4] trainable
    region layer.0
      y: float32[B,S,3] = linear(x, weight, _) scale=0.5
      y#2: float32[B,S,3] = add(y, y)
    outputs
      y#2"
  `)
})
