// A forest of regression trees over the settings of a study's trials, and what it says of one setting in the mean over all
// others. A range by factors is even in its logarithm.
import type { StudiedSettings } from '#shared/study.ts'
import { type Axis, isActive } from './axes.ts'
import { growTree, type Leaf } from './forest.ts'
import {
  type Marginal,
  type Measure,
  marginalOf,
  marginalVariance,
  meanAt,
  varianceOf,
  wholeAxis,
} from './marginals.ts'
import type { Steps } from './steps.ts'
import { type Draw, shuffled } from './streams.ts'

export interface Result {
  readonly settings: StudiedSettings
  readonly lossNats: number
}

/** Results as a forest reads them. */
export interface Table {
  readonly axes: readonly Axis[]
  readonly values: Float64Array
  readonly columns: readonly Column[]
}

/** Of each trial its place from 0 to 1; null where the setting does not count. */
type Places = readonly (number | null)[]

interface Column {
  /** As the axis has them. */
  readonly known: Places
  /** Of choices the rank of each by its mean loss; null for numbers. */
  readonly ranks: readonly number[] | null
  /** Choices by their ranks. */
  readonly places: Places
}

/** A tree is its leaves. */
type Trees = readonly (readonly Leaf[])[]

export function tableOf(axes: readonly Axis[], results: readonly Result[]): Table {
  const values = Float64Array.from(results, ({ lossNats }) => lossNats)
  const columns = axes.map((axis) =>
    columnOf(
      axis,
      results.map(({ settings }) => placeOn(axis, settings)),
      values,
    ),
  )
  return { axes, values, columns }
}

/** Null where the setting does not count or is not known. */
const placeOn = (axis: Axis, settings: StudiedSettings): number | null =>
  isActive(axis.dimension, settings) ? (axis.placeOf(settings[axis.dimension.path])?.at ?? null) : null

/** Choices lie on their axis by rising mean loss: of all ways to part them in two the best is then a cut (Fisher 1958). */
function columnOf({ dimension }: Axis, known: Places, values: Float64Array): Column {
  if (dimension.kind !== 'choice') return { known, ranks: null, places: known }
  const count = dimension.values.length
  const cells = known.map((place) => (place === null ? null : Math.floor(place * count)))
  const all = meanOf([...values])
  const means = dimension.values.map((_, cell) => {
    const having = [...values].filter((_value, at) => cells[at] === cell)
    return having.length === 0 ? all : meanOf(having)
  })
  const order = means.map((_, index) => index).sort((a, b) => means[a]! - means[b]! || a - b)
  const ranks = means.map((_, index) => order.indexOf(index))
  const places = cells.map((cell) => (cell === null ? null : (ranks[cell]! + 0.5) / count))
  return { known, ranks, places }
}

/** The same with the values of one setting dealt anew among the trials in which it counts: it then says nothing. */
export function withShuffled(table: Table, axis: number, draw: Draw): Table {
  const { axes, values, columns } = table
  const { known } = columns[axis]!
  const dealt = shuffled(
    known.filter((place) => place !== null),
    draw,
  )
  const column = columnOf(
    axes[axis]!,
    known.map((place) => (place === null ? null : dealt.pop()!)),
    values,
  )
  return { axes, values, columns: columns.map((one, index) => (index === axis ? column : one)) }
}

/** Where a setting did not count it is put anywhere, in each tree anew: the loss does not go by it there. */
export function* growForest({ columns, values }: Table, count: number, draw: Draw): Steps<Trees> {
  const trees: (readonly Leaf[])[] = []
  while (trees.length < count) {
    const places = columns.map(({ places }) => Float64Array.from(places, (place) => place ?? draw()))
    trees.push(growTree({ places, values }, draw))
    yield
  }
  return trees
}

/**
 * How much of each tree's variance an axis alone explains, in the mean over trees; made to sum to 1, as Optuna's figures
 * are: what settings do only together belongs to none of them.
 */
export function* sharesOf({ axes }: Table, trees: Trees): Steps<number[]> {
  const measures = axes.map(() => wholeAxis)
  const sums = axes.map(() => 0)
  for (const leaves of trees) {
    const variance = varianceOf(leaves)
    if (variance > 0)
      axes.forEach((_, axis) => {
        sums[axis]! += marginalVariance(marginalOf(leaves, axis, measures)) / variance
      })
    yield
  }
  const all = sums.reduce((total, sum) => total + sum, 0)
  return sums.map((sum) => (all > 0 ? sum / all : 0))
}

/** Places of an axis at which the effect is looked up. */
const curvePlaces = 32
/** Parts of an axis whose means are compared with chance: single places follow single odd losses. */
const curveParts = 8

/** The loss at evenly spaced places of an axis, in the mean over trees and over all others, where the axis counts. */
export function* curveOf(table: Table, trees: Trees, axis: number): Steps<number[]> {
  const measures = measuresWhereActive(table, axis)
  const marginals: Marginal[] = []
  for (const leaves of trees) {
    marginals.push(marginalOf(leaves, axis, measures))
    yield
  }
  const places = Math.min(curvePlaces, table.axes[axis]!.cells ?? curvePlaces)
  return Array.from({ length: places }, (_, place) => {
    const at = (place + 0.5) / places
    return meanOf(marginals.map((marginal) => meanAt(marginal, at)))
  })
}

/** The deviation of a curve's parts from its mean. */
export function bendOf(curve: readonly number[]): number {
  const length = Math.ceil(curve.length / curveParts)
  const parts = curve.flatMap((_, at) => (at % length === 0 ? [meanOf(curve.slice(at, at + length))] : []))
  const mean = meanOf(parts)
  return Math.sqrt(meanOf(parts.map((part) => (part - mean) ** 2)))
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** Of what a setting depends on only the values beside which it counts, and so on upwards. */
function measuresWhereActive({ axes, columns }: Table, axis: number): Measure[] {
  const measures: Measure[] = axes.map(() => wholeAxis)
  let condition = axes[axis]!.dimension.onlyWhen
  while (condition !== null) {
    const { path, values } = condition
    const parent = axes.findIndex(({ dimension }) => dimension.path === path)
    if (parent < 0) break
    const ranks = columns[parent]!.ranks
    const cells = values.flatMap((value): Measure => {
      const place = axes[parent]!.placeOf(value)
      if (place === null || place.to === place.from) return []
      const rank = ranks?.[Math.floor(place.at * ranks.length)]
      if (rank === undefined) return [[place.from, place.to]]
      const width = place.to - place.from
      return [[rank * width, (rank + 1) * width]]
    })
    if (cells.length > 0) measures[parent] = cells
    condition = axes[parent]!.dimension.onlyWhen
  }
  return measures
}
