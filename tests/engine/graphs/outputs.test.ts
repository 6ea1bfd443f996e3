// What graphs are asked for besides losses: noise on embeddings, smoothed targets, classes, embeddings of texts.
import { describe, expect, test } from 'vitest'
import type { BuiltGraph, NumericTensor, Task } from '../../../src/engine/index.ts'
import {
  buildEmbeddingGraph,
  buildLogitsGraph,
  buildPrefixGraph,
  buildScoringGraph,
  buildTrainingGraph,
  interpret,
  normaliseRows,
  poolingFeed,
} from '../../../src/engine/index.ts'
import { chunkFeeds, type Feeds } from '../support/feeds.ts'
import { largestDifference, norm, randomTensor, wholeTensor } from '../support/numbers.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const config = tinyConfig()
const full = { kind: 'full', topLayers: null } as const
const options = { lossChunks: 1, gradientCheckpointing: false }

const run = (built: BuiltGraph, feeds: Feeds) =>
  interpret(built.graph, new Map([...weightFeeds(built, config), ...feeds]))

describe('training', () => {
  test('noise on the embeddings is as if the tokens had other embeddings', () => {
    const noisy = buildTrainingGraph(config, full, { ...options, hasEmbeddingNoise: true })
    const plain = buildTrainingGraph(config, full, options)
    const feeds = trainingFeeds(config, 1)
    // Every token once, so that each place has a row of the table for itself.
    const ids = [...Array(10).keys()]
    feeds.set('ids', wholeTensor([2, 5], ids))
    const noise = randomTensor([2, 5, config.hidden], 'noise', 0.3)
    const table = weightFeeds(plain, config).get('model.embed_tokens.weight')!
    const moved = Float64Array.from(
      { length: table.data.length },
      (_, i) => Number(table.data[i]) + Number(noise.data[i] ?? 0),
    )
    const expected = run(
      plain,
      new Map(feeds).set('model.embed_tokens.weight', { shape: table.shape, data: moved }),
    )
    expect(run(noisy, new Map(feeds).set('embedding.noise', noise))).toEqual(expected)
    expect(run(plain, feeds).get('losses.0')).not.toEqual(expected.get('losses.0'))
  })

  test('smoothed targets: a share of the mean of all tokens', () => {
    const smoothing = 0.2
    const feeds = trainingFeeds(config, 1)
    const built = buildTrainingGraph(config, full, { ...options, labelSmoothing: smoothing })
    const losses = run(built, feeds).get('losses.0')!.data
    const logits = run(buildLogitsGraph(config, full), new Map(feeds).set('rows', feeds.get('rows.0')!)).get(
      'logits',
    )!.data
    const targets: readonly number[] = Array.from(feeds.get('targets.0')!.data as BigInt64Array, Number)
    const expected = targets.map((target, i) => {
      const row = Array.from(logits.slice(i * config.vocabulary, (i + 1) * config.vocabulary))
      const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0))
      const nats = row.map((value) => total - value)
      const mean = nats.reduce((sum, value) => sum + value, 0) / config.vocabulary
      return Number(feeds.get('weights.0')!.data[i]) * ((1 - smoothing) * nats[target]! + smoothing * mean)
    })
    expect(largestDifference(losses, expected)).toBeLessThan(1e-12)
  })
})

describe('classes', () => {
  const texts = [
    { row: 4, target: 3, weight: 1 },
    { row: 9, target: 0, weight: 0.5 },
  ]

  test.each<[string, Task]>([
    ['of texts', { kind: 'sequence-classes', classes: 4 }],
    ['of tokens', { kind: 'token-classes', classes: 4 }],
  ])('%s: the head of each row that is named, and no vocabulary', (_, task) => {
    const built = buildLogitsGraph(config, { kind: 'head' }, { task })
    const feeds = trainingFeeds(config, 1).set('rows', wholeTensor([2], [4, 9]))
    const logits = run(built, feeds).get('logits')!
    expect(logits.shape).toEqual([2, 4])
    expect(built.frozen.map(({ name }) => name)).not.toContain('lm_head.weight')
    const states = run(
      buildEmbeddingGraph(config, { kind: 'none' }),
      new Map(feeds).set('pooling', poolingFeed('last', [5, 5], 5)),
    )
    const all = weightFeeds(built, config)
    const weight = all.get('score.weight')!.data
    const bias = all.get('score.bias')?.data
    const expected = [0, 1].flatMap((row) =>
      [0, 1, 2, 3].map((label) => {
        let sum = Number(bias?.[label] ?? 0)
        for (let c = 0; c < config.hidden; c += 1)
          sum +=
            Number(weight[label * config.hidden + c]) *
            states.get('embeddings')!.data[row * config.hidden + c]!
        return sum
      }),
    )
    expect(largestDifference(logits.data, expected)).toBeLessThan(1e-12)

    const scoring = buildScoringGraph(config, { kind: 'head' }, { task, lossChunks: 1 })
    const scored = run(scoring, new Map([...feeds, ...chunkFeeds(texts, 1)]))
    expect(scored.get('logits.0')).toEqual(logits)
    expect(
      largestDifference(
        scored.get('losses.0')!.data,
        texts.map(({ target, weight }, row) => {
          const own = expected.slice(4 * row, 4 * row + 4)
          return weight * (Math.log(own.reduce((sum, value) => sum + Math.exp(value), 0)) - own[target]!)
        }),
      ),
    ).toBeLessThan(1e-12)
  })
})

describe('embeddings of texts', () => {
  const lengths = [5, 3]
  const poolings = ['mean', 'cls', 'last'] as const
  const built = buildEmbeddingGraph(config, { kind: 'none' })
  const embed = (feed: NumericTensor) =>
    Array.from(run(built, trainingFeeds(config, 1).set('pooling', feed)).get('embeddings')!.data)

  /** The state at one place of each text. */
  const stateAt = (places: readonly number[]): number[] => {
    const data = new Float64Array(10)
    for (const [b, place] of places.entries()) data[5 * b + place] = 1
    return embed({ shape: [2, 5], data })
  }

  test.each(poolings)('%s', (pooling) => {
    const pooled = embed(poolingFeed(pooling, lengths, 5))
    const expected = {
      cls: () => stateAt([0, 0]),
      last: () => stateAt([4, 2]),
      mean: () => {
        const sums = [0, 1, 2, 3, 4].map((place) => stateAt([place, Math.min(place, 2)]))
        return pooled.map((_, i) => {
          const length = lengths[Math.floor(i / config.hidden)]!
          return sums.slice(0, length).reduce((sum, state) => sum + state[i]!, 0) / length
        })
      },
    }
    expect(largestDifference(pooled, expected[pooling]())).toBeLessThan(1e-6)
  })

  test('rows get length 1, and a row of zeros stays', () => {
    const rows = Float32Array.of(3, 4, 0, 0, -5, 12)
    normaliseRows(rows, 2)
    expect([...rows.slice(2, 4)]).toEqual([0, 0])
    for (const start of [0, 4]) expect(Math.abs(norm(rows.slice(start, start + 2)) - 1)).toBeLessThan(1e-6)
    expect(rows[0]! / rows[1]!).toBeCloseTo(3 / 4)
  })

  test('the prefix of all blocks stops before the last norm', () => {
    const prefix = buildPrefixGraph(config, config.layers)
    expect(prefix.frozen.map(({ name }) => name)).not.toContain('model.norm.weight')
    expect(prefix.graph.outputs.map(({ name }) => name)).toEqual(['hidden'])
  })
})
