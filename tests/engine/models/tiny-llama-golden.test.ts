// Our Llama beside transformers and PEFT on the tiny golden model: logits, loss, every gradient.
import { describe, expect, test } from 'vitest'
import type { BuiltGraph, MethodSpec, NumericTensor } from '../../../src/engine/index.ts'
import {
  buildLogitsGraph,
  buildScoringGraph,
  buildTrainingGraph,
  interpret,
} from '../../../src/engine/index.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import {
  largestDifference,
  norm,
  relativeDifference,
  relativeDistance,
  wholeTensor,
} from '../support/numbers.ts'
import {
  batchFeeds,
  labelFeeds,
  readTinyAdapter,
  readTinyAdapterGradients,
  readTinyConfig,
  readTinyGolden,
  readTinyWeights,
  ropeFeeds,
  tinyFolder,
} from '../support/tiny-golden.ts'

type Feeds = ReadonlyMap<string, NumericTensor>

const merge = (...parts: readonly Feeds[]): Feeds => new Map(parts.flatMap((part) => [...part]))

function sumOfLosses(built: BuiltGraph, results: ReadonlyMap<string, { data: ArrayLike<number> }>): number {
  let sum = 0
  for (let chunk = 0; chunk < built.lossChunks; chunk += 1)
    for (const loss of Array.from(results.get(`losses.${chunk}`)?.data ?? [Number.NaN])) sum += loss
  return sum
}

describe.skipIf(tinyFolder === null)('tiny Llama golden', () => {
  const config = tinyFolder ? readTinyConfig() : null
  const golden = tinyFolder ? readTinyGolden() : null
  if (!config || !golden) return
  const fixed = merge(ropeFeeds(config, config.maxPositions), batchFeeds(golden.input_ids))
  const lora: MethodSpec = {
    kind: 'lora',
    rank: golden.lora.r,
    alpha: golden.lora.alpha,
    targets: linearNames,
    topLayers: null,
  }

  test.each(['float64', 'float32'] as const)('logits at every real position, %s', async (precision) => {
    const places = golden.input_ids.flat().map((_, place) => place)
    const feeds = merge(
      fixed,
      await readTinyWeights(),
      new Map([['rows', wholeTensor([places.length], places)]]),
    )
    const built = buildLogitsGraph(config, { kind: 'none' })
    const logits = interpret(built.graph, feeds, precision).get('logits')?.data ?? []
    const isReal = golden.attention_mask.flat()
    const ofPlace = (data: ArrayLike<number>, place: number): number[] =>
      Array.from(data).slice(place * config.vocabulary, (place + 1) * config.vocabulary)
    for (const place of places)
      if (isReal[place] === 1)
        expect(largestDifference(ofPlace(logits, place), ofPlace(golden.logits, place))).toBeLessThan(1e-5)
  })

  test.each([
    ['float64', 1, false],
    ['float64', 3, true],
    ['float32', 2, true],
  ] as const)('full training, %s, %i chunks, checkpointing %s', async (precision, lossChunks, ckpt) => {
    const built = buildTrainingGraph(config, { kind: 'full' }, { lossChunks, gradientCheckpointing: ckpt })
    const feeds = merge(fixed, await readTinyWeights(), labelFeeds(golden.labels, lossChunks))
    const results = interpret(built.graph, feeds, precision)
    expect(relativeDifference(sumOfLosses(built, results), golden.loss)).toBeLessThan(1e-6)
    const norms = Object.entries(golden.grad_norm)
    expect(norms.length).toBe(built.trainable.length)
    for (const [name, expected] of norms) {
      const gradient = results.get(`grad.${name}`)?.data ?? []
      expect(relativeDifference(norm(gradient), expected), name).toBeLessThan(1e-5)
    }
  })

  test.each([
    ['float64', 1, false],
    ['float64', 2, true],
    ['float32', 2, true],
  ] as const)('LoRA, %s, %i chunks, checkpointing %s', async (precision, lossChunks, ckpt) => {
    const built = buildTrainingGraph(config, lora, { lossChunks, gradientCheckpointing: ckpt })
    const feeds = merge(
      fixed,
      await readTinyWeights(),
      await readTinyAdapter(),
      labelFeeds(golden.labels, lossChunks),
    )
    const results = interpret(built.graph, feeds, precision)
    expect(relativeDifference(sumOfLosses(built, results), golden.lora.loss)).toBeLessThan(1e-6)
    const expected = await readTinyAdapterGradients()
    expect(expected.size).toBe(built.trainable.length)
    for (const [name, { data }] of expected) {
      const gradient = results.get(`grad.${name}`)?.data ?? []
      expect(relativeDistance(gradient, Array.from(data, Number)), name).toBeLessThan(1e-5)
    }
  })

  test('scoring gives the losses of training', async () => {
    const built = buildScoringGraph(config, lora, { lossChunks: 2, mask: 'causal' })
    const feeds = merge(fixed, await readTinyWeights(), await readTinyAdapter(), labelFeeds(golden.labels, 2))
    expect(
      relativeDifference(sumOfLosses(built, interpret(built.graph, feeds)), golden.lora.loss),
    ).toBeLessThan(1e-6)
  })
})
