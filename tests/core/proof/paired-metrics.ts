// Metrics made of plain columns, for tests of the intervals.
import { additiveMetric, type RowSums, withSwappedRow } from '#core/proof/additive-metric.ts'
import type { PairedMetric } from '#core/proof/bootstrap.ts'

const pairs = (rows: number, first: (row: number) => number, second: (row: number) => number): Float64Array =>
  Float64Array.from({ length: 2 * rows }, (_, at) => (at % 2 === 0 ? first(at / 2) : second((at - 1) / 2)))

const meanSums = (scores: readonly number[]): RowSums => ({
  rows: scores.length,
  width: 2,
  values: pairs(
    scores.length,
    (row) => scores[row]!,
    () => 1,
  ),
  pseudo: {
    right: pairs(
      scores.length,
      () => 1,
      () => 1,
    ),
    wrong: pairs(
      scores.length,
      () => 0,
      () => 1,
    ),
  },
  finish: (sums) => sums[0]! / sums[1]!,
})

/** The mean of a score that each row has by itself, from 0 to 1. */
export const meanMetric = (base: readonly number[], tuned: readonly number[]): PairedMetric =>
  additiveMetric(meanSums(base), meanSums(tuned))

/** A ratio of sums, such as nats by tokens. */
export function ratioMetric(
  base: readonly number[],
  tuned: readonly number[],
  weights: readonly number[],
  finish: (ratio: number) => number = (ratio) => ratio,
): PairedMetric {
  const side = (values: readonly number[]): RowSums => ({
    rows: weights.length,
    width: 2,
    values: pairs(
      weights.length,
      (row) => values[row]!,
      (row) => weights[row]!,
    ),
    pseudo: null,
    finish: (sums) => finish(sums[0]! / sums[1]!),
  })
  return additiveMetric(side(base), side(tuned))
}

/** F2 of overlaps, as chrF++ has it: [given, wanted, common] of every row. */
export function overlapMetric(
  base: readonly (readonly [number, number, number])[],
  tuned: readonly (readonly [number, number, number])[],
): PairedMetric {
  const side = (rows: typeof base): RowSums => ({
    rows: rows.length,
    width: 3,
    values: Float64Array.from(rows.flat()),
    pseudo: null,
    finish: ([given, wanted, common]) => (5 * common!) / (4 * wanted! + given!),
  })
  return additiveMetric(...withSwappedRow(side(base), side(tuned)))
}
