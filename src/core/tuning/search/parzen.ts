// A density over points of a space, as a mixture: one product of kernels for each observed point and one, the prior, that
// covers everything. Truncated normal kernels on numbers, cells of them for whole numbers, weights on choices.
// Bergstra et al. 2011 (TPE, bandwidths from the neighbours), Falkner et al. 2018 (joint kernels, as in BOHB); bandwidths
// are kept above a share of the range that falls with the number of kernels, as Hyperopt and Optuna do.
import type { Axis, Place } from './axes.ts'
import { normalLogDensity, normalMass } from './normal.ts'
import { type Draw, drawNormal } from './streams.ts'

/** A point as its places, axis by axis; null where an axis does not count for it or its value is not known. */
export type PlacedPoint = readonly (Place | null)[]

export interface Density {
  /** Draws kernels, by how likely each is where this is given; places of one level are drawn from the same one. */
  kernelsGiven(given: PlacedPoint): (draw: Draw) => number
  /** A place on this axis, from 0 to 1, as this kernel has it. */
  drawPlace(kernel: number, axis: number, draw: Draw): number
  /** Logarithm of the density; axes that do not count for the point are left out. */
  logDensity(point: PlacedPoint): number
}

/** One axis of a kernel: `at` is null where the observed point knows nothing of the axis: then it is even over the axis. */
interface Kernel {
  readonly at: number | null
  /** Deviation, on axes of numbers. */
  readonly width: number
  /** Logarithm of the normal distribution's mass between 0 and 1. */
  readonly logMass: number
}

/** @param weights one for each point; the prior weighs 1. */
export function densityOf(
  axes: readonly Axis[],
  points: readonly PlacedPoint[],
  weights: readonly number[],
): Density {
  const kernels = axes.map((axis, index) =>
    kernelsOn(
      axis,
      points.map((point) => point[index]?.at ?? null),
    ),
  )
  const total = weights.reduce((sum, weight) => sum + weight, 1)
  const shares = [...weights, 1].map((weight) => weight / total)
  const logsOf = (point: PlacedPoint): number[] =>
    shares.map((share, kernel) => {
      let log = Math.log(share)
      for (const [axis, place] of point.entries())
        if (place !== null) log += logKernel(kernels[axis]![kernel]!, axes[axis]!, shares.length, place)
      return log
    })
  return {
    kernelsGiven: (given) => {
      const logs = logsOf(given)
      const all = logSum(logs)
      const chances = logs.map((log) => Math.exp(log - all))
      return (draw) => {
        let left = draw()
        const kernel = chances.findIndex((chance) => {
          left -= chance
          return left < 0
        })
        // Rounding may leave a little: the last one is the prior.
        return kernel < 0 ? points.length : kernel
      }
    },
    drawPlace: (kernel, axis, draw) => drawFrom(kernels[axis]![kernel]!, axes[axis]!, shares.length, draw),
    logDensity: (point) => logSum(logsOf(point)),
  }
}

/** The prior is the last one: from the middle, as wide as the axis. */
function kernelsOn(axis: Axis, observed: readonly (number | null)[]): Kernel[] {
  const even: Kernel = { at: null, width: 1, logMass: 0 }
  if (axis.dimension.kind === 'choice')
    return [...observed.map((at) => (at === null ? even : { at, width: 1, logMass: 0 })), even]
  const widths = neighbourWidths(observed, 1 / Math.min(100, 2 + observed.length))
  return [...observed, 0.5].map((at, index) => {
    if (at === null) return even
    const width = widths[index] ?? 1
    return { at, width, logMass: Math.log(normalMass(-at / width, (1 - at) / width)) }
  })
}

/**
 * The distance to the farther one of both neighbours; the outermost points go by their only neighbour, a single point by
 * the farther end of the axis.
 */
function neighbourWidths(observed: readonly (number | null)[], least: number): (number | null)[] {
  const sorted = observed
    .flatMap((at, index) => (at === null ? [] : [{ at, index }]))
    .sort((a, b) => a.at - b.at || a.index - b.index)
  const widths: (number | null)[] = observed.map(() => null)
  sorted.forEach(({ at, index }, rank) => {
    const below = sorted[rank - 1]?.at ?? (sorted.length === 1 ? 0 : at)
    const above = sorted[rank + 1]?.at ?? (sorted.length === 1 ? 1 : at)
    widths[index] = Math.min(1, Math.max(least, at - below, above - at))
  })
  return widths
}

/** What the prior gives each choice besides the observed one, before all are made to sum to 1. */
const choiceFloor = (kernelCount: number): number => 1 / kernelCount

function drawFrom({ at, width }: Kernel, axis: Axis, kernelCount: number, draw: Draw): number {
  if (at === null) return draw()
  if (axis.dimension.kind === 'choice') {
    const floor = choiceFloor(kernelCount)
    return draw() < 1 / (1 + floor * (axis.cells ?? 1)) ? at : draw()
  }
  // Kernels lie within the axis and are at most as wide: a third of all draws are inside, or more.
  for (;;) {
    const place = at + width * drawNormal(draw)
    if (place >= 0 && place <= 1) return place
  }
}

function logKernel({ at, width, logMass }: Kernel, axis: Axis, kernelCount: number, place: Place): number {
  if (axis.dimension.kind === 'choice') {
    const cells = axis.cells ?? 1
    if (at === null) return -Math.log(cells)
    const floor = choiceFloor(kernelCount)
    return Math.log(((at >= place.from && at < place.to ? 1 : 0) + floor) / (1 + floor * cells))
  }
  const isCell = place.to > place.from
  if (at === null) return isCell ? Math.log(place.to - place.from) : 0
  if (!isCell) return normalLogDensity((place.at - at) / width) - Math.log(width) - logMass
  const mass = normalMass((place.from - at) / width, (place.to - at) / width)
  // Far out on a narrow kernel the mass is below what a number can hold: the prior is then all that counts.
  return Math.log(Math.max(mass, Number.MIN_VALUE)) - logMass
}

function logSum(logs: readonly number[]): number {
  const most = Math.max(...logs)
  let sum = 0
  for (const log of logs) sum += Math.exp(log - most)
  return most + Math.log(sum)
}
