// rsLoRA, DoRA and new heads beside figures of PEFT in float64 (tests/python/method_figures.py), on weights with biases and
// on GPT-2's, which are kept the other way round.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { LoraMethod, ModelConfig, NamedShape, NumericTensor, Task } from '../../../src/engine/index.ts'
import { buildTrainingGraph, interpret, parseModelConfig } from '../../../src/engine/index.ts'
import { sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { type FamilyBatch, familyFeeds } from '../support/family-feeds.ts'
import { countOf, norm, relativeDifference } from '../support/numbers.ts'

interface Case {
  readonly config: unknown
  readonly isClassifier: boolean
  readonly rank: number
  readonly alpha: number
  readonly isRankStabilised: boolean
  readonly isDecomposed: boolean
  readonly smoothing: number
  readonly loss: number
  readonly gradientNorms: Readonly<Record<string, number>>
}

const golden = new URL('../../golden/methods.json', import.meta.url)
const cases: Readonly<Record<string, Case>> = JSON.parse(readFileSync(golden, 'utf8'))

const cell = (index: number, seed: number): number =>
  ((index * 7919 + seed * 10_007 + ((index * index) % 997) * 31) % 2003) / 2003 - 0.5

/** Numbers by the formula of the script, from the weight's own name; norms and magnitudes lie around 1. */
function filled({ name, shape }: NamedShape): NumericTensor {
  const seed = [...name].reduce((sum, letter, at) => sum + letter.charCodeAt(0) * (at + 1), 0) % 1009
  const isSize = shape.length === 1 && !name.endsWith('bias')
  const spread = 3 / Math.sqrt(shape.at(-1) ?? 1)
  const number = (_: unknown, index: number): number =>
    isSize ? 1 + cell(index, seed) / 2 : cell(index, seed) * spread
  return { shape, data: Float64Array.from({ length: countOf(shape) }, number) }
}

const ids = [0, 1].map((b) => Array.from({ length: 12 }, (_, s) => 1 + ((b * 11 + s * s * 5 + s) % 28)))

/** Two whole texts; what is asked of them is a class, the tokens from the fifth on, or four tokens to be written. */
function batchOf(kind: ModelConfig['kind'], isClassifier: boolean): FamilyBatch {
  const tokens = ids.map((row) => row.map((id, s) => (s < 4 ? -100 : id)))
  const written = ids.map((row) => row.slice(5, 9))
  return {
    ids,
    mask: ids.map((row) => row.map(() => 1)),
    types: null,
    labels: isClassifier ? [2, 0] : kind === 'decoder' ? tokens : written,
    startId: 0,
  }
}

describe.each(Object.entries(cases))('%s', (_, one) => {
  const config = unwrap(parseModelConfig(one.config))
  const task: Task = one.isClassifier ? { kind: 'sequence-classes', classes: 3 } : { kind: 'language-model' }
  const method: LoraMethod = {
    kind: 'lora',
    rank: one.rank,
    alpha: one.alpha,
    targets: linearNames,
    topLayers: null,
    scaling: one.isRankStabilised ? 'rank-stabilised' : 'standard',
    decomposed: one.isDecomposed,
  }

  test('loss and every gradient norm', () => {
    const options = { task, labelSmoothing: one.smoothing, lossChunks: 2, gradientCheckpointing: true }
    const built = buildTrainingGraph(config, method, options)
    const feeds = familyFeeds(config, task, batchOf(config.kind, one.isClassifier), 2, 12)
    for (const { name, shape } of [...built.frozen, ...built.trainable])
      if (!feeds.has(name)) feeds.set(name, filled({ name, shape: shape.map(Number) }))
    const results = interpret(built.graph, feeds)
    expect(relativeDifference(sumLosses(results, 2), one.loss)).toBeLessThan(1e-6)
    expect(built.trainable.map(({ name }) => name).sort()).toEqual(Object.keys(one.gradientNorms).sort())
    for (const [name, figure] of Object.entries(one.gradientNorms))
      expect(relativeDifference(norm(results.get(`grad.${name}`)!.data), figure), name).toBeLessThan(1e-5)
  })
})
