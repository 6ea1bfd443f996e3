// How many points a search can try at most: known where no setting has a continuous range, or where a grid is tried.
import type { Dimension, SamplerKind, StudiedSettings } from '#shared/study.ts'
import { type Axis, axesOf, keyOf } from './axes.ts'
import { gridLevels, usualTrials } from './grid.ts'
import { gridPoints } from './points.ts'

export interface PointsRequest {
  readonly space: readonly Dimension[]
  readonly sampler: SamplerKind
  /** Trials that the study's budget allows; null where it sets none. */
  readonly trials: number | null
}

/** No study has more trials, so nobody need count further. */
const mostCounted = 10_000

/** Null where there are more than any study has trials, or no setting at all. */
export function countPoints({ space, sampler, trials }: PointsRequest): number | null {
  if (space.length === 0) return null
  const axes = axesOf(space)
  if (sampler !== 'grid') return countListed(axes, cellsOf(axes))
  let count = countListed(axes, gridLevels(axes, trials ?? usualTrials))
  // A budget of so many trials may have a coarser grid: what is promised is what that one has.
  for (;;) {
    const next: number | null = count === null ? null : countListed(axes, gridLevels(axes, count))
    if (next === count || (next !== null && count !== null && next > count)) return count
    count = next
  }
}

/** The only point of a space that has no other one; null where there is a choice. */
export function onlyPoint(space: readonly Dimension[]): StudiedSettings | null {
  const axes = axesOf(space)
  const cells = cellsOf(axes)
  return cells !== null && countListed(axes, cells) === 1
    ? ([...gridPoints(axes, cells, 1)][0] ?? null)
    : null
}

function cellsOf(axes: readonly Axis[]): number[] | null {
  const cells = axes.flatMap((axis) => (axis.cells === null || axis.cells > mostCounted ? [] : [axis.cells]))
  return cells.length === axes.length ? cells : null
}

function countListed(axes: readonly Axis[], levels: readonly number[] | null): number | null {
  if (levels === null) return null
  const keys = new Set<string>()
  for (const point of gridPoints(axes, levels, mostCounted + 1)) keys.add(keyOf(point))
  return keys.size > mostCounted ? null : keys.size
}
