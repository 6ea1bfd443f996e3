// Graphs that begin or end inside a model, or hold several documents in a row: the same numbers as the whole graph.
import { describe, expect, test } from 'vitest'
import type { BodyOptions, BuiltGraph, MethodSpec, NumericTensor, Task } from '../../../src/engine/index.ts'
import { buildPrefixGraph, buildTrainingGraph, interpret, languageModel } from '../../../src/engine/index.ts'
import { causalCollation, collate, type EncodedRow } from '../../../src/engine/train/collate.ts'
import { sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import { chunkFeeds, type Feeds, type Labelled } from '../support/feeds.ts'
import { relativeDifference, relativeDistance, wholeTensor } from '../support/numbers.ts'
import { tinyLora as lora } from '../support/tiny-methods.ts'
import { tinyConfig, weightFeeds } from '../support/tiny-models.ts'

const config = tinyConfig({ num_hidden_layers: 3 })
const classes: Task = { kind: 'sequence-classes', classes: 3 }
const documents = [
  [3, 1, 4, 1, 5],
  [9, 2],
  [6, 5, 3, 5],
]

type Numbers = ReturnType<typeof interpret>

function run(built: BuiltGraph, feeds: Feeds): Numbers {
  return interpret(built.graph, new Map([...weightFeeds(built, config), ...feeds]))
}

function train(method: MethodSpec, feeds: Feeds, options: BodyOptions): Numbers {
  const built = buildTrainingGraph(config, method, { lossChunks: 2, gradientCheckpointing: true, ...options })
  return run(built, feeds)
}

/** Losses summed, because packing changes which chunk a place is in; gradients as they are. */
function compare(a: Numbers, b: Numbers): number {
  expect([...a.keys()]).toEqual([...b.keys()])
  let worst = relativeDifference(sumLosses(a, 2), sumLosses(b, 2))
  for (const [name, { data }] of a)
    if (name.startsWith('grad.')) worst = Math.max(worst, relativeDistance(data, b.get(name)!.data))
  return worst
}

/** Documents side by side, filled up with token 7, or one behind the other; each predicts its own next tokens. */
function feedsOf(layout: 'padded' | 'packed'): Map<string, NumericTensor> {
  const width = layout === 'padded' ? 5 : 11
  const rows = layout === 'padded' ? documents : [documents.flat()]
  const labelled: Labelled[] = []
  const positions = new Array<number>(rows.length * width).fill(0)
  const segments = new Array<number>(rows.length * width).fill(99)
  let start = 0
  for (const [index, document] of documents.entries()) {
    if (layout === 'padded') start = index * width
    for (const [t, target] of document.entries()) {
      positions[start + t] = t
      segments[start + t] = index
      if (t > 0) labelled.push({ row: start + t - 1, target, weight: 0.1 * target })
    }
    start += document.length
  }
  const ids = rows.flatMap((row) => [...row, ...new Array<number>(width - row.length).fill(7)])
  const shape = [rows.length, width]
  return new Map([
    ['ids', wholeTensor(shape, ids)],
    ['positions', wholeTensor(shape, positions)],
    ['segments', wholeTensor(shape, segments)],
    ...chunkFeeds(labelled, 2),
  ])
}

describe('packing', () => {
  test.each<[string, MethodSpec]>([
    ['LoRA', lora],
    ['DoRA', { ...lora, decomposed: true }],
    ['full', { kind: 'full', topLayers: null }],
  ])('%s: loss and gradients of a packed row are those of its documents side by side', (_, method) => {
    const packed = train(method, feedsOf('packed'), { isPacked: true })
    const padded = train(method, feedsOf('padded'), {})
    expect(compare(packed, padded)).toBeLessThan(1e-12)
  })

  test('without segments a document would see those before it', () => {
    const seen = train(lora, feedsOf('packed'), {})
    const padded = train(lora, feedsOf('padded'), {})
    expect(compare(seen, padded)).toBeGreaterThan(1e-3)
  })
})

describe('a start that rows have in common', () => {
  const start = [3, 1, 4, 1, 5, 9]
  const rows = documents.map((tail, index): EncodedRow => {
    const ids = [...start, ...tail]
    return { rowId: `${index}`, ids, labels: ids.map((id, t) => (t > start.length ? id : -100)) }
  })
  const collated = (sharesStart: boolean): Feeds =>
    collate(rows, { ...causalCollation(2), layout: 'packed', hasSegments: true, sharesStart }).feeds

  test.each<[string, MethodSpec]>([
    ['LoRA', lora],
    ['full', { kind: 'full', topLayers: null }],
    ['the topmost block', { ...lora, topLayers: 1 }],
  ])('%s: computed once, it gives the loss and the gradients of rows that each have it', (_, method) => {
    const shared = collated(true)
    expect(shared.get('ids')!.shape).toEqual([1, 17])
    expect(collated(false).get('ids')!.shape).toEqual([1, 29])
    const once = train(method, shared, { isPacked: true, sharesStart: true })
    expect(compare(once, train(method, collated(false), { isPacked: true }))).toBeLessThan(1e-12)
  })

  test('a graph that does not know of it would hide it from the rows', () => {
    const hidden = train(lora, collated(true), { isPacked: true })
    expect(compare(hidden, train(lora, collated(false), { isPacked: true }))).toBeGreaterThan(1e-3)
  })
})

describe('a frozen prefix and the rest', () => {
  test.each<[string, MethodSpec, number, Task]>([
    ['LoRA on the two topmost blocks', { ...lora, topLayers: 2 }, 1, languageModel],
    ['the topmost block', { kind: 'full', topLayers: 1 }, 2, languageModel],
    ['a cut below what is trained', { kind: 'full', topLayers: 1 }, 1, languageModel],
    ['a new head on the whole body', { kind: 'head' }, 3, classes],
  ])('%s: losses and gradients are those of the whole graph, to the bit', (_, method, fromLayer, task) => {
    const isText = task.kind === 'language-model'
    const feeds = feedsOf(isText ? 'packed' : 'padded')
    if (!isText)
      for (const [name, value] of chunkFeeds(
        documents.map(({ length }, b) => ({ row: 5 * b + length - 1, target: b, weight: 1 / 3 })),
        2,
      ))
        feeds.set(name, value)
    const options = { task, isPacked: isText }
    const whole = train(method, feeds, options)
    const prefix = buildPrefixGraph(config, fromLayer, { isPacked: isText })
    const hidden = interpret(prefix.graph, new Map([...weightFeeds(prefix, config), ...feeds])).get('hidden')!
    const above = buildTrainingGraph(config, method, {
      lossChunks: 2,
      gradientCheckpointing: true,
      ...options,
      fromLayer,
    })
    const { shape, data } = hidden
    const rest = run(above, new Map(feeds).set('hidden', { shape, data: Float64Array.from(data) }))
    expect(rest).toEqual(whole)
    const inputs = above.graph.inputs.map(({ name }) => name)
    expect(inputs).toContain('hidden')
    expect(inputs).not.toContain('ids')
    const bound = new Set([...prefix.frozen, ...above.frozen, ...above.trainable].map(({ name }) => name))
    expect(above.frozen.map(({ name }) => name)).not.toContain('model.layers.0.mlp.up_proj.weight')
    expect(bound).toContain('model.layers.0.mlp.up_proj.weight')
  })

  test('a graph cannot begin above what is trained', () => {
    const options = { lossChunks: 1, gradientCheckpointing: false, fromLayer: 2 }
    expect(() => buildTrainingGraph(config, { ...lora, topLayers: 2 }, options)).toThrow(
      'above the lowest trained',
    )
    const noisy = { ...options, fromLayer: 1, hasEmbeddingNoise: true }
    expect(() => buildTrainingGraph(config, { ...lora, topLayers: 2 }, noisy)).toThrow('noise')
  })
})
