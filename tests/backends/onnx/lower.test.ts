// Laws of the lowering that a result cannot show: what is shared, what is left out, what depends on what.
import { expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import type { OnnxModel } from '#backends/onnx/model-proto.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { opCases } from '../../conformance/op-cases.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'

const models = [...tinyTrainings.map(({ built }) => built.graph), ...opCases.map(({ graph }) => graph)].map(
  (graph) => lowerGraph(graph, new Map()),
)

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
    for (const node of model.nodes) {
      for (const input of node.inputs) if (input !== '') expect(known.has(input), input).toBe(true)
      for (const output of node.outputs) {
        expect(known.has(output), output).toBe(false)
        known.add(output)
      }
    }
  }
})

test('every result is read: the runtime would run an unread one last and keep its operands until then', () => {
  for (const model of models) {
    const read = new Set([
      ...model.nodes.flatMap((node) => node.inputs),
      ...model.outputs.map(({ name }) => name),
    ])
    for (const node of model.nodes)
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

test('the causal mask and the turned sines are made once for all layers', () => {
  const model = models[0]!
  const count = (operator: string) => model.nodes.filter((node) => node.operator === operator).length
  expect(count('Trilu')).toBe(1)
  expect(
    model.nodes.filter(({ operator, inputs }) => operator === 'Neg' && inputs[0] === 'rope.sin').length,
  ).toBe(1)
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
  for (const model of models) {
    const told = new Set([...model.between, ...model.outputs].map(({ name }) => name))
    const integers = integersOf(model)
    for (const node of model.nodes)
      if (large.has(node.operator) && !integers.has(node.outputs[0]!))
        expect(told.has(node.outputs[0]!), `${node.operator} ${node.outputs[0]}`).toBe(true)
  }
})

/** Names of int64 values: sizes and what is computed from sizes. */
function integersOf(model: OnnxModel): Set<string> {
  const integers = new Set<string>()
  for (const [name, { elementType }] of model.constants) if (elementType === 'int64') integers.add(name)
  const keepsType = new Set(['Add', 'Sub', 'Mul', 'Div', 'Concat'])
  for (const { operator, inputs, outputs } of model.nodes)
    if (operator === 'Shape' || (keepsType.has(operator) && inputs.every((name) => integers.has(name))))
      integers.add(outputs[0]!)
  return integers
}

test('an output that is also an input is refused', () => {
  const builder = new GraphBuilder()
  builder.output(builder.input('x', 'float32', ['B', 4]))
  expect(() => lowerGraph(builder.build(), new Map())).toThrow(/x is an input/)
})
