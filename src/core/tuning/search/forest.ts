// Regression trees grown on bootstrap samples (Breiman 2001), each down to single values: a model of the loss that knows
// nothing of its shape. A tree is given as its leaves: boxes that together fill the space.
import { type Draw, drawWhole } from './streams.ts'

/** One box of the unit cube, and the mean of the points that fell into it. */
export interface Leaf {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly value: number
}

export interface Samples {
  /** Places from 0 to 1, axis by axis: one for each sample. */
  readonly places: readonly Float64Array[]
  readonly values: Float64Array
}

/** A part of the space that is not done: its samples stand from `start` to before `end` in the orders of all axes. */
interface Box extends Pick<Leaf, 'from' | 'to'> {
  readonly start: number
  readonly end: number
}

interface Split {
  readonly axis: number
  readonly threshold: number
  /** Squared deviations that the split takes away, up to a constant. */
  readonly gain: number
}

/** One tree on as many samples as there are, drawn with replacement. */
export function growTree({ places, values }: Samples, draw: Draw): Leaf[] {
  const count = values.length
  const drawn = Uint32Array.from({ length: count }, () => drawWhole(draw, count))
  // Sorted once: a split keeps the order on both of its sides.
  const orders = places.map((along) => drawn.slice().sort((a, b) => along[a]! - along[b]! || a - b))
  const leaves: Leaf[] = []
  const axes = places.length
  const open: Box[] = [
    { start: 0, end: count, from: new Float64Array(axes), to: new Float64Array(axes).fill(1) },
  ]
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const { start, end, from, to } = box
    const split = bestSplit(orders, { places, values }, box, draw)
    if (split === null) {
      leaves.push({ from, to, value: sumOf(orders[0]!, values, box) / (end - start) })
      continue
    }
    const { axis, threshold } = split
    const middle = partition(orders, places[axis]!, threshold, box)
    open.push({ start, end: middle, from, to: withEnd(to, axis, threshold) })
    open.push({ start: middle, end, from: withEnd(from, axis, threshold), to })
  }
  return leaves
}

const withEnd = (ends: Float64Array, axis: number, threshold: number): Float64Array => {
  const copy = ends.slice()
  copy[axis] = threshold
  return copy
}

function sumOf(order: Uint32Array, values: Float64Array, { start, end }: Box): number {
  let sum = 0
  for (let at = start; at < end; at += 1) sum += values[order[at]!]!
  return sum
}

/** Puts what lies below the threshold first, in all orders; returns where the rest begins. */
function partition(
  orders: readonly Uint32Array[],
  along: Float64Array,
  threshold: number,
  { start, end }: Box,
): number {
  let middle = start
  for (const order of orders) {
    const above: number[] = []
    middle = start
    for (let at = start; at < end; at += 1) {
      const sample = order[at]!
      if (along[sample]! > threshold) above.push(sample)
      else {
        order[middle] = sample
        middle += 1
      }
    }
    order.set(above, middle)
  }
  return middle
}

/** The cut between two neighbours on an axis that leaves the least variance; null where all values are the same. */
function bestSplit(
  orders: readonly Uint32Array[],
  { places, values }: Samples,
  box: Box,
  draw: Draw,
): Split | null {
  const order = orders[0]!
  let isVaried = false
  for (let at = box.start + 1; at < box.end && !isVaried; at += 1)
    isVaried = values[order[at]!] !== values[order[box.start]!]
  if (!isVaried) return null
  const total = sumOf(order, values, box)
  const offset = drawWhole(draw, places.length)
  let best: Split | null = null
  // Of equal splits the first is taken: axes are gone through from a random one.
  for (let turn = 0; turn < places.length; turn += 1) {
    const axis = (offset + turn) % places.length
    const split = bestOnAxis(axis, orders[axis]!, places[axis]!, values, box, total)
    if (split !== null && (best === null || split.gain > best.gain)) best = split
  }
  return best
}

function bestOnAxis(
  axis: number,
  order: Uint32Array,
  along: Float64Array,
  values: Float64Array,
  { start, end }: Box,
  total: number,
): Split | null {
  let gain = Number.NEGATIVE_INFINITY
  let cut = -1
  let below = 0
  for (let at = start; at + 1 < end; at += 1) {
    below += values[order[at]!]!
    if (along[order[at]!] === along[order[at + 1]!]) continue
    const count = at + 1 - start
    const possible = below ** 2 / count + (total - below) ** 2 / (end - start - count)
    if (possible > gain) [gain, cut] = [possible, at]
  }
  if (cut < 0) return null
  const [left, right] = [along[order[cut]!]!, along[order[cut + 1]!]!]
  const middle = (left + right) / 2
  return { axis, threshold: middle < right ? middle : left, gain }
}
