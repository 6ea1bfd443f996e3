// Rows as a head on a frozen body looks at them: of the states of all tokens only those at labelled places are left, or
// their mean. One state stands for a whole text, or one for each word.
import type { EncodedRow } from '#engine/train/collate.ts'
import { ignoredLabel } from '#shared/labels.ts'

/** A row that stands for another one. */
export interface ReducedRow extends EncodedRow {
  readonly whole: EncodedRow
  /** What tells its states from those of the whole row, and of other reductions. */
  readonly mark: readonly number[]
  /** Of the states of the whole row, [tokens,C], what is left: [this row's length,C]. */
  reduce(states: Float32Array, width: number): Float32Array
}

export const isReduced = (row: EncodedRow): row is ReducedRow => 'whole' in row

export class LabelledRow implements ReducedRow {
  readonly rowId: string
  readonly whole: EncodedRow
  /** In the whole row, ascending. */
  readonly places: readonly number[]

  constructor(whole: EncodedRow) {
    this.rowId = whole.rowId
    this.whole = whole
    const { labels } = whole
    this.places = Array.from(labels, (label, place) => (label === ignoredLabel ? -1 : place)).filter(
      (place) => place >= 0,
    )
  }

  get mark(): readonly number[] {
    return [-1, ...this.places]
  }

  get ids(): ArrayLike<number> {
    return this.#at(this.whole.ids)
  }

  get labels(): ArrayLike<number> {
    return this.#at(this.whole.labels)
  }

  reduce(states: Float32Array, width: number): Float32Array {
    const numbers = new Float32Array(this.places.length * width)
    for (const [index, place] of this.places.entries())
      numbers.set(states.subarray(place * width, (place + 1) * width), index * width)
    return numbers
  }

  #at(list: ArrayLike<number>): Int32Array {
    return Int32Array.from(this.places, (place) => list[place]!)
  }
}

/** A text as the mean of its states, with the one label that it has. */
export class AveragedRow implements ReducedRow {
  readonly rowId: string
  readonly whole: EncodedRow
  readonly mark = [-2]
  readonly ids: readonly number[]
  readonly labels: readonly number[]

  constructor(whole: EncodedRow) {
    this.rowId = whole.rowId
    this.whole = whole
    this.ids = [whole.ids[0]!]
    this.labels = Array.from(whole.labels).filter((label) => label !== ignoredLabel)
  }

  reduce(states: Float32Array, width: number): Float32Array {
    const tokens = this.whole.ids.length
    const mean = new Float32Array(width)
    for (let place = 0; place < tokens; place += 1)
      for (let i = 0; i < width; i += 1) mean[i]! += states[place * width + i]! / tokens
    return mean
  }
}
