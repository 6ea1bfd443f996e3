// Operands that are sums, for tests of our operators: chance terms, the inputs and attributes that name them, and their sum
// in plain double arithmetic.
import { boolean, floats, integer } from '#backends/tensorflow/graph-def.ts'
import { counterRandom } from '#engine/random.ts'
import { narrowToBfloat16, widenBfloat16 } from '#formats/float16.ts'
import type { Attributes, Given } from './run-operator.ts'

interface NarrowTerm {
  readonly rank: number
  readonly down: Float32Array
  readonly up: Float32Array
  /** up is [width,rank] and not [rank,width]. */
  readonly isTurned: boolean
  readonly scale: number
}

export interface Terms {
  readonly rows: number
  readonly width: number
  readonly halves: readonly Float32Array[]
  readonly narrows: readonly NarrowTerm[]
  readonly fulls: readonly Float32Array[]
}

/** From -scale to scale. */
export function chance(purpose: string, count: number, scale = 1): Float32Array {
  const random = counterRandom(17, purpose)
  return Float32Array.from({ length: count }, (_, i) => scale * (2 * random(i) - 1))
}

/** To bfloat16 and back. */
export function rounded(numbers: Float32Array): Float32Array {
  const result = new Float32Array(numbers.length)
  widenBfloat16(narrowToBfloat16(numbers), result, 0)
  return result
}

/** How many terms of each kind; of adapters each one's rank, below 0 where its way up is turned. */
export interface TermCounts {
  readonly halves?: number
  readonly ranks?: readonly number[]
  readonly fulls?: number
}

export function chanceTerms(rows: number, width: number, counts: TermCounts, purpose = 'first'): Terms {
  const { halves = 0, ranks = [], fulls = 0 } = counts
  const named = (kind: string, index: number) => `${purpose} ${rows} ${width} ${kind} ${index}`
  return {
    rows,
    width,
    halves: Array.from({ length: halves }, (_, i) => rounded(chance(named('half', i), rows * width))),
    narrows: ranks.map((signed, i) => {
      const rank = Math.abs(signed)
      return {
        rank,
        down: chance(named('down', i), rows * rank),
        up: chance(named('up', i), rank * width),
        isTurned: signed < 0,
        scale: Math.fround(0.5 + i / 3),
      }
    }),
    fulls: Array.from({ length: fulls }, (_, i) => chance(named('full', i), rows * width)),
  }
}

export function sumOf({ rows, width, halves, narrows, fulls }: Terms): Float64Array {
  const sum = new Float64Array(rows * width)
  for (const term of [...halves, ...fulls]) for (let i = 0; i < sum.length; i += 1) sum[i]! += term[i]!
  for (const { rank, down, up, isTurned, scale } of narrows)
    for (let t = 0; t < rows; t += 1)
      for (let c = 0; c < width; c += 1)
        for (let r = 0; r < rank; r += 1)
          sum[t * width + c]! += scale * down[t * rank + r]! * up[isTurned ? c * rank + r : r * width + c]!
  return sum
}

const noTerms = { halves: [], narrows: [], fulls: [] }

/** As the operators take them. */
export function termInputs(first: Terms, second: Pick<Terms, 'halves' | 'narrows' | 'fulls'> = noTerms) {
  const { rows, width } = first
  const halves = [...first.halves, ...second.halves]
  const narrows = [...first.narrows, ...second.narrows]
  const fulls = [...first.fulls, ...second.fulls]
  const inputs: readonly Given[] = [
    ...halves.map((data) => ({ shape: [rows, width], data, isHalf: true })),
    ...narrows.map(({ rank, down }) => ({ shape: [rows, rank], data: down })),
    ...narrows.map(({ rank, up, isTurned }) => ({
      shape: isTurned ? [width, rank] : [rank, width],
      data: up,
    })),
    ...fulls.map((data) => ({ shape: [rows, width], data })),
  ]
  const attributes: Attributes = {
    H: integer(halves.length),
    N: integer(narrows.length),
    F: integer(fulls.length),
    first_H: integer(first.halves.length),
    first_N: integer(first.narrows.length),
    first_F: integer(first.fulls.length),
    turned: integer(narrows.reduce((bits, { isTurned }, i) => bits + (isTurned ? 2 ** i : 0), 0)),
    scales: floats(narrows.map(({ scale }) => scale)),
  }
  return { inputs, attributes }
}

export const gives = (full: boolean, half: boolean): Attributes => ({
  gives_full: boolean(full),
  gives_half: boolean(half),
})

/** The largest difference, of the largest number wanted; infinite where lengths differ or something is no number. */
export function distance(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY
  let [worst, largest] = [0, 0]
  for (let i = 0; i < wanted.length; i += 1) {
    const difference = Math.abs(found[i]! - wanted[i]!)
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference)
    largest = Math.max(largest, Math.abs(wanted[i]!))
  }
  return worst === 0 ? 0 : worst / largest
}
