import { describe, expect, test } from 'vitest'
import { pairedBootstrap } from '#core/proof/bootstrap.ts'
import { judge } from '#core/proof/verdict.ts'
import { counterRandom } from '#engine/index.ts'
import { isHigherBetter } from '#shared/metrics.ts'
import { meanMetric, ratioMetric } from './paired-metrics.ts'

const rowsOf = (right: number, rows: number): number[] =>
  Array.from({ length: rows }, (_, row) => (row < right ? 1 : 0))

const judgeRows = (base: number, tuned: number, rows: number, resamples = 4000) =>
  judge({
    metric: 'accuracy',
    isHigherBetter: true,
    rows,
    ...pairedBootstrap(meanMetric(rowsOf(base, rows), rowsOf(tuned, rows)), { seed: 1, resamples }),
  })

describe('the verdict', () => {
  test('a clear gain is called better, with both figures and the likely size', () => {
    const { kind, sentence } = judgeRows(60, 130, 150)
    expect(kind).toBe('better')
    expect(sentence).toMatch(
      /^Training made the model better: the share of right answers rose from 40 % to 87 % on 150 test rows it had never seen \(the true change is very likely between \d+ and \d+ points\)\.$/,
    )
  })

  test('a clear loss is called worse', () => {
    const { kind, sentence } = judgeRows(130, 60, 150)
    expect(kind).toBe('worse')
    expect(sentence).toContain('worse: the share of right answers fell from 87 % to 40 %')
  })

  test('a small test set is called small, and what it could have seen is said', () => {
    const base = Array.from({ length: 40 }, (_, row) => row % 2)
    const tuned = Array.from({ length: 40 }, (_, row) => (row % 3 === 0 ? 1 - (row % 2) : row % 2))
    const { kind, sentence } = judge({
      metric: 'accuracy',
      isHigherBetter: true,
      rows: 40,
      ...pairedBootstrap(meanMetric(base, tuned), { seed: 1 }),
    })
    expect(kind).toBe('no-measurable-difference')
    expect(sentence).toMatch(
      /The test set is small: with 40 test rows only a change of about 3\d points or more is usually seen; a smaller one may be there\./,
    )
  })

  // By the standard error alone it was 12 points, and 38 of 100 test sets showed them.
  test('the change that is usually seen is seen in four of five test sets, however seldom the models differ', () => {
    const rows = 40
    const judgeSet = (seed: number, change: number) => {
      const numbers = counterRandom(seed, 'simulated test set')
      const columns = Array.from({ length: rows }, (_, row) => {
        const first = numbers(3 * row)
        const second = numbers(3 * row + 1) < 0.9 ? first : numbers(3 * row + 2)
        return [first < 0.3 ? 1 : 0, second < 0.3 + change ? 1 : 0] as const
      })
      const column = (side: 0 | 1) => columns.map((pair) => pair[side])
      const intervals = pairedBootstrap(meanMetric(column(0), column(1)), { seed, resamples: 400 })
      return judge({ metric: 'accuracy', isHigherBetter: true, rows, ...intervals })
    }
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const said = seeds.flatMap((seed) => {
      const points = /about ([\d.]+) points/.exec(judgeSet(seed, 0).sentence)?.[1]
      return points === undefined ? [] : [Number(points) / 100]
    })
    expect(said.length).toBeGreaterThan(90)
    const usual = said.reduce((sum, change) => sum + change, 0) / said.length
    const seen = seeds.filter((seed) => judgeSet(1000 + seed, usual).kind === 'better').length
    expect(usual).toBeGreaterThan(0.15)
    expect(seen).toBeGreaterThan(70)
    expect(seen).toBeLessThan(95)
  })

  test('equal models: no measurable difference', () => {
    expect(judgeRows(100, 100, 150).kind).toBe('no-measurable-difference')
  })

  test('a gain of half a point on very many rows is called real and hardly noticeable', () => {
    const { kind, sentence } = judgeRows(5000, 5050, 10_000, 400)
    expect(kind).toBe('better')
    expect(sentence).toContain('smaller than 1 point')
  })

  test('a gain whose interval reaches beyond a point is not called unnoticeable, however small it looks', () => {
    const difference = { value: 0.008, low: 0.002, high: 0.014 }
    const at = (value: number) => ({ value, low: value - 0.01, high: value + 0.01 })
    const { kind, sentence } = judge({
      metric: 'accuracy',
      isHigherBetter: true,
      rows: 3000,
      base: at(0.7),
      tuned: at(0.708),
      difference,
      differenceStandardError: 0.003,
    })
    expect(kind).toBe('better')
    expect(sentence).toContain('between 0.2 and 1.4 points')
    expect(sentence).not.toContain('hardly anyone')
  })

  test('where lower is better a fall is better', () => {
    const base = Array.from({ length: 120 }, (_, row) => 20 + (row % 7))
    const tuned = base.map((nats) => nats / 2)
    const tokens = base.map(() => 10)
    const { kind, sentence } = judge({
      metric: 'lossNats',
      isHigherBetter: false,
      rows: 120,
      ...pairedBootstrap(ratioMetric(base, tuned, tokens), { seed: 1 }),
    })
    expect(kind).toBe('better')
    expect(sentence).toContain('the loss fell from 2.30 nats to 1.15 nats')
  })

  test.each([
    ['chrF', 'the closeness to the expected translations (chrF++) rose from 31 to 45', 'points'],
    ['entityF1', 'the agreement on the named things (entity F1) rose from 31 % to 45 %', 'points'],
    ['bitsPerByte', 'the surprise at unseen text (bits per byte) rose from 0.31 bits to 0.45 bits', 'bits'],
  ] as const)('%s is said in its own unit', (metric, words, unit) => {
    const around = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 })
    const { kind, sentence } = judge({
      metric,
      isHigherBetter: isHigherBetter(metric),
      rows: 200,
      base: around(0.31),
      tuned: around(0.45),
      difference: around(0.14),
      differenceStandardError: 0.025,
    })
    expect(kind).toBe(metric === 'bitsPerByte' ? 'worse' : 'better')
    expect(sentence).toContain(words)
    expect(sentence).toMatch(new RegExp(`very likely between [\\d.]+ and [\\d.]+ ${unit}\\)`))
  })

  test('a metric without a direction decides nothing', () => {
    const at = { value: 1, low: 0.9, high: 1.1 }
    const facts = { rows: 50, base: at, tuned: at, difference: at, differenceStandardError: 0.1 }
    expect(() => judge({ ...facts, metric: 'lengthRatio', isHigherBetter: null })).toThrow('no direction')
  })
})
