// Laws of the lowering to our own operators that a result cannot show: what is made and what is not, order, how much lives
// at once.
import { describe, expect, test } from 'vitest'
import type { TfNode } from '#backends/tensorflow/graph-def.ts'
import type { LoweredGraph } from '#backends/tensorflow/lower.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { ancestorsOf, bothProducts, flag, isOurs, lower, nodeOf, number, ofOperator } from './lowered.ts'
import { wideCheckpointed, wideLayers, wideLora, wideTrainings } from './wide-training.ts'

/** x W^T + x, which is read as `read` says; W lies in memory. */
function sumGraph(read: (builder: GraphBuilder, y: Value) => readonly Value[]): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 'S', 64])
  const weight = builder.parameter('weight', [64, 64], false)
  builder.inRegion('layer.0', () => {
    const [product] = builder.add('linear', [x, weight, null], { scale: 1 })
    const [sum] = builder.add('add', [x, product], {})
    for (const value of read(builder, sum)) builder.output(value)
  })
  return builder.build()
}

const layerNorm = (builder: GraphBuilder, x: Value): Value => {
  const [weight, bias] = ['norm', 'norm bias'].map((name) => builder.parameter(name, [64], false))
  return builder.add('layerNorm', [x, weight!, bias!], { epsilon: 1e-5 })[0]
}

describe('sums', () => {
  test('what TensorFlow reads is made once, by all who read it', () => {
    const graph = sumGraph((builder, y) => [
      layerNorm(builder, y),
      builder.add('activation', [y], { kind: 'gelu' })[0],
      y,
    ])
    for (const products of bothProducts) {
      const lowered = lower(graph, products)
      const sums = ofOperator(lowered, 'TunewrightSum')
      expect(sums.map((node) => [flag(node, 'gives_full'), flag(node, 'gives_half')])).toEqual([
        [true, false],
      ])
      expect(number(sums[0]!, 'H') + number(sums[0]!, 'F')).toBe(2)
      const readers = lowered.nodes.filter(({ inputs }) =>
        inputs.some((each) => nodeOf(each) === sums[0]!.name),
      )
      expect(readers.length).toBeGreaterThan(3)
      expect(ofOperator(lowered, 'AddV2').filter(({ inputs }) => inputs.includes('x'))).toEqual([])
    }
  })

  test('a sum of sums is one pass, and no sum in between is made', () => {
    const graph = sumGraph((builder, y) => [
      builder.add('add', [y, builder.add('add', [y, y], {})[0]], {})[0],
    ])
    const sums = ofOperator(lower(graph, 'float32'), 'TunewrightSum')
    // y is read three times, so it is made; what is read once is not.
    expect(sums.map((node) => number(node, 'F'))).toEqual([2, 3])
  })

  test('a norm adds its input itself, and writes it where others read it', () => {
    const norm = (builder: GraphBuilder, x: Value): Value => {
      const weight = builder.parameter('norm', [64], false)
      return builder.add('rmsNorm', [x, weight], { epsilon: 1e-5, offset: 0 })[0]
    }
    const keeps = (graph: Graph): readonly boolean[] => {
      const lowered = lower(graph, 'bfloat16')
      expect(ofOperator(lowered, 'TunewrightSum')).toEqual([])
      return ofOperator(lowered, 'TunewrightSumNorm').map((node) => flag(node, 'keeps'))
    }
    expect(keeps(sumGraph((builder, y) => [norm(builder, y)]))).toEqual([false])
    expect(keeps(sumGraph((builder, y) => [norm(builder, y), y]))).toEqual([true])
  })

  test('in bfloat16 a value that only products read is never float32, and none is rounded by a pass of its own', () => {
    const lowered = lower(wideLora.built.graph, 'bfloat16')
    // The last one is read by the selection of labelled rows, in float32.
    const norms = ofOperator(lowered, 'TunewrightSumNorm').slice(0, -1)
    expect(norms.every((node) => flag(node, 'gives_half') && !flag(node, 'gives_full'))).toBe(true)
    const casts = ofOperator(lowered, 'Cast')
    const ours = new Set(lowered.nodes.filter(isOurs).map(({ name }) => name))
    expect(casts.filter(({ inputs }) => ours.has(nodeOf(inputs[0]!)))).toEqual([])
  })
})

/** The most nodes at a time whose results are still read later, in the graph's order; views and sizes count for nothing. */
function mostAtOnce({ nodes, fetches }: LoweredGraph): number {
  const isSmall = ({ operator, inputs }: TfNode): boolean =>
    inputs.length === 0 || ['Shape', 'Reshape', 'Identity', 'ExpandDims', 'Slice'].includes(operator)
  const source = new Map<string, string>()
  for (const node of nodes) {
    const isView = ['Reshape', 'Identity', 'ExpandDims'].includes(node.operator)
    const of = isView ? nodeOf(node.inputs[0]!) : node.name
    source.set(node.name, source.get(of) ?? of)
  }
  const lastRead = new Map<string, number>()
  for (const [index, { inputs }] of nodes.entries())
    for (const each of inputs) lastRead.set(source.get(nodeOf(each))!, index)
  for (const fetch of fetches) lastRead.set(source.get(nodeOf(fetch))!, nodes.length)
  let [alive, most] = [0, 0]
  const ending = new Map<number, number>()
  for (const [index, node] of nodes.entries()) {
    if (!isSmall(node)) {
      alive += 1
      const end = lastRead.get(node.name) ?? index
      ending.set(end, (ending.get(end) ?? 0) + 1)
    }
    most = Math.max(most, alive)
    alive -= ending.get(index) ?? 0
  }
  return most
}

describe('order', () => {
  test('every node has a name of its own, and what it reads or waits for was made before', () => {
    for (const { built } of wideTrainings)
      for (const products of bothProducts) {
        const { nodes, fetches } = lower(built.graph, products)
        const known = new Set<string>()
        for (const { name, inputs, controls } of nodes) {
          for (const other of [...inputs.map(nodeOf), ...controls]) expect(known.has(other), other).toBe(true)
          expect(known.has(name), name).toBe(false)
          known.add(name)
        }
        for (const fetch of fetches) expect(known.has(nodeOf(fetch))).toBe(true)
      }
  })

  test('a tie of a sum waits for its dependencies, in both precisions', () => {
    const builder = new GraphBuilder()
    const [x, other] = ['x', 'other'].map((name) => builder.input(name, 'float32', ['B', 'S', 64]))
    const [first, second] = ['first', 'second'].map((name) => builder.parameter(name, [64, 64], false))
    builder.inRegion('layer.0', () => {
      const [late] = builder.add('activation', [other!], { kind: 'tanh' })
      const [sum] = builder.add('linear', [x!, first!, x!], { scale: 1 })
      const [tied] = builder.add('tie', [sum, late], {})
      builder.output(tied)
      builder.output(builder.add('linear', [tied, second!, null], { scale: 1 })[0])
    })
    for (const products of bothProducts) {
      const lowered = lower(builder.build(), products)
      const [tanh] = ofOperator(lowered, 'Tanh')
      const results = lowered.fetches.slice(0, 2).map((fetch) => ancestorsOf(lowered.nodes, nodeOf(fetch)))
      for (const ancestors of results) expect(ancestors.has(tanh!.name)).toBe(true)
    }
  })

  test('a step has less than a third of the nodes, and no more of them live at once', () => {
    for (const { built } of [wideLora, wideCheckpointed])
      for (const products of bothProducts) {
        const [own, plain] = [lower(built.graph, products), lower(built.graph, products, false)]
        expect(own.nodes.length).toBeLessThan(plain.nodes.length / 3)
        expect(mostAtOnce(own)).toBeLessThanOrEqual(mostAtOnce(plain))
      }
  })

  // engine.md, law 3: its input, and the gradients of two matrices for each of seven linears.
  test('a block that is computed again adds its input and its gradients to what lives at once, and nothing else', () => {
    const [few, many] = [2, 5].map((layers) => wideLayers(layers).built.graph)
    for (const products of bothProducts) {
      const added = mostAtOnce(lower(many!, products)) - mostAtOnce(lower(few!, products))
      expect(added).toBeLessThanOrEqual(3 * 15)
      expect(added).toBeGreaterThan(0)
    }
  })
})
