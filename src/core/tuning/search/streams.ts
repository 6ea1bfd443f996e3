// Random numbers of a study: a stream for each trial and purpose, so that a trial's settings depend on nothing that
// happened in between but its history.
import { counterRandom } from '#engine/index.ts'

/** The next number of a stream, in [0, 1). */
export type Draw = () => number

export function drawsOf(seed: number, purpose: string): Draw {
  const stream = counterRandom(seed, `search ${purpose}`)
  let index = 0
  return () => {
    index += 1
    return stream(index - 1)
  }
}

/** A whole number from 0 to `below` - 1. */
export const drawWhole = (draw: Draw, below: number): number =>
  Math.min(below - 1, Math.floor(draw() * below))

/** Fisher and Yates: the same list in a random order. */
export function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = drawWhole(draw, last + 1)
    const kept = result[last]!
    result[last] = result[other]!
    result[other] = kept
  }
  return result
}

/** From a normal distribution with mean 0 and deviation 1 (Box and Muller 1958). */
export const drawNormal = (draw: Draw): number =>
  Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())
