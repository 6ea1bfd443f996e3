// Limits of ASHA, fronts, and differences beyond seeds.
import { describe, expect, test } from 'vitest'
import { compareSeeds, frontOf, rungsFor, seedNoiseOf } from '../../../../src/core/tuning/search/index.ts'
import type { StudyTrial } from '../../../../src/shared/study.ts'

const pruning = { reduction: 3, rungs: [1 / 9, 1 / 3], startupTrials: 4 }
const trial = (...losses: number[]): Pick<StudyTrial, 'status' | 'rungLosses'> => ({
  status: losses.length < 2 ? 'pruned' : 'complete',
  rungLosses: losses.map((lossNats, at) => ({ share: pruning.rungs[at]!, lossNats })),
})

describe('limits at rungs', () => {
  test('none before enough trials came there', () => {
    const history = [trial(5, 4), trial(4, 3), trial(3, 2)]
    expect(rungsFor({ pruning, history }).map(({ aboveNats }) => aboveNats)).toEqual([null, null])
    expect(rungsFor({ pruning, history: [] })).toEqual([
      { share: 1 / 9, aboveNats: null },
      { share: 1 / 3, aboveNats: null },
    ])
  })

  test('with itself counted in, a trial must be among the best third that came there', () => {
    const losses = [9, 3, 7, 5, 1, 8, 2, 6]
    const at = (count: number) =>
      rungsFor({ pruning, history: losses.slice(0, count).map((loss) => trial(loss)) })[0]!.aboveNats
    // Five with it: one place. Six: two. Nine: three.
    expect([4, 5, 8].map(at)).toEqual([3, 3, 3])
    expect(at(6)).toBe(3)
  })

  test('rungs have their own; what is under way does not count, a loss that is none counts as bad', () => {
    const early = [trial(1, 9), trial(2, 8), trial(3, 7), trial(4, 6), trial(5)]
    expect(rungsFor({ pruning, history: early }).map(({ aboveNats }) => aboveNats)).toEqual([2, 6])
    const underway = { ...trial(0), status: 'planned' as const }
    expect(rungsFor({ pruning, history: [...early, underway] })[0]!.aboveNats).toBe(2)
    expect(
      rungsFor({ pruning, history: [trial(1), ...Array.from({ length: 6 }, () => trial(Number.NaN))] }),
    ).toEqual([
      { share: 1 / 9, aboveNats: null },
      { share: 1 / 3, aboveNats: null },
    ])
  })
})

describe('the front', () => {
  test('has what no other trial beats in both, by rising cost', () => {
    const at = (number: number, lossNats: number, cost: number) => ({ number, lossNats, cost })
    expect(
      frontOf([at(0, 1, 9), at(1, 3, 2), at(2, 2, 5), at(3, 3, 3), at(4, 1, 12), at(5, 4, 2), at(6, 2, 5)]),
    ).toEqual([1, 2, 6, 0])
    expect(frontOf([at(0, Number.NaN, 1), at(1, 1, Number.POSITIVE_INFINITY)])).toEqual([])
  })
})

describe('seeds', () => {
  test('noise is pooled over recipes, each about its own mean', () => {
    // numpy: sqrt((2 * var([1, 1.2, 1.4], ddof=1) + 1 * var([5, 5.1], ddof=1)) / 3)
    const noise = seedNoiseOf([[1, 1.2, 1.4], [5, 5.1], [3]])
    expect(noise?.sdNats).toBeCloseTo(0.168325, 6)
    expect(noise?.runs).toBe(5)
    expect(seedNoiseOf([[1], [2]])).toBeNull()
    expect(seedNoiseOf([])).toBeNull()
  })

  test("the difference of means with Welch's interval", () => {
    // By hand: variances 0.01 and 0.01 over 3 each, 4 degrees of freedom, t = 2.776445.
    const even = compareSeeds([2, 2.1, 2.2], [1.8, 1.9, 2])
    expect(even?.value).toBeCloseTo(0.2, 12)
    expect(even?.high).toBeCloseTo(0.2 + 2.776445 * Math.sqrt(0.02 / 3), 6)
    expect(even?.low).toBeCloseTo(0.2 - 2.776445 * Math.sqrt(0.02 / 3), 6)
    // One that does not vary leaves the other's 2 degrees of freedom: t = 4.302653.
    const uneven = compareSeeds([2, 2.1, 2.2], [1.9, 1.9, 1.9])
    expect(uneven?.high).toBeCloseTo(0.2 + 4.302653 * Math.sqrt(0.01 / 3), 6)
  })

  test('one run tells nothing; runs that are all alike differ for certain', () => {
    expect(compareSeeds([2], [1, 1.1])).toBeNull()
    expect(compareSeeds([2, 2.1], [1, Number.NaN])).toBeNull()
    expect(compareSeeds([2, 2], [1.5, 1.5])).toEqual({ value: 0.5, low: 0.5, high: 0.5 })
  })
})
