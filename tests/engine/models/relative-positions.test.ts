// T5's buckets of distances beside those of transformers 5.24 (T5Attention._relative_position_bucket).
import { describe, expect, test } from 'vitest'
import { relativeBuckets } from '../../../src/engine/models/relative-positions.ts'

type Case = [buckets: number, maxDistance: number, side: 'encoder' | 'decoder', begins: readonly number[]]

/** Distances to the far side at which transformers begins a new bucket, up to 299. */
const cases: readonly Case[] = [
  [32, 128, 'encoder', [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]],
  [
    ...([32, 128, 'decoder'] as const),
    [
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77,
      87, 99, 113,
    ],
  ],
  [8, 20, 'encoder', [1, 2, 7]],
  [8, 20, 'decoder', [1, 2, 3, 4, 6, 9, 14]],
  [8, 9, 'decoder', [1, 2, 3, 4, 5, 6, 8]],
]

describe('relativeBuckets', () => {
  test.each(cases)('%i buckets to %i, %s', (buckets, maxDistance, side, begins) => {
    const length = 300
    const all = [...relativeBuckets({ buckets, maxDistance }, side, length)].map(Number)
    const last = all.slice((length - 1) * length).reverse()
    expect(
      last.flatMap((bucket, distance) => (distance > 0 && bucket !== last[distance - 1] ? [distance] : [])),
    ).toEqual(begins)
    expect(last.at(-1)).toBe((side === 'encoder' ? buckets / 2 : buckets) - 1)
    // Keys behind the query: the other half of the buckets, or bucket 0 where they are not seen.
    const first = all.slice(0, length)
    expect(first).toEqual(
      last.map((bucket, at) => (side === 'encoder' ? bucket + (at > 0 ? buckets / 2 : 0) : 0)),
    )
  })
})
