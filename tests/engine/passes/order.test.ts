// Ordering as a data dependency: a backend that runs every node as late as it may must still not keep all blocks alive.
import { describe, expect, test } from 'vitest'
import type { Graph, MethodSpec, ModelConfig, NumericTensor, OpNode } from '../../../src/engine/index.ts'
import { buildScoringGraph, buildTrainingGraph, interpret, verifyGraph } from '../../../src/engine/index.ts'
import { operandsOf, producersOf } from '../../../src/engine/ir/rewrite.ts'
import { countOf } from '../support/numbers.ts'
import { wholeModel as full, tinyLora as lora } from '../support/tiny-methods.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

/**
 * The order of onnxruntime's default: depth first from the leaves, the last leaf and the highest operand first
 * (docs/engine.md). It knows nothing but data dependencies, and leaves weight gradients to the end where it can.
 */
function orderAsBackendMay(graph: Graph): Graph {
  const producers = producersOf(graph.nodes)
  const done = new Set<OpNode>()
  const nodes: OpNode[] = []
  const visit = (node: OpNode | undefined): void => {
    if (!node || done.has(node)) return
    done.add(node)
    for (const value of operandsOf(node).toReversed()) visit(producers.get(value.id))
    nodes.push(node)
  }
  const used = new Set(graph.nodes.flatMap((node) => operandsOf(node).map((value) => value.id)))
  for (const node of graph.nodes.toReversed())
    if (!node.outputs.some((value) => used.has(value.id))) visit(node)
  for (const output of graph.outputs) visit(producers.get(output.id))
  return { ...graph, nodes }
}

/** Forward pass first, then the backward chain, and every weight gradient as late as its users allow. */
function orderWithLateLeaves(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((value) => value.id))
  const isLeaf = (node: OpNode): boolean => node.outputs.some((value) => outputs.has(value.id))
  const producers = producersOf(graph.nodes)
  const done = new Set<OpNode>()
  const nodes: OpNode[] = []
  const visit = (node: OpNode): void => {
    if (done.has(node)) return
    done.add(node)
    for (const value of operandsOf(node)) {
      const producer = producers.get(value.id)
      if (producer) visit(producer)
    }
    nodes.push(node)
  }
  for (const node of graph.nodes) if (!isLeaf(node)) visit(node)
  for (const node of graph.nodes) visit(node)
  return { ...graph, nodes }
}

function feedsOf(config: ModelConfig, method: MethodSpec, chunks: number): Map<string, NumericTensor> {
  const built = buildScoringGraph(config, method, { lossChunks: chunks })
  return new Map([...weightFeeds(built, config), ...trainingFeeds(config, chunks)])
}

/** Most numbers of computed values that are alive at once. */
function peakNumbers(graph: Graph, feeds: ReadonlyMap<string, NumericTensor>): number {
  verifyGraph(graph)
  let peak = 0
  interpret(graph, feeds, 'float64', (_, live) => {
    peak = Math.max(peak, live)
  })
  return peak
}

function withoutOrder(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    node.kind === 'tie' ? Object.freeze({ ...node, inputs: [node.inputs[0]] as const }) : node,
  )
  return { ...graph, nodes }
}

const training = (layers: number, method: MethodSpec, isCheckpointed: boolean, lossChunks = 2): Graph =>
  buildTrainingGraph(tinyConfig({ num_hidden_layers: layers }), method, {
    lossChunks,
    gradientCheckpointing: isCheckpointed,
  }).graph

describe.each([
  ['onnxruntime', orderAsBackendMay],
  ['late leaves', orderWithLateLeaves],
] as const)('under the order "%s"', (_, reorder) => {
  const growth = (method: MethodSpec, isCheckpointed: boolean, change: (graph: Graph) => Graph): number => {
    const peak = (layers: number): number => {
      const feeds = feedsOf(tinyConfig({ num_hidden_layers: layers }), method, 2)
      return peakNumbers(reorder(change(training(layers, method, isCheckpointed))), feeds)
    }
    return (peak(7) - peak(3)) / 4
  }

  // DoRA's norms and factors come from weights alone, so nothing keeps them from being computed early: two numbers a row,
  // once for each of the two passes.
  test.each([
    ['LoRA', lora, 0],
    ['DoRA', { ...lora, decomposed: true }, 4],
  ] as const)(
    'a checkpointed block adds its input and its weight gradients, nothing else: %s',
    (_, method, early) => {
      const { trainable } = buildTrainingGraph(tinyConfig({ num_hidden_layers: 1 }), method, {
        lossChunks: 1,
        gradientCheckpointing: true,
      })
      const numbersOf = (shapes: typeof trainable): number =>
        shapes.reduce((sum, { shape }) => sum + countOf(shape), 0)
      const magnitudes = numbersOf(trainable.filter(({ name }) => name.endsWith('magnitude_vector')))
      const blockInput = 2 * 5 * 8
      expect(growth(method, true, (graph) => graph)).toBeLessThanOrEqual(
        blockInput + numbersOf(trainable) + early * magnitudes,
      )
    },
  )

  test('without the ties a block adds more: the check can fail', () => {
    expect(growth(lora, true, withoutOrder)).toBeGreaterThan(1.5 * growth(lora, true, (graph) => graph))
  })

  test('checkpointing keeps less than half per block of what keeping everything does', () => {
    const kept = growth(lora, false, (graph) => graph)
    expect(growth(lora, true, (graph) => graph)).toBeLessThan(kept / 2)
  })

  test('one chunk of logits exists at a time', () => {
    const config = tinyConfig({ vocab_size: 4001, num_hidden_layers: 1 })
    const feeds = feedsOf(config, lora, 4)
    const options = { lossChunks: 4, gradientCheckpointing: true }
    const { graph } = buildTrainingGraph(config, lora, options)
    const rowsPerChunk = 2
    // Logits and their gradient: two arrays of rows x vocabulary.
    expect(peakNumbers(reorder(graph), feeds)).toBeLessThan(2.5 * rowsPerChunk * 4001)
  })

  test('one chunk of logits exists at a time in scoring', () => {
    const config = tinyConfig({ vocab_size: 4001, num_hidden_layers: 1 })
    const { graph } = buildScoringGraph(config, lora, { lossChunks: 4 })
    expect(peakNumbers(reorder(graph), feedsOf(config, lora, 4))).toBeLessThan(2.5 * 2 * 4001)
  })
})

describe('dependencies of ties', () => {
  const reaches = (graph: Graph, from: string, to: string): boolean => {
    const producers = producersOf(graph.nodes)
    const seen = new Set<OpNode>()
    const visit = (node: OpNode | undefined): boolean => {
      if (!node || seen.has(node)) return false
      seen.add(node)
      return operandsOf(node).some((value) => value.name === to || visit(producers.get(value.id)))
    }
    return visit(graph.nodes.find((node) => node.outputs.some((value) => value.name === from)))
  }

  test.each([
    ['lora', lora, 'self_attn.q_proj.lora_A.weight'],
    ['full', full, 'mlp.up_proj.weight'],
  ] as const)('every weight gradient of a block comes before the blocks below, %s', (_, method, path) => {
    for (const isCheckpointed of [false, true]) {
      const graph = training(3, method, isCheckpointed)
      const top = graph.outputs.filter((value) => value.name.startsWith('grad.model.layers.2.'))
      expect(top.length).toBeGreaterThan(8)
      for (const gradient of top)
        expect(reaches(graph, `grad.model.layers.1.${path}`, gradient.name), gradient.name).toBe(true)
    }
  })

  test('the gradient of a trained output table comes before the blocks', () => {
    const graph = training(2, full, true, 2)
    expect(reaches(graph, 'grad.model.layers.1.mlp.up_proj.weight', 'grad.lm_head.weight')).toBe(true)
  })

  test('no tied copy is made of a weight gradient', () => {
    for (const config of [tinyConfig(), tinyConfig({ tie_word_embeddings: true })]) {
      const options = { lossChunks: 3, gradientCheckpointing: true }
      const { graph } = buildTrainingGraph(config, full, options)
      for (const node of graph.nodes)
        if (node.kind === 'tie')
          expect(node.inputs[0].shape.some((dim) => typeof dim === 'string')).toBe(true)
    }
  })
})
