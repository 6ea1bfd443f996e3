// Paired bootstrap: test rows are drawn again with replacement, both models always on the same rows, and the spread of
// a metric over many draws is its interval. Knows no metric by name and decides nothing.
import { counterRandom } from '#engine/index.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { normalCdf, studentQuantile } from './student-t.ts'

export const confidenceLevel = 0.95
export const defaultResamples = 4000
export const intervalMethod =
  'paired bootstrap over test rows, expanded percentile (Hesterberg 2015), two pseudo rows for metrics from 0 to 1'

/**
 * A metric as a function of which rows were drawn. Entries of `draws` below `rows` are rows of the test set. A bounded
 * metric also gets pseudo rows: an entry in [rows, 2 rows) stands for row - rows with the tuned model better (as a rule the
 * base wholly wrong and the tuned model wholly right), an entry in [2 rows, 3 rows) for the reverse.
 */
export interface PairedMetric {
  readonly rows: number
  /** True for metrics that get pseudo rows: those whose worst and best value are known. */
  readonly isBounded: boolean
  measure(draws: Int32Array): { readonly base: number; readonly tuned: number }
}

export interface PairedIntervals {
  readonly base: Interval
  readonly tuned: Interval
  /** Tuned minus base. */
  readonly difference: Interval
  /** Spread of the difference from test set to test set, as the resamples show it. */
  readonly differenceStandardError: number
}

export interface BootstrapOptions {
  readonly seed: number
  readonly resamples?: number
}

/**
 * Intervals of 95 %. Percentile intervals, with two repairs for small test sets, both checked by simulation in
 * tests/core/proof/bootstrap.test.ts:
 * - the tails are taken at Phi(-sqrt(n/(n-1)) t(n-1)) instead of 2.5 % (Hesterberg 2015, "expanded percentile");
 * - a bounded metric is resampled from n + 2 rows: the test set, one pseudo row that only the tuned model got right and
 *   one that only the base got right (the idea of Agresti & Coull 1998 and Bonett & Price 2012). Without them 40 right
 *   answers of 40 would have an interval of width zero, and 4 lucky rows would pass for proof.
 * `value` is always the plain metric of the test set; it lies within its interval.
 */
export function pairedBootstrap(metric: PairedMetric, options: BootstrapOptions): PairedIntervals {
  const steps = bootstrapSteps(metric, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** The same bits; `breathe` is awaited now and then, so that other work is not held up. */
export async function pairedBootstrapInTurns(
  metric: PairedMetric,
  options: BootstrapOptions,
  breathe: () => Promise<void>,
): Promise<PairedIntervals> {
  const steps = bootstrapSteps(metric, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await breathe()
  }
}

/** Resamples between two rests. */
const stepResamples = 50

function* bootstrapSteps(
  metric: PairedMetric,
  options: BootstrapOptions,
): Generator<undefined, PairedIntervals> {
  const { rows } = metric
  const resamples = options.resamples ?? defaultResamples
  const plain = metric.measure(Int32Array.from({ length: rows }, (_, row) => row))
  const drawn = { base: new Float64Array(resamples), tuned: new Float64Array(resamples) }
  const difference = new Float64Array(resamples)
  const pseudoRows = metric.isBounded ? 2 : 0
  const random = counterRandom(options.seed, 'proof')
  const draws = new Int32Array(rows + pseudoRows)
  for (let resample = 0; resample < resamples; resample += 1) {
    for (let index = 0; index < draws.length; index += 1)
      draws[index] = drawRow(random(resample * draws.length + index) * draws.length, rows)
    const { base, tuned } = metric.measure(draws)
    drawn.base[resample] = base
    drawn.tuned[resample] = tuned
    difference[resample] = tuned - base
    if (resample % stepResamples === stepResamples - 1) yield
  }
  const tail = tailShare(rows)
  return {
    base: percentileInterval(plain.base, drawn.base, tail),
    tuned: percentileInterval(plain.tuned, drawn.tuned, tail),
    difference: percentileInterval(plain.tuned - plain.base, difference, tail),
    differenceStandardError: standardDeviation(difference),
  }
}

/** `position` in [0, rows + 2): its whole part picks a row; the last two places are pseudo rows made of a random row. */
function drawRow(position: number, rows: number): number {
  if (position < rows) return Math.floor(position)
  const isReverse = position >= rows + 1
  const fraction = position - Math.floor(position)
  const row = Math.min(rows - 1, Math.floor(fraction * rows))
  return rows * (isReverse ? 2 : 1) + row
}

/** Share of resamples to leave out at each end for a two-sided interval. */
function tailShare(rows: number): number {
  const tail = (1 - confidenceLevel) / 2
  if (rows < 2) return 0
  return Math.min(tail, normalCdf(-Math.sqrt(rows / (rows - 1)) * studentQuantile(tail, rows - 1)))
}

function percentileInterval(value: number, drawn: Float64Array, tail: number): Interval {
  const sorted = drawn.toSorted()
  return {
    value,
    low: Math.min(value, quantile(sorted, tail)),
    high: Math.max(value, quantile(sorted, 1 - tail)),
  }
}

/** Linear interpolation between order statistics (Hyndman & Fan 1996, type 7). */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const lower = sorted[below] ?? Number.NaN
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN
  return lower + (position - below) * (upper - lower)
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

/**
 * A metric of whole label columns, such as macro F1. `measure` gets counts[expected * labels + answered] of the drawn
 * rows; a pseudo row has the expected label of the row it was made of, and a wrong answer is the next label.
 */
export function labelMetric(
  expected: ArrayLike<number>,
  base: ArrayLike<number>,
  tuned: ArrayLike<number>,
  labels: number,
  measure: (matrix: readonly (readonly number[])[]) => number,
): PairedMetric {
  const rows = expected.length
  const emptyMatrix = () => Array.from({ length: labels }, () => new Array<number>(labels).fill(0))
  return {
    rows,
    isBounded: true,
    measure(draws) {
      const baseMatrix = emptyMatrix()
      const tunedMatrix = emptyMatrix()
      for (const draw of draws) {
        const row = draw % rows
        const right = expected[row] as number
        const wrong = (right + 1) % labels
        const isReal = draw < rows
        const tunedIsRight = draw < 2 * rows
        const baseAnswer = isReal ? (base[row] as number) : tunedIsRight ? wrong : right
        const tunedAnswer = isReal ? (tuned[row] as number) : tunedIsRight ? right : wrong
        baseMatrix[right]![baseAnswer]! += 1
        tunedMatrix[right]![tunedAnswer]! += 1
      }
      return { base: measure(baseMatrix), tuned: measure(tunedMatrix) }
    },
  }
}
