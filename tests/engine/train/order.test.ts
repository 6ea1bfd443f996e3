import { describe, expect, it } from 'vitest'
import { counterRandom } from '../../../src/engine/random.ts'
import { microBatchesByLength, microBatchesOfEpoch, permutation } from '../../../src/engine/train/order.ts'

const lengths = Array.from(
  { length: 403 },
  (_, row) => 5 + Math.floor(counterRandom(9, 'lengths')(row) ** 3 * 500),
)

describe('permutation', () => {
  it('holds every number once, for any count', () => {
    for (const count of [0, 1, 2, 17, 1000])
      expect([...permutation(3, 'test', count)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: count }, (_, i) => i),
      )
  })
  it('differs with seed and purpose and repeats without', () => {
    expect(permutation(3, 'a', 50)).toEqual(permutation(3, 'a', 50))
    expect(permutation(3, 'a', 50)).not.toEqual(permutation(4, 'a', 50))
    expect(permutation(3, 'a', 50)).not.toEqual(permutation(3, 'b', 50))
  })
  it('puts each number at each place about equally often', () => {
    const counts = new Float64Array(25)
    for (let seed = 0; seed < 2000; seed += 1)
      for (const [place, value] of permutation(seed, 'fair', 5).entries())
        counts[place * 5 + value] = counts[place * 5 + value]! + 1
    // Expected 400, standard deviation 18: five deviations.
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(90)
  })
})

describe('micro-batches of an epoch', () => {
  const batches = microBatchesOfEpoch(lengths, 8, 42, 0)

  it('give every row exactly once', () => {
    expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, row) => row))
  })
  it('are full but for one', () => {
    expect(batches.filter((rows) => rows.length !== 8).map((rows) => rows.length)).toEqual([403 % 8])
  })
  it('are a pure function of seed and epoch', () => {
    expect(microBatchesOfEpoch(lengths, 8, 42, 0)).toEqual(batches)
    expect(microBatchesOfEpoch(lengths, 8, 42, 1)).not.toEqual(batches)
    expect(microBatchesOfEpoch(lengths, 8, 43, 0)).not.toEqual(batches)
  })
  it('put rows of similar length together: little padding, much less than in a plain shuffle', () => {
    const padding = (groups: readonly (readonly number[])[]): number => {
      const padded = groups.reduce(
        (sum, rows) => sum + rows.length * Math.max(...rows.map((row) => lengths[row]!)),
        0,
      )
      return 1 - lengths.reduce((sum, length) => sum + length, 0) / padded
    }
    const order = permutation(42, 'plain', lengths.length)
    const plain = Array.from({ length: Math.ceil(lengths.length / 8) }, (_, i) => [
      ...order.subarray(i * 8, i * 8 + 8),
    ])
    expect(padding(batches)).toBeLessThan(0.25)
    expect(padding(batches)).toBeLessThan(padding(plain) / 2)
  })
  it('do not come in order of length', () => {
    const longest = batches.map((rows) => Math.max(...rows.map((row) => lengths[row]!)))
    const rises = longest.filter((length, i) => i > 0 && length > longest[i - 1]!).length
    expect(rises).toBeGreaterThan(batches.length * 0.3)
    expect(rises).toBeLessThan(batches.length * 0.7)
  })
  it('exist for one row and for none', () => {
    expect(microBatchesOfEpoch([7], 8, 1, 0)).toEqual([[0]])
    expect(microBatchesOfEpoch([], 8, 1, 0)).toEqual([])
  })
})

describe('micro-batches for measuring', () => {
  it('go from short to long, every row once', () => {
    const groups = microBatchesByLength([30, 10, 20, 10], 3)
    expect(groups).toEqual([[1, 3, 2], [0]])
  })
})
