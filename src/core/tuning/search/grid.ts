// The grid: every choice, numbers at as many levels as the trials allow, in a random order so that one that is ended early
// has seen all of the space. Settings that do not count make no further points.
import type { StudiedSettings } from '#shared/study.ts'
import { type Axis, keyOf } from './axes.ts'
import { gridPoints, pointAt } from './points.ts'
import { drawsOf, drawWhole, shuffled } from './streams.ts'

/** Where nobody says how many trials there will be. */
export const usualTrials = 60
/** More levels tell nothing that the ones between would not. */
const mostLevels = 9
/** A grid of more points is drawn from instead of listed: no study has that many trials. */
const mostListed = 10_000
const mostDraws = 1000

/** The next point of the grid that was not tried; null when it is through. */
export function nextOfGrid(
  axes: readonly Axis[],
  seed: number,
  tried: ReadonlySet<string>,
  trials: number | null,
): StudiedSettings | null {
  const levels = gridLevels(axes, trials ?? usualTrials)
  const points = [...gridPoints(axes, levels, mostListed + 1)]
  if (points.length > mostListed) return drawFromGrid(axes, levels, seed, tried)
  return shuffled(points, drawsOf(seed, 'grid')).find((point) => !tried.has(keyOf(point))) ?? null
}

/** Two levels for each number, then one more in turn for as long as the whole grid fits into the trials. */
export function gridLevels(axes: readonly Axis[], trials: number): number[] {
  const levels = axes.map((axis) => levelsFrom(axis))
  const isGrowing = axes.map((axis) => !axis.isFixed && axis.dimension.kind !== 'choice')
  while (isGrowing.includes(true))
    for (const [index, axis] of axes.entries()) {
      if (!isGrowing[index]) continue
      levels[index]! += 1
      const isTooFine = levels[index]! > Math.min(mostLevels, axis.cells ?? mostLevels)
      if (!isTooFine && countPoints(axes, levels, trials) <= trials) continue
      levels[index]! -= 1
      isGrowing[index] = false
    }
  return levels
}

const levelsFrom = (axis: Axis): number => {
  if (axis.isFixed) return 1
  return axis.dimension.kind === 'choice' ? axis.dimension.values.length : 2
}

function countPoints(axes: readonly Axis[], levels: readonly number[], enough: number): number {
  let count = 0
  for (const _ of gridPoints(axes, levels, enough + 1)) count += 1
  return count
}

function drawFromGrid(
  axes: readonly Axis[],
  levels: readonly number[],
  seed: number,
  tried: ReadonlySet<string>,
): StudiedSettings | null {
  const draw = drawsOf(seed, 'grid of many points')
  for (let round = 0; round < mostDraws + tried.size; round += 1) {
    const point = pointAt(axes, (axis) => levelPlace(axes[axis]!, levels[axis]!, draw))
    if (!tried.has(keyOf(point))) return point
  }
  return null
}

const levelPlace = (axis: Axis, levels: number, draw: () => number): number => {
  const level = drawWhole(draw, levels)
  if (axis.dimension.kind === 'choice') return (level + 0.5) / levels
  return levels === 1 ? 0.5 : level / (levels - 1)
}
