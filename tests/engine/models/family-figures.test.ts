// Every family beside figures of transformers and PEFT in float64 (tests/python/tiny_family_figures.py): needs no files
// from outside, and has what the shared golden models lack: biases, windows by block, yarn and longrope, other heads.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { BuiltGraph, LoraMethod, MethodSpec, NumericTensor } from '../../../src/engine/index.ts'
import {
  buildLogitsGraph,
  buildTrainingGraph,
  interpret,
  parameterShapes,
  parseModelConfig,
} from '../../../src/engine/index.ts'
import { sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { taskOf } from '../../support/tiny-golden.ts'
import { type FamilyBatch, familyFeeds } from '../support/family-feeds.ts'
import { countOf, largestDifference, norm, relativeDifference, wholeTensor } from '../support/numbers.ts'

interface Figures {
  readonly loss: number
  readonly gradientNorms: Readonly<Record<string, number>>
}

interface Case {
  readonly class: string
  readonly config: Readonly<Record<string, unknown>>
  /** Logits of the second text, or of its position 3. */
  readonly full: Figures & { readonly logits: readonly number[] }
  readonly lora?: Figures &
    Pick<LoraMethod, 'rank' | 'alpha' | 'topLayers'> & { readonly targets: LoraMethod['targets'] | null }
}

const golden = new URL('../../golden/tiny-families.json', import.meta.url)
const cases: Readonly<Record<string, Case>> = JSON.parse(readFileSync(golden, 'utf8'))

const cell = (index: number, seed: number): number =>
  ((index * 7919 + seed * 10_007 + ((index * index) % 997) * 31) % 2003) / 2003 - 0.5

/** Numbers by the formula of the script, from the weight's own name; norms lie around `offset`. */
function filled(shapes: BuiltGraph['trainable'], offset: number): [string, NumericTensor][] {
  return shapes.map(({ name, shape }) => {
    const seed = [...name].reduce((sum, letter, at) => sum + letter.charCodeAt(0) * (at + 1), 0) % 1009
    const isNorm = shape.length === 1 && !name.endsWith('bias')
    const spread = 3 / Math.sqrt(shape.at(-1) ?? 1)
    const number = (_: unknown, index: number): number =>
      isNorm ? offset + cell(index, seed) / 2 : cell(index, seed) * spread
    return [name, { shape, data: Float64Array.from({ length: countOf(shape) }, number) }]
  })
}

/** Two texts of 12 tokens, the second one without its last three. */
function batchOf(kind: string, className: string): FamilyBatch {
  const grid = (cellOf: (b: number, s: number) => number, width = 12) =>
    [0, 1].map((b) => Array.from({ length: width }, (_, s) => cellOf(b, s)))
  const isReal = (b: number, s: number): boolean => b === 0 || s < 9
  const token = (b: number, s: number): number => 2 + ((b * 11 + s * s * 5 + s) % 27)
  const padding = kind.includes('roberta') ? 1 : 0
  const labels = (): FamilyBatch['labels'] => {
    if (className.endsWith('SequenceClassification')) return [2, 0]
    if (className.endsWith('TokenClassification'))
      return grid((b, s) => (isReal(b, s) ? token(b, s) % 4 : -100))
    if (kind === 't5') return grid((b, t) => (b * t < 4 ? 2 + ((b * 7 + t * 5) % 27) : -100), 6)
    return grid((b, s) => (isReal(b, s) && s >= 3 ? token(b, s) : -100))
  }
  return {
    ids: grid((b, s) => (isReal(b, s) ? token(b, s) : padding)),
    mask: grid((b, s) => (isReal(b, s) ? 1 : 0)),
    types: kind === 'bert' ? grid((_, s) => (s > 6 ? 1 : 0)) : null,
    labels: labels(),
    startId: 0,
  }
}

describe.each(Object.entries(cases))('%s', (_, { class: className, config: fields, full, lora }) => {
  const kind = String(fields.model_type)
  const names = kind === 't5' && fields.tie_word_embeddings === false ? ['lm_head.weight'] : []
  const config = unwrap(parseModelConfig(fields, names))
  const task = taskOf(className, full.logits.length)
  const feedsOf = (chunks: number) =>
    new Map([
      ...familyFeeds(config, task, batchOf(kind, className), chunks, 12),
      ...filled(parameterShapes(config, task), config.norm.offset === 1 ? 0 : 1),
    ])

  test('logits', () => {
    const width = kind === 't5' ? 6 : 12
    const ofText = config.output.textToken === 'first' ? 12 : 12 + 8
    const row = task.kind === 'sequence-classes' ? ofText : width + 3
    const feeds = feedsOf(1).set('rows', wholeTensor([1], [row]))
    const { graph } = buildLogitsGraph(config, { kind: 'none' }, { task })
    const logits = interpret(graph, feeds).get('logits')?.data ?? []
    expect(largestDifference(logits, full.logits)).toBeLessThan(5e-6)
  })

  const methods: [string, MethodSpec, Figures][] = [['full', { kind: 'full', topLayers: null }, full]]
  if (lora) {
    const { rank, alpha, targets, topLayers } = lora
    const rest = { rank, alpha, targets: targets ?? linearNames, topLayers } as const
    methods.push(['LoRA', { kind: 'lora', ...rest, scaling: 'standard', decomposed: false }, lora])
  }

  test.each(methods)('loss and every gradient norm, %s', (_name, method, expected) => {
    const built = buildTrainingGraph(config, method, { lossChunks: 3, gradientCheckpointing: true, task })
    const feeds = feedsOf(3)
    if (method.kind === 'lora')
      for (const [name, tensor] of filled(built.trainable, 0)) feeds.set(name, tensor)
    const results = interpret(built.graph, feeds)
    expect(relativeDifference(sumLosses(results, 3), expected.loss)).toBeLessThan(1e-6)
    expect(built.trainable.map(({ name }) => name).sort()).toEqual(Object.keys(expected.gradientNorms).sort())
    // Keys' biases shift all scores of a query alike: their gradient is 0, here as there.
    const unit = 1e-5 * norm(Object.values(expected.gradientNorms))
    for (const [name, value] of Object.entries(expected.gradientNorms)) {
      const error = Math.abs(norm(results.get(`grad.${name}`)?.data ?? []) - value) / Math.max(value, unit)
      expect(error, name).toBeLessThan(1e-5)
    }
  })
})
