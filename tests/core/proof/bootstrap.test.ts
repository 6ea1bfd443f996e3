import { describe, expect, test } from 'vitest'
import {
  labelMetric,
  type PairedMetric,
  pairedBootstrap,
  pairedBootstrapInTurns,
} from '#core/proof/bootstrap.ts'
import { confusionMatrix, macroF1Of } from '#core/proof/metrics/label-metrics.ts'
import { normalCdf, studentQuantile } from '#core/proof/student-t.ts'
import { counterRandom } from '#engine/index.ts'
import { meanMetric, overlapMetric, ratioMetric } from './paired-metrics.ts'

const many = (count: number, value: number): number[] => new Array<number>(count).fill(value)

describe('the quantiles that intervals use', () => {
  // Values of a printed table (two-sided 95 %).
  test.each([
    [1, 12.7062],
    [2, 4.3027],
    [5, 2.5706],
    [39, 2.0227],
    [149, 1.976],
  ])('Student t, %i degrees of freedom', (freedom, expected) => {
    expect(studentQuantile(0.025, freedom)).toBeCloseTo(expected, 3)
  })

  test('normal distribution', () => {
    expect(normalCdf(-1.959964)).toBeCloseTo(0.025, 6)
    expect(normalCdf(0)).toBeCloseTo(0.5, 6)
  })
})

describe('paired bootstrap', () => {
  test('the same seed gives the same bits, another seed others', () => {
    const metric = meanMetric([0, 1, 1, 0, 1, 0, 0, 1], [1, 1, 1, 0, 1, 1, 0, 1])
    const first = pairedBootstrap(metric, { seed: 5 })
    expect(pairedBootstrap(metric, { seed: 5 })).toEqual(first)
    expect(pairedBootstrap(metric, { seed: 6 })).not.toEqual(first)
  })

  test('the value is the plain metric and lies within its interval', () => {
    const base = [0, 1, 1, 0, 1, 0, 0, 1]
    const tuned = [1, 1, 1, 0, 1, 1, 0, 1]
    const { difference, ...sides } = pairedBootstrap(meanMetric(base, tuned), { seed: 1 })
    expect(sides.base.value).toBe(0.5)
    expect(sides.tuned.value).toBe(0.75)
    expect(difference.value).toBe(0.25)
    for (const one of [sides.base, sides.tuned, difference]) {
      expect(one.low).toBeLessThanOrEqual(one.value)
      expect(one.high).toBeGreaterThanOrEqual(one.value)
    }
  })

  test('pairing: two models that err on the same rows differ by little, however unsure each is', () => {
    const base = Array.from({ length: 200 }, (_, row) => row % 2)
    const { base: alone, difference } = pairedBootstrap(meanMetric(base, base), { seed: 1 })
    expect(alone.high - alone.low).toBeGreaterThan(0.12)
    expect(difference.high - difference.low).toBeLessThan(0.05)
  })

  test('40 right of 40 does not become certainty', () => {
    const { tuned, difference } = pairedBootstrap(meanMetric(many(40, 1), many(40, 1)), { seed: 1 })
    expect(tuned.value).toBe(1)
    expect(tuned.low).toBeLessThan(0.96)
    expect(difference.low).toBeLessThan(0)
    expect(difference.high).toBeGreaterThan(0)
  })

  test('four lucky rows of 40 are no proof, twelve are', () => {
    const lucky = (count: number) =>
      pairedBootstrap(meanMetric(many(40, 0), [...many(count, 1), ...many(40 - count, 0)]), { seed: 1 })
    expect(lucky(4).difference.low).toBeLessThanOrEqual(0)
    expect(lucky(12).difference.low).toBeGreaterThan(0)
  })

  test('corpus scores: five lucky rows of 40 are no proof, eight are', () => {
    const rows = (lucky: number) =>
      Array.from({ length: 40 }, (_, row) => [20, 20, row < lucky ? 16 + (row % 3) : 10] as const)
    const lucky = (count: number) => pairedBootstrap(overlapMetric(rows(0), rows(count)), { seed: 1 })
    expect(lucky(5).difference.low).toBeLessThanOrEqual(0)
    expect(lucky(8).difference.low).toBeGreaterThan(0)
  })

  test('in turns it gives the same bits, and rests', async () => {
    const metric = meanMetric([0, 1, 1, 0, 1], [1, 1, 1, 0, 1])
    let rests = 0
    const breathe = async () => {
      rests += 1
    }
    const found = await pairedBootstrapInTurns(metric, { seed: 5, resamples: 500 }, breathe)
    expect(found).toEqual(pairedBootstrap(metric, { seed: 5, resamples: 500 }))
    expect(rests).toBe(10)
  })

  test('a ratio weighs rows by their tokens', () => {
    const { base, tuned } = pairedBootstrap(ratioMetric([1, 1], [2, 4], [1, 9]), { seed: 1 })
    expect(base.value).toBeCloseTo(0.2, 12)
    expect(tuned.value).toBeCloseTo(0.6, 12)
  })

  test('one row gives an interval, not a crash', () => {
    const { difference } = pairedBootstrap(meanMetric([0], [1]), { seed: 1 })
    expect(difference.low).toBeLessThanOrEqual(0)
    expect(difference.high).toBe(1)
  })
})

/** Share of simulated test sets whose interval holds the truth. Seeds are fixed: the figure never changes. */
function coverage(
  trials: number,
  makeMetric: (random: () => number) => PairedMetric,
  truth: { base: number; tuned: number },
): { base: number; tuned: number; difference: number } {
  const hits = { base: 0, tuned: 0, difference: 0 }
  const isIn = (interval: { low: number; high: number }, value: number) =>
    value >= interval.low - 1e-12 && value <= interval.high + 1e-12
  for (let trial = 0; trial < trials; trial += 1) {
    let index = 0
    const numbers = counterRandom(trial, 'simulated test set')
    const random = () => numbers(index++)
    const found = pairedBootstrap(makeMetric(random), { seed: trial, resamples: 500 })
    if (isIn(found.base, truth.base)) hits.base += 1
    if (isIn(found.tuned, truth.tuned)) hits.tuned += 1
    if (isIn(found.difference, truth.tuned - truth.base)) hits.difference += 1
  }
  return { base: hits.base / trials, tuned: hits.tuned / trials, difference: hits.difference / trials }
}

// 400 trials: a true coverage of 95 % shows as 92.8 % to 97.2 % in 19 of 20 simulations.
describe('coverage by simulation: 95 % intervals hold the truth about that often', () => {
  const rightOrWrong =
    (rows: number, base: number, tuned: number, shared: number) => (random: () => number) => {
      const columns = [[], []] as [number[], number[]]
      for (let row = 0; row < rows; row += 1) {
        const first = random()
        const second = random() < shared ? first : random()
        columns[0].push(first < base ? 1 : 0)
        columns[1].push(second < tuned ? 1 : 0)
      }
      return meanMetric(...columns)
    }

  test.each([
    [15, 0.6, 0.85, 0.5],
    [40, 0.5, 0.5, 0.5],
    [40, 0.9, 0.97, 0.7],
    [150, 0.6, 0.85, 0.5],
  ])('%i rows, right with %d and %d', (rows, base, tuned, shared) => {
    const seen = coverage(400, rightOrWrong(rows, base, tuned, shared), { base, tuned })
    for (const share of Object.values(seen)) expect(share).toBeGreaterThan(0.92)
  })

  test('loss per token with rows of very different length and skewed losses', () => {
    const skewed = (random: () => number) => {
      const [base, tuned, tokens] = [[], [], []] as [number[], number[], number[]]
      const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
      for (let row = 0; row < 150; row += 1) {
        const length = 2 + Math.floor(random() * 20)
        const nats = Math.exp(-0.3 + 0.6 * normal())
        base.push(nats * length)
        tuned.push(nats * Math.exp(-0.2 + 0.4 * normal()) * length)
        tokens.push(length)
      }
      return ratioMetric(base, tuned, tokens)
    }
    const seen = coverage(300, skewed, { base: Math.exp(-0.12), tuned: Math.exp(-0.24) })
    for (const share of Object.values(seen)) expect(share).toBeGreaterThan(0.9)
  })

  test('a corpus score of overlaps, such as chrF++, on 40 rows', () => {
    const row = (random: () => number): [number, number, number][] => {
      const wanted = 5 + Math.floor(random() * 60)
      const difficulty = random()
      return [0.3, 0.45].map((share) => {
        const given = Math.max(1, Math.round(wanted * (0.7 + 0.6 * random())))
        const right = share + (difficulty - 0.5) * 0.5 + (random() - 0.5) * 0.3
        const common = Math.round(Math.max(0, right) * Math.min(given, wanted))
        return [given, wanted, Math.min(given, common)]
      })
    }
    const metricOf = (rows: [number, number, number][][]) =>
      overlapMetric(
        rows.map((one) => one[0]!),
        rows.map((one) => one[1]!),
      )
    const numbers = counterRandom(78, 'everyone')
    let index = 0
    const everyone = Array.from({ length: 100_000 }, () => row(() => numbers(index++)))
    const truth = metricOf(everyone).measure(Int32Array.from(everyone.keys()))
    const seen = coverage(300, (random) => metricOf(Array.from({ length: 40 }, () => row(random))), truth)
    expect(seen.base).toBeGreaterThan(0.9)
    expect(seen.tuned).toBeGreaterThan(0.9)
    expect(seen.difference).toBeGreaterThan(0.94)
  })

  test('macro F1 of five uneven labels', () => {
    const labels = 5
    const row = (random: () => number): [number, number, number] => {
      const expected = Math.floor(random() * random() * labels)
      const answer = (share: number) => (random() < share ? expected : Math.floor(random() * labels))
      return [expected, answer(0.6), answer(0.8)]
    }
    const columnsOf = (rows: [number, number, number][], column: 0 | 1 | 2) => rows.map((r) => r[column])
    const numbers = counterRandom(77, 'everyone')
    let index = 0
    const everyone = Array.from({ length: 200_000 }, () => row(() => numbers(index++)))
    const truthOf = (column: 1 | 2) =>
      macroF1Of(confusionMatrix(columnsOf(everyone, 0), columnsOf(everyone, column), labels))
    const seen = coverage(
      200,
      (random) => {
        const rows = Array.from({ length: 150 }, () => row(random))
        return labelMetric(columnsOf(rows, 0), columnsOf(rows, 1), columnsOf(rows, 2), labels, macroF1Of)
      },
      { base: truthOf(1), tuned: truthOf(2) },
    )
    for (const share of Object.values(seen)) expect(share).toBeGreaterThan(0.89)
  })
})
