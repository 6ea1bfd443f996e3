// Metrics whose rows bring numbers that add up: the value of a test set is a function of the sums. Every corpus metric is
// written this way, so that a resample adds numbers and never reads a text again.
import type { PairedMetric } from './bootstrap.ts'

/** What one way of answering brings to a metric, row by row. */
export interface RowSums {
  readonly rows: number
  readonly width: number
  /** [rows, width] */
  readonly values: Float64Array
  /** What the better and the worse side of a pseudo row made of each row bring, [rows, width] each; null: no such rows. */
  readonly pseudo: { readonly right: Float64Array; readonly wrong: Float64Array } | null
  /** The metric of a set of rows from its sums, [width]. */
  finish(sums: Float64Array): number
}

/**
 * The same two sides with pseudo rows made of the row on which they differ most: as it is, and with the sides swapped. For
 * corpus metrics, whose rows are hardly ever wholly right: pseudo rows from 0 to 1 would make their intervals twice as wide
 * as they have to be, none at all would let four lucky rows of forty pass for proof.
 */
export function withSwappedRow(base: RowSums, tuned: RowSums): [RowSums, RowSums] {
  const { rows, width } = base
  const rowOf = (side: RowSums, row: number) => side.values.slice(row * width, (row + 1) * width)
  const gapOf = (row: number) => tuned.finish(rowOf(tuned, row)) - base.finish(rowOf(base, row))
  let widest = 0
  for (let row = 1; row < rows; row += 1) if (Math.abs(gapOf(row)) > Math.abs(gapOf(widest))) widest = row
  const everywhere = (sums: Float64Array) =>
    Float64Array.from({ length: rows * width }, (_, at) => sums[at % width]!)
  const [one, other] = [everywhere(rowOf(tuned, widest)), everywhere(rowOf(base, widest))]
  const pseudo = { right: one, wrong: other }
  return [
    { ...base, pseudo },
    { ...tuned, pseudo },
  ]
}

/** Two ways of answering on the same rows. */
export function additiveMetric(base: RowSums, tuned: RowSums): PairedMetric {
  const { rows } = base
  if (tuned.rows !== rows || tuned.width !== base.width)
    throw new Error('two sides of a comparison have the same rows and the same sums')
  return {
    rows,
    isBounded: base.pseudo !== null,
    measure: (draws) => ({
      base: measureSide(base, draws, 'baseIsRight'),
      tuned: measureSide(tuned, draws, 'tunedIsRight'),
    }),
  }
}

/** Draws from [rows, 2 rows) are pseudo rows that only the tuned side got right, those above only the base. */
function measureSide(side: RowSums, draws: Int32Array, is: 'baseIsRight' | 'tunedIsRight'): number {
  const { rows, width, values, pseudo } = side
  const sums = new Float64Array(width)
  for (const draw of draws) {
    const isReal = draw < rows
    const isRight = draw < 2 * rows === (is === 'tunedIsRight')
    const from = isReal || pseudo === null ? values : isRight ? pseudo.right : pseudo.wrong
    const at = (draw % rows) * width
    for (let index = 0; index < width; index += 1) sums[index]! += from[at + index]!
  }
  return side.finish(sums)
}
