// Laws of the lowering that a result cannot show: names, order, what is left out, what is read late.
import { expect, test } from 'vitest'
import type { TfNode } from '#backends/tensorflow/graph-def.ts'
import { lowerGraph } from '#backends/tensorflow/lower.ts'
import { fastProducts } from '#backends/tensorflow/processor.ts'
import type { WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph } from '#engine/ir/types.ts'
import { optimizerSettings } from '#shared/recipe.ts'
import { opCases } from '../../conformance/op-cases.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'

const lower = (graph: Graph, weights: ReadonlyMap<string, WeightLocation> = new Map()) =>
  lowerGraph(graph, { weights, products: 'float32' })

const lowered = [...tinyTrainings.map(({ built }) => built.graph), ...opCases.map(({ graph }) => graph)].map(
  (graph) => lower(graph),
)

const nodeOf = (tensor: string): string => tensor.split(':')[0]!

/** Everything that must run before the node. */
function ancestorsOf(nodes: readonly TfNode[], name: string): Set<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const found = new Set<string>()
  const visit = (current: string): void => {
    const { inputs, controls } = byName.get(current)!
    for (const other of [...inputs.map(nodeOf), ...controls])
      if (!found.has(other)) {
        found.add(other)
        visit(other)
      }
  }
  visit(name)
  return found
}

test('every node has a name of its own, and what it reads was made before, but for what a loop hands on', () => {
  for (const { nodes, fetches } of lowered) {
    const known = new Set<string>()
    for (const { name, operator, inputs, controls } of nodes) {
      const early = operator === 'Merge' ? inputs.slice(0, 1) : inputs
      for (const other of [...early.map(nodeOf), ...controls]) expect(known.has(other), other).toBe(true)
      expect(known.has(name), name).toBe(false)
      known.add(name)
    }
    for (const fetch of fetches) expect(known.has(nodeOf(fetch))).toBe(true)
  }
})

test('nothing is emitted that no result is computed from or waits for', () => {
  for (const { nodes, fetches } of lowered) {
    const needed = new Set(fetches.map(nodeOf))
    for (const fetch of fetches) for (const name of ancestorsOf(nodes, nodeOf(fetch))) needed.add(name)
    for (const { name } of nodes) expect(needed.has(name), name).toBe(true)
  }
})

/** Two products that do not need each other, the second with a weight in half precision. */
function twoProducts(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 'S', 64])
  const [first, second] = ['first', 'second'].map((name) => builder.parameter(name, [64, 64], false))
  builder.inRegion('layer.0', () =>
    builder.output(builder.add('linear', [x, first!, null], { scale: 1 }, 'y')[0]),
  )
  builder.inRegion('layer.1', () =>
    builder.output(builder.add('linear', [x, second!, null], { scale: 1 }, 'z')[0]),
  )
  return builder.build()
}

const inFile = (offsetBytes: number, file = 'model.safetensors'): WeightLocation => ({
  kind: 'file',
  folder: '/models',
  file,
  offsetBytes,
  lengthBytes: 8192,
  dtype: 'bfloat16',
  shape: [64, 64],
})

test('an op waits for the one before it, so weights are not widened before they are needed', () => {
  const weights = new Map([
    ['first', inFile(64)],
    ['second', inFile(64 + 8192)],
  ])
  const { nodes } = lower(twoProducts(), weights)
  const products = nodes.filter(({ operator }) => operator === 'MatMul')
  // The last one is of what holds the file.
  const casts = nodes.filter(({ operator }) => operator === 'Cast')
  expect([products.length, casts.length]).toEqual([2, 3])
  expect(ancestorsOf(nodes, casts[1]!.name).has(products[0]!.name)).toBe(true)
  expect(ancestorsOf(nodes, casts[0]!.name).has(products[0]!.name)).toBe(false)
})

// The last reader of a file's last weight (BitwiseAnd, of weights in 4 bits) wrote over the mapped file: SIGSEGV.
test('every mapped file is held until all results are there', () => {
  const weights = new Map([
    ['first', inFile(64)],
    ['second', inFile(64, 'other.safetensors')],
  ])
  const { nodes, fetches, outputs } = lower(twoProducts(), weights)
  const results = fetches.slice(0, outputs.length)
  const files = nodes.filter(({ operator }) => operator === 'ImmutableConst')
  const holds = fetches.slice(outputs.length).map((fetch) => ancestorsOf(nodes, nodeOf(fetch)))
  expect(holds.length).toBe(files.length)
  for (const [index, { name }] of files.entries())
    for (const needed of [name, ...results.map(nodeOf)]) expect(holds[index]!.has(needed)).toBe(true)
})

test('an aligned weight is a range of rows of 64 bytes of one mapped file, any other a range of its bytes', () => {
  const weights = new Map([
    ['first', inFile(64)],
    ['second', inFile(72 + 8192)],
  ])
  const { nodes } = lower(twoProducts(), weights)
  const files = nodes.filter(({ operator }) => operator === 'ImmutableConst')
  expect(files.map(({ attributes }) => attributes.shape)).toEqual([
    { kind: 'shape', value: [257, 32] },
    { kind: 'shape', value: [72 + 16384] },
  ])
})

test('a tie waits for its dependencies', () => {
  const builder = new GraphBuilder()
  const [x, other] = ['x', 'other'].map((name) => builder.input(name, 'float32', ['B', 4]))
  builder.inRegion('layer.0', () => {
    const [late] = builder.add('scale', [other!], { factor: 2 }, 'late')
    builder.output(builder.add('tie', [x!, late], {}, 'y')[0])
  })
  const { nodes, fetches } = lower(builder.build())
  const operators = [...ancestorsOf(nodes, fetches[0]!)].map(
    (name) => nodes.find((node) => node.name === name)!.operator,
  )
  expect(operators).toContain('Mul')
})

test('bfloat16 products are chosen where the processor has instructions for them', () => {
  expect(fastProducts('flags : fpu avx2 avx512f avx512_bf16 sse')).toBe('bfloat16')
  expect(fastProducts('flags : amx_bf16 amx_tile')).toBe('bfloat16')
  expect(fastProducts('flags : fpu avx2 avx512f avx512bw')).toBe('float32')
  expect(fastProducts('')).toBe('float32')
})

const trainedLowerings = tinyTrainings.map(({ built }) => ({
  built,
  lowered: lowerGraph(built.graph, {
    weights: new Map(),
    products: 'float32',
    resident: { settings: optimizerSettings.parse({}), rates: new Map([[built.trainable[0]!.name, 0.5]]) },
  }),
}))

test('what is trained is fed to no step and fetched from none, and every gradient is added once', () => {
  for (const { built, lowered } of trainedLowerings) {
    for (const { name } of built.trainable) expect(lowered.feeds.has(name)).toBe(false)
    expect(lowered.outputs.map(({ name }) => name).filter((name) => name.startsWith('grad.'))).toEqual([])
    const places = lowered.trained!.groups.flatMap((group) => group.places.map(({ name }) => name))
    expect(places.sort()).toEqual(built.trainable.map(({ name }) => name).sort())
    const needed = new Set(lowered.fetches.flatMap((fetch) => [...ancestorsOf(lowered.nodes, nodeOf(fetch))]))
    const additions = lowered.nodes.filter(({ operator }) => operator === 'AssignAddVariableOp')
    expect(additions).toHaveLength(lowered.trained!.groups.length)
    for (const { name } of additions) expect(needed.has(name)).toBe(true)
    // Two rates: small tensors of one rate share their variables.
    expect(lowered.trained!.groups.map(({ rate }) => rate).sort()).toEqual([0.5, 1])
  }
})

test('the parts that fill, measure, move and read run nothing of the step', () => {
  for (const { lowered } of trainedLowerings) {
    const { portions, squares, update } = lowered.trained!
    const parts = [...portions.flatMap(({ load, read }) => [load, read]), squares, update]
    const ofStep = new Set(lowered.fetches.flatMap((fetch) => [...ancestorsOf(lowered.nodes, nodeOf(fetch))]))
    const byName = new Map(lowered.nodes.map((node) => [node.name, node]))
    for (const { fetches } of parts)
      for (const fetch of fetches)
        for (const name of ancestorsOf(lowered.nodes, nodeOf(fetch)))
          if (ofStep.has(name)) expect(byName.get(name)!.operator).toMatch(/^(Const|VarHandleOp)$/)
  }
})

test('sums are made zero behind what reads them, moments are replaced behind what reads them', () => {
  const { lowered } = trainedLowerings[0]!
  const reads = lowered.nodes.filter(({ operator }) => operator === 'ReadVariableOp')
  const [fetch] = lowered.trained!.update.fetches
  const ofUpdate = ancestorsOf(lowered.nodes, nodeOf(fetch!))
  const assigned = lowered.nodes.filter(
    ({ name, operator }) => ofUpdate.has(name) && operator.startsWith('Assign'),
  )
  expect(assigned).toHaveLength(4 * lowered.trained!.groups.length)
  for (const { name, inputs } of assigned) {
    const reader = reads.find((node) => node.inputs[0] === inputs[0] && ofUpdate.has(node.name))!
    expect(ancestorsOf(lowered.nodes, name).has(reader.name)).toBe(true)
  }
})
