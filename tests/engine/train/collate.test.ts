import { describe, expect, it } from 'vitest'
import {
  causalCollation,
  collate,
  commonStart,
  countLabelled,
  mostBeginAlike,
  mostLabelledTokens,
  placeRows,
  rowOf,
} from '../../../src/engine/train/collate.ts'
import { embeddingNoise } from '../../../src/engine/train/embedding-noise.ts'
import { chooseLossChunks } from '../../../src/engine/train/loss-chunks.ts'

const rows = [
  { rowId: 'a', ids: [11, 12, 13], labels: [-100, -100, 13] },
  { rowId: 'b', ids: [21, 22, 23, 24, 25], labels: [-100, 22, 23, -100, 25] },
]
const numbers = (batch: ReturnType<typeof collate>, name: string): number[] =>
  [...batch.feeds.get(name)!.data].map(Number)

describe('collate', () => {
  const batch = collate(rows, causalCollation(2))

  it('pads on the right and counts positions from 0', () => {
    expect(batch.feeds.get('ids')!.shape).toEqual([2, 5])
    expect(numbers(batch, 'ids')).toEqual([11, 12, 13, 0, 0, 21, 22, 23, 24, 25])
    expect(numbers(batch, 'positions')).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
  })
  it('asks for the place before each labelled token, in chunks of one size', () => {
    expect(numbers(batch, 'rows.0')).toEqual([1, 5])
    expect(numbers(batch, 'targets.0')).toEqual([13, 22])
    expect(numbers(batch, 'rows.1')).toEqual([6, 8])
    expect(numbers(batch, 'targets.1')).toEqual([23, 25])
    expect(numbers(batch, 'weights.1')).toEqual([1, 1])
  })
  it('fills the last chunk up with weight 0', () => {
    const three = collate(rows, causalCollation(3))
    expect(numbers(three, 'weights.1')).toEqual([1, 1])
    expect(numbers(three, 'weights.2')).toEqual([0, 0])
    expect(three.labelledTokens).toBe(4)
  })
  it('gives every chunk at least one place', () => {
    const few = collate([rows[0]!], causalCollation(4))
    for (const chunk of [0, 1, 2, 3]) expect(few.feeds.get(`rows.${chunk}`)!.shape).toEqual([1])
    expect([0, 1, 2, 3].flatMap((chunk) => numbers(few, `weights.${chunk}`))).toEqual([1, 0, 0, 0])
  })
  it('counts tokens without padding', () => {
    expect(batch.tokens).toBe(8)
    expect(batch.labelledTokens).toBe(4)
  })
  it('never uses the label of a first token: nothing predicts it', () => {
    const row = { rowId: 'c', ids: [1, 2], labels: [1, 2] }
    expect(countLabelled(row)).toBe(1)
    expect(numbers(collate([row], causalCollation(1)), 'targets.0')).toEqual([2])
  })
})

describe('collate, packed', () => {
  const packed = collate(rows, { ...causalCollation(1), layout: 'packed', hasSegments: true })

  it('puts rows one behind the other, positions from 0 in each, each a segment of its own', () => {
    expect(packed.shape).toEqual([1, 8])
    expect(numbers(packed, 'ids')).toEqual([11, 12, 13, 21, 22, 23, 24, 25])
    expect(numbers(packed, 'positions')).toEqual([0, 1, 2, 0, 1, 2, 3, 4])
    expect(numbers(packed, 'segments')).toEqual([1, 1, 1, 2, 2, 2, 2, 2])
  })
  it('asks for the same targets as rows beside each other', () => {
    expect(numbers(packed, 'rows.0')).toEqual([1, 3, 4, 6])
    expect(numbers(packed, 'targets.0')).toEqual([13, 22, 23, 25])
  })
})

describe('collate, with a shared start', () => {
  const sharing = { ...causalCollation(1), layout: 'packed', hasSegments: true, sharesStart: true } as const
  const start = [1, 2, 3, 4, 5, 6]
  const instructed = [
    { rowId: 'a', ids: [...start, 11, 12], labels: [...start.map(() => -100), -100, 12] },
    { rowId: 'b', ids: [...start, 21, 22, 23], labels: [...start.map(() => -100), -100, 22, 23] },
  ]
  const batch = collate(instructed, sharing)

  it('lays the start down once, as segment 0, and the rows behind it as if each had it before itself', () => {
    expect(batch.shape).toEqual([1, 11])
    expect(batch.sharedTokens).toBe(6)
    expect(numbers(batch, 'ids')).toEqual([...start, 11, 12, 21, 22, 23])
    expect(numbers(batch, 'positions')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8])
    expect(numbers(batch, 'segments')).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2])
    expect(batch.starts).toEqual([6, 8])
  })
  it('asks for the same targets, at places of each row', () => {
    expect(numbers(batch, 'rows.0')).toEqual([6, 8, 9])
    expect(numbers(batch, 'targets.0')).toEqual([12, 22, 23])
  })
  it('counts the tokens that rows have, not the places they take', () => {
    expect(batch.tokens).toBe(17)
    expect(batch.lengths).toEqual([8, 9])
  })
  it('shares no place that predicts, and no last token of a row', () => {
    const labelledFrom = (t: number) =>
      instructed.map(({ rowId, ids }) => ({ rowId, ids, labels: ids.map((id, at) => (at < t ? -100 : id)) }))
    expect(commonStart(labelledFrom(6), 'next-token')).toBe(5)
    expect(commonStart(labelledFrom(6), 'class')).toBe(6)
    expect(commonStart([instructed[0]!, instructed[0]!], 'class')).toBe(7)
    expect(commonStart([], 'next-token')).toBe(0)
  })
  it('is worth it where half of the rows begin alike, whatever the others begin with', () => {
    const rowOf = (first: number) => {
      const ids = [first, ...Array.from({ length: 11 }, (_, t) => t)]
      return { rowId: `${first}`, ids, labels: ids.map((id, t) => (t < 10 ? -100 : id)) }
    }
    const alike = (...first: number[]) => mostBeginAlike(first.map(rowOf), 'next-token')
    expect(alike(7, 7, 7, 7)).toBe(true)
    expect(alike(7, 8, 9, 7)).toBe(true)
    expect(alike(7, 8, 9, 7, 6)).toBe(false)
    expect(alike(7)).toBe(false)
    expect(alike()).toBe(false)
    expect(mostBeginAlike([...rows, ...rows], 'next-token')).toBe(false)
  })
  it('lays every row down whole where the start is too short to be worth it, or there is one row only', () => {
    expect(collate(instructed.slice(0, 1), sharing).sharedTokens).toBe(0)
    const others = [instructed[0]!, { rowId: 'c', ids: [1, 2, 3, 9, 9], labels: [-100, -100, -100, -100, 9] }]
    const apart = collate(others, sharing)
    expect(apart.sharedTokens).toBe(0)
    expect(numbers(apart, 'segments')).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
  })
  it('takes what is fed for the start from the first row', () => {
    const fed = [8, 9].map((tokens, row) => Float32Array.from({ length: tokens }, (_, t) => 100 * row + t))
    const placed = placeRows(batch, 1, fed).data as Float32Array
    expect([...placed]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 106, 107, 108])
    expect([...rowOf(batch, 1, placed, 1)]).toEqual([0, 1, 2, 3, 4, 5, 106, 107, 108])
  })
})

describe('collate, for classes', () => {
  const classes = [
    { rowId: 'a', ids: [5, 6, 7], labels: [2, -100, -100] },
    { rowId: 'b', ids: [8], labels: [1] },
  ]
  const batch = collate(classes, {
    ...causalCollation(1),
    asks: 'class',
    hasSegments: true,
    hasTypes: true,
    firstPosition: 2,
  })

  it('asks for the class at the labelled place itself', () => {
    expect(numbers(batch, 'rows.0')).toEqual([0, 3])
    expect(numbers(batch, 'targets.0')).toEqual([2, 1])
    expect(countLabelled(classes[1]!, 'class')).toBe(1)
    expect(mostLabelledTokens(classes, 2, 'class')).toBe(2)
  })
  it('gives padding a segment of its own, behind the row', () => {
    expect(numbers(batch, 'segments')).toEqual([0, 0, 0, 0, 1, 1])
    expect(numbers(batch, 'types')).toEqual([0, 0, 0, 0, 0, 0])
    expect(numbers(batch, 'positions').slice(0, 3)).toEqual([2, 3, 4])
  })
})

describe('numbers of rows', () => {
  it('stand at the places of their tokens, 0 on padding', () => {
    const batch = { shape: [2, 3], starts: [0, 3], sharedTokens: 0 } as const
    const placed = placeRows(batch, 2, [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(7, 8)])
    expect(placed.shape).toEqual([2, 3, 2])
    expect([...placed.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0])
  })
})

describe('noise on embeddings', () => {
  const source = { alpha: 5, width: 4, seed: 9, step: 3, firstRow: 0 }
  const batch = collate(rows, causalCollation(1))
  const noise = embeddingNoise(batch, source).data

  it('stays within alpha / sqrt(tokens x width) of each row and fills it', () => {
    const [first, second] = [noise.subarray(0, 12), noise.subarray(20, 40)] as Float32Array[]
    for (const [part, tokens] of [
      [first!, 3],
      [second!, 5],
    ] as const) {
      const largest = Math.max(...part.map(Math.abs))
      expect(largest).toBeLessThanOrEqual(5 / Math.sqrt(tokens * 4))
      expect(largest).toBeGreaterThan(2.5 / Math.sqrt(tokens * 4))
    }
    expect([...noise.subarray(12, 20)].every((x) => x === 0)).toBe(true)
  })
  it('of a row depends on its place in the step, not on the rows beside it', () => {
    const second = [rows[1]!]
    const alone = embeddingNoise(collate(second, causalCollation(1)), { ...source, firstRow: 1 })
    expect(alone.data).toEqual(noise.subarray(20, 40))
  })
  it('is a function of the step', () => {
    expect(embeddingNoise(batch, source).data).toEqual(noise)
    expect(embeddingNoise(batch, { ...source, step: 4 }).data).not.toEqual(noise)
  })
})

describe('loss chunks', () => {
  it('keep logits of a chunk under 48 MB', () => {
    for (const [labelled, vocabulary] of [
      [4096, 49_152],
      [100, 256_000],
      [1, 128],
      [8192, 151_936],
    ] as const) {
      const chunks = chooseLossChunks(labelled, vocabulary)
      expect(Math.ceil(labelled / chunks) * vocabulary * 4).toBeLessThanOrEqual(48_000_000)
      if (chunks > 1) expect(Math.ceil(labelled / (chunks - 1)) * vocabulary * 4).toBeGreaterThan(40_000_000)
    }
  })
  it('are one where all fits, and where nothing is labelled', () => {
    expect(chooseLossChunks(0, 49_152)).toBe(1)
    expect(chooseLossChunks(200, 49_152)).toBe(1)
  })
  it('count the worst micro-batch', () => {
    expect(mostLabelledTokens(rows, 1)).toBe(3)
    expect(mostLabelledTokens(rows, 8)).toBe(4)
  })
})
