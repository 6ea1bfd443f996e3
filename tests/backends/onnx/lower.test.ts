// Laws of the lowering that a result cannot show: what is shared, what is left out, what depends on what.
import { expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { elementTypes, type OnnxBody, type OnnxModel } from '#backends/onnx/model-proto.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { opCases } from '../../conformance/op-cases.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'

const models = [...tinyTrainings.map(({ built }) => built.graph), ...opCases.map(({ graph }) => graph)].map(
  (graph) => lowerGraph(graph, new Map()),
)

/** Bodies of the loops in it. */
const bodiesOf = ({ nodes }: OnnxBody): readonly OnnxBody[] =>
  nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap((attribute) => (attribute.kind === 'graph' ? [attribute.value] : [])),
  )

/** Names that a body reads from around it: those it does not make itself. */
function readAround(body: OnnxBody): readonly string[] {
  const made = new Set([
    ...body.inputs.map(({ name }) => name),
    ...body.nodes.flatMap((node) => node.outputs),
  ])
  const read = [...body.nodes.flatMap((node) => node.inputs), ...bodiesOf(body).flatMap(readAround)]
  return read.filter((name) => name !== '' && !made.has(name))
}

/** Everything that `name` is computed from. */
function ancestorsOf(model: OnnxModel, name: string): Set<string> {
  const producers = new Map(model.nodes.flatMap((node) => node.outputs.map((output) => [output, node])))
  const found = new Set<string>()
  const visit = (current: string): void => {
    for (const input of producers.get(current)?.inputs ?? [])
      if (!found.has(input)) {
        found.add(input)
        visit(input)
      }
  }
  visit(name)
  return found
}

test('every name is written once, and before it is read', () => {
  for (const model of models) {
    const known = new Set([
      ...model.inputs.map(({ name }) => name),
      ...model.constants.keys(),
      ...model.externals.keys(),
    ])
    readsOnlyKnown(model, known)
  }
})

function readsOnlyKnown(graph: OnnxBody, known: Set<string>): void {
  for (const node of graph.nodes) {
    for (const input of node.inputs) if (input !== '') expect(known.has(input), input).toBe(true)
    for (const body of bodiesOf({ ...graph, nodes: [node] }))
      readsOnlyKnown(body, new Set([...known, ...body.inputs.map(({ name }) => name)]))
    for (const output of node.outputs) {
      expect(known.has(output), output).toBe(false)
      known.add(output)
    }
  }
}

test('every result is read: the runtime would run an unread one last and keep its operands until then', () => {
  for (const graph of models.flatMap((model) => [model, ...bodiesOf(model)])) {
    const read = new Set([
      ...graph.nodes.flatMap((node) => node.inputs),
      ...bodiesOf(graph).flatMap(readAround),
      ...graph.outputs.map(({ name }) => name),
    ])
    for (const node of graph.nodes)
      expect(
        node.outputs.some((name) => read.has(name)),
        node.outputs[0],
      ).toBe(true)
  }
})

test('a tie is a result of everything it waits for', () => {
  const builder = new GraphBuilder()
  const [x, a, b] = ['x', 'a', 'b'].map((name) => builder.input(name, 'float32', ['B', 4]))
  builder.inRegion('layer.0', () => {
    const [doubled] = builder.add('add', [a!, a!], {}, 'doubled')
    const [tied] = builder.add('tie', [x!, doubled, b!], {}, 'tied')
    builder.output(tied)
  })
  const ancestors = ancestorsOf(lowerGraph(builder.build(), new Map()), 'tied')
  for (const name of ['x', 'a', 'b', 'doubled']) expect(ancestors.has(name), name).toBe(true)
})

test('the cut of attention into blocks and the turned sines are made once for all layers', () => {
  const model = models[0]!
  const count = (operator: string) => model.nodes.filter((node) => node.operator === operator).length
  expect(count('Loop')).toBeGreaterThan(2)
  expect(count('Range')).toBe(1)
  expect(
    model.nodes.filter(({ operator, inputs }) => operator === 'Neg' && inputs[0] === 'rope.sin').length,
  ).toBe(1)
})

test('narrow products of the same rows are one: of adapters at q, k, v and at gate, up', () => {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 'S', 96])
  const [a, b, wide] = [4, 8, 80].map((outputs) => builder.parameter(`w${outputs}`, [outputs, 96], true))
  builder.inRegion('layer.0', () => {
    const results = [a!, b!, wide!].map(
      (weight) => builder.add('linear', [x, weight, null], { scale: 2 }, weight.name)[0],
    )
    for (const result of results) builder.output(result)
    const gradients = results.map(
      (dy) => builder.add('linearWeightBackward', [dy, x], { scale: 1 }, `d${dy.name}`)[0],
    )
    for (const gradient of gradients) builder.output(gradient)
  })
  const { nodes } = lowerGraph(builder.build(), new Map())
  const outputsOf = (operator: string) =>
    nodes.filter((node) => node.operator === operator).map(({ outputs }) => outputs)
  expect(outputsOf('FusedMatMul')).toHaveLength(2)
  expect(outputsOf('Gemm')).toHaveLength(2)
  expect(outputsOf('Split').map((names) => names.length)).toEqual([2, 2])
})

test('large results have a shape told, so that the runtime can work in place', () => {
  const large = new Set([
    'MatMul',
    'FusedMatMul',
    'Gemm',
    'Softmax',
    'Sigmoid',
    'QuickGelu',
    'Mul',
    'Sub',
    'Add',
  ])
  const check = (graph: OnnxBody, known: Iterable<string>): void => {
    const told = new Set([...graph.between, ...graph.outputs].map(({ name }) => name))
    const integers = integersOf(graph, known)
    for (const node of graph.nodes)
      if (large.has(node.operator) && !integers.has(node.outputs[0]!))
        expect(told.has(node.outputs[0]!), `${node.operator} ${node.outputs[0]}`).toBe(true)
    for (const body of bodiesOf(graph)) check(body, integers)
  }
  for (const model of models) {
    const constants = [...model.constants].filter(([, { elementType }]) => elementType === 'int64')
    check(
      model,
      constants.map(([name]) => name),
    )
  }
})

/** Operators whose results have the type of their first operand, of their second where they choose. */
const keepsType =
  /^(Add|Sub|Mul|Div|Mod|Min|Max|Concat|Expand|Gather|Range|Reduce\w+|Slice|Split|Squeeze|Unsqueeze|Where)$/

/** Adds the names of int64 values, sizes and what is computed from sizes, to those known. */
function integersOf(graph: OnnxBody, known: Iterable<string>): Set<string> {
  const integers = new Set(known)
  for (const { name, elementType } of graph.inputs) if (elementType === 'int64') integers.add(name)
  for (const { operator, inputs, outputs, attributes } of graph.nodes) {
    const isKept = keepsType.test(operator) && integers.has(inputs[operator === 'Where' ? 1 : 0]!)
    const isMade = attributes.to?.kind === 'int' && attributes.to.value === elementTypes.int64
    if (operator === 'Shape' || isKept || isMade) for (const name of outputs) integers.add(name)
  }
  return integers
}

test('an output that is also an input is refused', () => {
  const builder = new GraphBuilder()
  builder.output(builder.input('x', 'float32', ['B', 4]))
  expect(() => lowerGraph(builder.build(), new Map())).toThrow(/x is an input/)
})
