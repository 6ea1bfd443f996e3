// The check of where nodes are computed: logs that it must not pass, and types that it knows of every lowered graph.
import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { familyGraphs } from './families.ts'
import { straysOf, typesOf, wholeNodes } from './node-placement.ts'
import { opCases } from './op-cases.ts'
import { newFolder } from './quantised-file.ts'
import { askedForms, storeStep } from './stored-steps.ts'
import { tinyTrainings } from './tiny-training.ts'

const line = (text: string): string =>
  `2026-12-01 13:30:13.38 [V:onnxruntime:, session_state.cc:1383 VerifyEachNodeIsAssignedToAnEp] ${text}`
const head = (provider: string, count: number): string =>
  line(` Node(s) placed on [${provider}]. Number of nodes: ${count}`)
const node = (operator: string, name: string): string => line(`  ${operator} (${name})`)

const log = (processor: readonly string[], card: readonly string[]): string =>
  [
    head('CPUExecutionProvider', processor.length),
    ...processor,
    head('CUDAExecutionProvider', card.length),
    ...card,
  ].join('\n')

const product = node('Gemm', 'Gemm~1')

test('whole numbers may be on the processor, what else is there is told', () => {
  const names = ['Add~1', 'Sign~1']
  expect(straysOf(log([node('Add', 'Add~1')], [product]), names)).toEqual([])
  expect(straysOf(log([node('Add', 'Add~2')], [product]), names)).toEqual(['Add (Add~2)'])
  expect(straysOf(log([node('Sign', 'Sign~1')], [product]), names)).toEqual(['Sign (Sign~1)'])
})

test('what comes back from the card is told', () => {
  const copied = [product, node('MemcpyToHost', 'Memcpy_token_3')]
  expect(straysOf(log([], copied), [])).toEqual(['MemcpyToHost (Memcpy_token_3)'])
})

test('a card that computes nothing, where the runtime then names no node', () => {
  const all = (provider: string) => line(` All nodes placed on [${provider}]. Number of nodes: 7`)
  expect(straysOf(all('CPUExecutionProvider'), [])).toEqual(['every node is on the processor'])
  expect(straysOf(all('CUDAExecutionProvider'), [])).toEqual([])
})

test('a log with lines missing is no proof', () => {
  expect(() => straysOf('', [])).toThrow(/names 0 nodes/)
  expect(() => straysOf([head('CUDAExecutionProvider', 2), product].join('\n'), [])).toThrow(/names 1 nodes/)
})

test('the type of every value is known, and what the lowering tells is the same', async () => {
  const folder = await newFolder()
  const stored = await Promise.all(askedForms([]).map((form) => storeStep(folder, form)))
  await rm(folder, { recursive: true })
  const graphs = [
    ...[...tinyTrainings, ...familyGraphs].map(({ built, weights }) => ({ graph: built.graph, weights })),
    ...stored.map(({ built, stored: weights }) => ({ graph: built.graph, weights })),
    ...opCases.map(({ graph }) => ({ graph, weights: new Map() })),
  ]
  for (const { graph, weights } of graphs)
    for (const isHalfWidened of [false, true]) {
      const lowered = lowerGraph(graph, weights, { dialect: 'portable', embedded: new Map(), isHalfWidened })
      const types = typesOf(lowered)
      const told = [...lowered.between, ...lowered.outputs]
      expect(told.filter(({ name, elementType }) => types.get(name) !== elementType)).toEqual([])
      const unknown = lowered.nodes.flatMap(({ outputs }) => outputs).filter((name) => !types.has(name))
      expect(unknown).toEqual([])
      expect(wholeNodes(lowered).length).toBeLessThan(lowered.nodes.length)
    }
})
