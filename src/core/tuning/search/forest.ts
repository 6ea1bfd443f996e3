// Regression trees grown on bootstrap samples (Breiman 2001), each down to single points: a model of the loss that knows
// nothing of its shape. A tree is given as its leaves: boxes that together fill the space.
import { type Draw, drawWhole } from './streams.ts'

/** One box of the unit cube, and the mean of the points that fell into it. */
export interface Leaf {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly value: number
}

export interface Sample {
  /** One number from 0 to 1 for each axis. */
  readonly places: readonly number[]
  readonly value: number
}

/** A part of the space that is not done, with the points in it. */
interface Box extends Pick<Leaf, 'from' | 'to'> {
  readonly inside: readonly Sample[]
}

interface Split {
  readonly axis: number
  readonly threshold: number
  /** Squared deviations that the split takes away, up to a constant. */
  readonly gain: number
}

/** One tree on as many points as there are, drawn with replacement. */
export function growTree(samples: readonly Sample[], draw: Draw): Leaf[] {
  const drawn = samples.map(() => samples[drawWhole(draw, samples.length)]!)
  const axes = samples[0]?.places.length ?? 0
  const leaves: Leaf[] = []
  const open: Box[] = [{ inside: drawn, from: new Float64Array(axes), to: new Float64Array(axes).fill(1) }]
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const { inside, from, to } = box
    const split = bestSplit(inside, axes, draw)
    if (split === null) {
      leaves.push({ from, to, value: inside.reduce((sum, { value }) => sum + value, 0) / inside.length })
      continue
    }
    const { axis, threshold } = split
    const isBelow = ({ places }: Sample): boolean => places[axis]! <= threshold
    open.push({ inside: inside.filter(isBelow), from, to: withEnd(to, axis, threshold) })
    open.push({ inside: inside.filter((one) => !isBelow(one)), from: withEnd(from, axis, threshold), to })
  }
  return leaves
}

const withEnd = (ends: Float64Array, axis: number, threshold: number): Float64Array => {
  const copy = ends.slice()
  copy[axis] = threshold
  return copy
}

/** The cut between two neighbours on an axis that leaves the least variance; null where all values are the same. */
function bestSplit(inside: readonly Sample[], axes: number, draw: Draw): Split | null {
  const first = inside[0]?.value
  if (inside.every(({ value }) => value === first)) return null
  let best: Split | null = null
  const offset = drawWhole(draw, axes)
  // Of equal splits the first is taken: axes are gone through from a random one.
  for (let turn = 0; turn < axes; turn += 1) {
    const split = bestOnAxis(inside, (offset + turn) % axes)
    if (split !== null && (best === null || split.gain > best.gain)) best = split
  }
  return best
}

function bestOnAxis(inside: readonly Sample[], axis: number): Split | null {
  const sorted = [...inside].sort((a, b) => a.places[axis]! - b.places[axis]!)
  const total = sorted.reduce((sum, { value }) => sum + value, 0)
  let best: Split | null = null
  let below = 0
  for (let count = 1; count < sorted.length; count += 1) {
    const { places, value } = sorted[count - 1]!
    below += value
    const [left, right] = [places[axis]!, sorted[count]!.places[axis]!]
    if (left === right) continue
    const gain = below ** 2 / count + (total - below) ** 2 / (sorted.length - count)
    const middle = (left + right) / 2
    if (best === null || gain > best.gain) best = { axis, threshold: middle < right ? middle : left, gain }
  }
  return best
}
