// A graph's own run equals its nodes computed one by one: op cases, and training steps of a tiny Llama. So what the
// executor makes of a graph (order, threads, reused memory, rewriting) changes nothing.
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { type LoweredGraph, lowerGraph } from '#backends/tensorflow/lower.ts'
import type { Tensor, WeightLocation } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'
import { unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { opCases } from '../../conformance/op-cases.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'
import { findTensorflow } from '../../support/tensorflow.ts'
import { BindingKernels } from './binding-kernels.ts'
import { runNodes } from './run-nodes.ts'

interface Given {
  readonly graph: Graph
  readonly weights: ReadonlyMap<string, WeightLocation & { readonly kind: 'memory' }>
  readonly feeds: ReadonlyMap<string, Tensor>
}

const lowered = ({ graph, weights }: Given): LoweredGraph =>
  lowerGraph(graph, { weights, products: 'float32' })

function nodeByNode(given: Given, nodes: LoweredGraph = lowered(given)): ReadonlyMap<string, Tensor> {
  const inMemory = [...given.weights].map(([name, { tensor }]) => [name, tensor] as const)
  const kernels = new BindingKernels()
  const results = runNodes(given.graph, nodes, new Map([...inMemory, ...given.feeds]), kernels)
  kernels.dispose()
  return results
}

const ofCase = ({ graph, feeds }: (typeof opCases)[number]): Given => ({ graph, feeds, weights: new Map() })

/**
 * Relative to a tensor's largest number, at least 1. The graph joins operators into one; of a whole step's gradients,
 * differences of nearly equal numbers, that makes up to 5.2e-6.
 */
const bounds = { operators: 1e-6, steps: 1e-5 }

/** Attention has most of the cases, and loops, which take longer. */
const isTaken = ({ graph }: (typeof opCases)[number], index: number): boolean =>
  index % 4 === 0 || !graph.nodes.some(({ kind }) => kind.startsWith('attention'))

describe.each(findTensorflow('float32', 'mapped', null))('$name', (backend) => {
  async function difference(given: Given, nodes?: LoweredGraph): Promise<number> {
    const { graph, weights, feeds } = given
    const session = unwrap(await backend.compile(graph, { threads: 2, weights, workFolder: tmpdir() }))
    const whole = await session.run(feeds)
    const found = worstDifference(nodeByNode(given, nodes), whole).relative
    await session.dispose()
    return found
  }

  test.each(opCases.filter(isTaken))('$name', async (one) => {
    expect(await difference(ofCase(one))).toBeLessThan(bounds.operators)
  })

  test.each(tinyTrainings)('llama: $name', async ({ built, weights, feeds }) => {
    expect(await difference({ graph: built.graph, weights, feeds })).toBeLessThan(bounds.steps)
  })

  test('a graph whose loop computes something else is found', async () => {
    const given = ofCase(opCases.find(({ name }) => name === 'attention, causal, grouped')!)
    const right = lowered(given)
    const nodes = right.nodes.map((node) => (node.operator === 'Exp' ? { ...node, operator: 'Tanh' } : node))
    expect(nodes).not.toEqual(right.nodes)
    expect(await difference(given, { ...right, nodes })).toBeGreaterThan(1e-3)
  })
})
