// Our Llama beside figures of transformers and PEFT in float64 (tests/python/tiny_llama_figures.py): needs no files
// from outside, and has what the shared golden model lacks: biases, tied tables, linear rope, adapters on some blocks.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { BuiltGraph, MethodSpec, ModelConfig, NumericTensor } from '../../../src/engine/index.ts'
import {
  buildLogitsGraph,
  buildTrainingGraph,
  interpret,
  parameterShapes,
  parseModelConfig,
  ropeWeights,
} from '../../../src/engine/index.ts'
import { sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { batchFeeds, labelFeeds } from '../support/feeds.ts'
import { countOf, largestDifference, norm, relativeDifference, wholeTensor } from '../support/numbers.ts'

interface Figures {
  readonly loss: number
  readonly gradientNorms: Readonly<Record<string, number>>
}

interface Case {
  readonly config: unknown
  readonly full: Figures & { readonly lastLogits: readonly number[] }
  readonly lora: Figures
}

const golden = new URL('../../golden/tiny-llama.json', import.meta.url)
const cases: Readonly<Record<string, Case>> = JSON.parse(readFileSync(golden, 'utf8'))

const lora: MethodSpec = {
  kind: 'lora',
  rank: 3,
  alpha: 5,
  targets: ['q_proj', 'o_proj', 'up_proj'],
  topLayers: 2,
}

const cell = (index: number, tensor: number): number =>
  ((index * 7919 + tensor * 10_007 + ((index * index) % 997) * 31) % 2003) / 2003 - 0.5

/** Numbers by the formula of the script; tensors are counted in the order of their names. */
function filled(shapes: BuiltGraph['trainable']): Map<string, NumericTensor> {
  const sorted = shapes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return new Map(
    sorted.map(({ name, shape }, tensor) => {
      const spread = 3 / Math.sqrt(shape.at(-1) ?? 1)
      const number = (index: number): number =>
        name.includes('norm') ? 1 + cell(index, tensor) / 2 : cell(index, tensor) * spread
      return [name, { shape, data: Float64Array.from({ length: countOf(shape) }, (_, i) => number(i)) }]
    }),
  )
}

const ids = [0, 1].map((b) => Array.from({ length: 12 }, (_, s) => (b * 11 + s * s * 5 + s) % 29))
const labels = ids.map((row, b) => row.map((token, s) => (s < 3 + b ? -100 : token)))

function baseFeeds(config: ModelConfig): Map<string, NumericTensor> {
  const rope = ropeWeights(config, config.maxPositions)
  return new Map<string, NumericTensor>([...rope, ...filled(parameterShapes(config)), ...batchFeeds(ids)])
}

describe.each(Object.entries(cases))('%s', (_, { config: fields, full, lora: adapted }) => {
  const config = unwrap(parseModelConfig(fields))

  test('logits', () => {
    const { graph } = buildLogitsGraph(config, { kind: 'none' })
    const feeds = baseFeeds(config).set('rows', wholeTensor([1], [23]))
    expect(
      largestDifference(interpret(graph, feeds).get('logits')?.data ?? [], full.lastLogits),
    ).toBeLessThan(1e-6)
  })

  test.each<[string, MethodSpec, Figures]>([
    ['full', { kind: 'full' }, full],
    ['LoRA on the two top blocks', lora, adapted],
  ])('loss and every gradient norm, %s', (_, method, expected) => {
    const built = buildTrainingGraph(config, method, { lossChunks: 3, gradientCheckpointing: true })
    const feeds = new Map([...baseFeeds(config), ...labelFeeds(labels, 3)])
    if (method.kind === 'lora') for (const [name, tensor] of filled(built.trainable)) feeds.set(name, tensor)
    const results = interpret(built.graph, feeds)
    expect(relativeDifference(sumLosses(results, 3), expected.loss)).toBeLessThan(1e-7)
    expect(built.trainable.map(({ name }) => name).sort()).toEqual(Object.keys(expected.gradientNorms).sort())
    for (const [name, value] of Object.entries(expected.gradientNorms))
      expect(relativeDifference(norm(results.get(`grad.${name}`)?.data ?? []), value), name).toBeLessThan(
        1e-6,
      )
  })
})
