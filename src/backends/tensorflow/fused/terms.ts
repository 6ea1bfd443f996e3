// Sums that are not added up yet, as lists of their terms. Pure values.
// Legend: T rows, C columns, r columns of an adapter's bottleneck.
import { floats, integer, type TfAttribute } from '../graph-def.ts'
import type { Tensor } from '../tensor.ts'

/** scale * down up: an adapter's way up, which is never made by itself. */
export interface NarrowTerm {
  /** float32 [T,r] */
  readonly down: Tensor
  /** float32 [r,C], or [C,r] where it is turned */
  readonly up: Tensor
  readonly isTurned: boolean
  readonly scale: number
}

/** float32 [T,C]: the sum of all terms. */
export interface Terms {
  /** bfloat16 [T,C] */
  readonly halves: readonly Tensor[]
  readonly narrows: readonly NarrowTerm[]
  /** float32 [T,C] */
  readonly fulls: readonly Tensor[]
}

/** The derivative of a norm by its input, whose arriving gradient is a sum. */
export interface NormTerm {
  readonly dy: Terms
  /** float32 [T,C], [C], [T,1]: the norm's input, weight and invStd. */
  readonly x: Tensor
  readonly weight: Tensor
  readonly inverse: Tensor
  readonly offset: 0 | 1
}

/** A value that nobody has read yet: `terms`, and one derivative of a norm besides. */
export interface UnmadeSum {
  readonly terms: Terms
  readonly norm: NormTerm | null
}

export const noTerms: Terms = { halves: [], narrows: [], fulls: [] }

/** A tensor that is there, as a sum. */
export const termOf = (full: Tensor): Terms => ({ ...noTerms, fulls: [full] })

export const joined = (a: Terms, b: Terms): Terms => ({
  halves: [...a.halves, ...b.halves],
  narrows: [...a.narrows, ...b.narrows],
  fulls: [...a.fulls, ...b.fulls],
})

export const countOf = ({ halves, narrows, fulls }: Terms): number =>
  halves.length + narrows.length + fulls.length

interface SumInputs {
  readonly inputs: readonly Tensor[]
  readonly attributes: Readonly<Record<string, TfAttribute>>
}

/**
 * Two sums as the first inputs of an operator (kernels/sum-operators.cpp): all halves, all ways down, all ways up, all
 * full terms; of each list the first `first_...` belong to the first sum. Bit i of `turned` says how the i-th way up lies.
 */
export function inputsOf(first: Terms, second: Terms = noTerms): SumInputs {
  const { halves, narrows, fulls } = joined(first, second)
  const turned = narrows.reduce((bits, { isTurned }, i) => bits + (isTurned ? 2 ** i : 0), 0)
  return {
    inputs: [...halves, ...narrows.map(({ down }) => down), ...narrows.map(({ up }) => up), ...fulls],
    attributes: {
      H: integer(halves.length),
      N: integer(narrows.length),
      F: integer(fulls.length),
      first_H: integer(first.halves.length),
      first_N: integer(first.narrows.length),
      first_F: integer(first.fulls.length),
      turned: integer(turned),
      scales: floats(narrows.map(({ scale }) => scale)),
    },
  }
}
