import { describe, expect, it } from 'vitest'
import { collate, countLabelled, mostLabelledTokens } from '../../../src/engine/train/collate.ts'
import { chooseLossChunks } from '../../../src/engine/train/loss-chunks.ts'

const rows = [
  { rowId: 'a', ids: [11, 12, 13], labels: [-100, -100, 13] },
  { rowId: 'b', ids: [21, 22, 23, 24, 25], labels: [-100, 22, 23, -100, 25] },
]
const numbers = (batch: ReturnType<typeof collate>, name: string): number[] =>
  [...batch.feeds.get(name)!.data].map(Number)

describe('collate', () => {
  const batch = collate(rows, 2)

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
    const three = collate(rows, 3)
    expect(numbers(three, 'weights.1')).toEqual([1, 1])
    expect(numbers(three, 'weights.2')).toEqual([0, 0])
    expect(three.labelledTokens).toBe(4)
  })
  it('gives every chunk at least one place', () => {
    const few = collate([rows[0]!], 4)
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
    expect(numbers(collate([row], 1), 'targets.0')).toEqual([2])
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
