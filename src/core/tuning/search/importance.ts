// Which settings the loss goes by: fANOVA (Hutter, Hoos and Leyton-Brown 2014) on a forest of regression trees. A range by
// factors is even in its logarithm. What chance alone gives is measured too: the same on shuffled losses.
import type { StudyView } from '#shared/contract/studies.ts'
import type { Dimension, StudiedSettings, StudyTrial } from '#shared/study.ts'
import { type Axis, axesOf, isActive } from './axes.ts'
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
import type { SeedNoise } from './seeds.ts'
import { type Draw, drawsOf, shuffled } from './streams.ts'

type Reading = StudyView['importance']
type Trial = Pick<StudyTrial, 'settings' | 'status' | 'lossNats' | 'rungLosses'>

export interface ImportanceRequest {
  readonly space: readonly Dimension[]
  readonly observations: readonly Trial[]
  readonly seedNoise: SeedNoise | null
  readonly seed: number
}

const trees = 128
/** Of each forest on shuffled losses: fewer trees make its effects a little larger, never smaller. */
const chanceTrees = 16
const chanceForests = 40
const chanceLevel = 0.95
const leastTrials = 10
/** Places of an axis at which the effect is looked up. */
const curvePlaces = 32
/** Parts of an axis whose means are compared with chance: single places follow single odd losses. */
const curveParts = 8
/** Two runs that differ in their seed alone are nearer to each other than so many deviations, 95 times in 100. */
const seedReach = 1.96 * Math.SQRT2

/** Shares and effects of all settings that had more than one value, the greatest share first. */
export function importanceOf({ space, observations, seedNoise, seed }: ImportanceRequest): Reading {
  const axes = axesOf(space).filter(({ isFixed }) => !isFixed)
  const results = knownLosses(observations)
  const reading = { seedNoise, trials: results.length }
  const cannotTell = whyNot(axes, results)
  if (cannotTell !== null) return { ...reading, settings: [], cannotTell }

  const forest = growForest(axes, results, trees, drawsOf(seed, 'forest'))
  const shares = sharesOf(axes, forest)
  const byChance = deviationsByChance(axes, results, seed)
  const seedNats = seedNoise === null ? 0 : seedReach * seedNoise.sdNats
  const settings = axes.map(({ dimension: { path } }, axis) => {
    const curve = curveOf(axes, forest, axis)
    const effectNats = Math.max(...curve) - Math.min(...curve)
    const isNoise = effectNats <= seedNats || bendOf(curve) <= byChance[axis]!
    return { path, share: shares[axis]!, effectNats, isNoise }
  })
  return { ...reading, settings: settings.sort((a, b) => b.share - a.share), cannotTell: null }
}

interface Result {
  readonly settings: StudiedSettings
  readonly lossNats: number
}

function whyNot(axes: readonly Axis[], results: readonly Result[]): string | null {
  if (axes.length === 0) return 'Every setting has a single value: there is nothing to compare.'
  const needed = Math.max(leastTrials, 2 * axes.length)
  if (results.length < needed)
    return `${results.length} of at least ${needed} trials have a result: too few to tell which setting matters.`
  const [first] = results
  if (results.every(({ lossNats }) => lossNats === first?.lossNats))
    return 'All trials have the same loss: no setting made a difference.'
  return null
}

/**
 * Losses at the end. A trial that was given up has none: its loss at its last rung, less what trials that went on from there
 * came down in the median, stands for it; it is left out where fewer than three went on.
 */
function knownLosses(observations: readonly Trial[]): Result[] {
  const complete = observations.filter(({ status }) => status === 'complete')
  return observations.flatMap((trial) => {
    const lossNats = trial.status === 'pruned' ? lossIfFinished(trial, complete) : trial.lossNats
    const isKnown = trial.status === 'complete' || trial.status === 'pruned'
    return isKnown && lossNats !== null && Number.isFinite(lossNats)
      ? [{ settings: trial.settings, lossNats }]
      : []
  })
}

function lossIfFinished({ rungLosses }: Trial, complete: readonly Trial[]): number | null {
  const last = rungLosses.at(-1)
  if (last === undefined) return null
  const falls = complete
    .flatMap((trial) => {
      const there = trial.rungLosses.find(({ share }) => Math.abs(share - last.share) < 1e-9)
      return there === undefined || trial.lossNats === null ? [] : [there.lossNats - trial.lossNats]
    })
    .filter(Number.isFinite)
    .sort((a, b) => a - b)
  if (falls.length < 3) return null
  return last.lossNats - falls[falls.length >> 1]!
}

interface Forest {
  readonly grown: readonly (readonly Leaf[])[]
  /** Of each axis of choices: the rank of each choice by its mean loss. */
  readonly ranks: readonly (readonly number[] | null)[]
}

/**
 * Choices lie on their axis by rising mean loss: of all ways to part them in two the best is then a cut (Fisher 1958).
 * Where a setting did not count it is put anywhere, in each tree anew: the loss does not go by it there.
 */
function growForest(axes: readonly Axis[], results: readonly Result[], count: number, draw: Draw): Forest {
  const ranks = axes.map((axis) => rankChoices(axis, results))
  const values = Float64Array.from(results, ({ lossNats }) => lossNats)
  const placed = axes.map((axis, index) =>
    results.map(({ settings }) => placeIn(axis, ranks[index] ?? null, settings)),
  )
  const grown = Array.from({ length: count }, () => {
    const places = placed.map((along) => Float64Array.from(along, (place) => place ?? draw()))
    return growTree({ places, values }, draw)
  })
  return { grown, ranks }
}

function rankChoices(axis: Axis, results: readonly Result[]): number[] | null {
  const { dimension } = axis
  if (dimension.kind !== 'choice') return null
  const all = meanLoss(results)
  const means = dimension.values.map((value) => {
    const having = results.filter(
      ({ settings }) => isActive(dimension, settings) && settings[dimension.path] === value,
    )
    return having.length === 0 ? all : meanLoss(having)
  })
  const order = means.map((_, index) => index).sort((a, b) => means[a]! - means[b]! || a - b)
  return means.map((_, index) => order.indexOf(index))
}

const meanLoss = (results: readonly Result[]): number => meanOf(results.map(({ lossNats }) => lossNats))

/** Null where the setting does not count or is not known. */
function placeIn(axis: Axis, ranks: readonly number[] | null, settings: StudiedSettings): number | null {
  const { dimension } = axis
  const place = isActive(dimension, settings) ? axis.placeOf(settings[dimension.path]) : null
  if (place === null || ranks === null) return place?.at ?? null
  return (ranks[Math.floor(place.at * ranks.length)]! + 0.5) / ranks.length
}

/**
 * How much of each tree's variance an axis alone explains, in the mean over trees; made to sum to 1, as Optuna's figures
 * are: what settings do only together belongs to none of them.
 */
function sharesOf(axes: readonly Axis[], { grown }: Forest): number[] {
  const measures = axes.map(() => wholeAxis)
  const sums = axes.map(() => 0)
  for (const leaves of grown) {
    const variance = varianceOf(leaves)
    if (!(variance > 0)) continue
    axes.forEach((_, axis) => {
      sums[axis]! += marginalVariance(marginalOf(leaves, axis, measures)) / variance
    })
  }
  const all = sums.reduce((total, sum) => total + sum, 0)
  return sums.map((sum) => (all > 0 ? sum / all : 0))
}

/**
 * How far shuffled losses make an axis's curve bend at most, 95 times in 100. Between best and worst
 * place a single odd loss would decide.
 */
function deviationsByChance(axes: readonly Axis[], results: readonly Result[], seed: number): number[] {
  const draw = drawsOf(seed, 'shuffled losses')
  const losses = results.map(({ lossNats }) => lossNats)
  const deviations = Array.from({ length: chanceForests }, () => {
    const mixed = shuffled(losses, draw)
    const shuffledResults = results.map(({ settings }, index) => ({ settings, lossNats: mixed[index]! }))
    const forest = growForest(axes, shuffledResults, chanceTrees, draw)
    return axes.map((_, axis) => bendOf(curveOf(axes, forest, axis)))
  })
  return axes.map((_, axis) => {
    const sorted = deviations.map((one) => one[axis]!).sort((a, b) => a - b)
    return sorted[Math.ceil(chanceLevel * sorted.length) - 1]!
  })
}

/** The loss at evenly spaced places of an axis, in the mean over trees and over all others, where the axis counts. */
function curveOf(axes: readonly Axis[], { grown, ranks }: Forest, axis: number): number[] {
  const measures = measuresWhereActive(axes, ranks, axis)
  const marginals: Marginal[] = grown.map((leaves) => marginalOf(leaves, axis, measures))
  const places = Math.min(curvePlaces, axes[axis]!.cells ?? curvePlaces)
  return Array.from({ length: places }, (_, place) => {
    const at = (place + 0.5) / places
    return marginals.reduce((sum, marginal) => sum + meanAt(marginal, at), 0) / marginals.length
  })
}

/** The deviation of a curve's parts from its mean. */
function bendOf(curve: readonly number[]): number {
  const length = Math.ceil(curve.length / curveParts)
  const parts = curve.flatMap((_, at) => (at % length === 0 ? [meanOf(curve.slice(at, at + length))] : []))
  const mean = meanOf(parts)
  return Math.sqrt(meanOf(parts.map((part) => (part - mean) ** 2)))
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** Of what a setting depends on only the values beside which it counts, and so on upwards. */
function measuresWhereActive(axes: readonly Axis[], ranks: Forest['ranks'], axis: number): Measure[] {
  const measures: Measure[] = axes.map(() => wholeAxis)
  let condition = axes[axis]!.dimension.onlyWhen
  while (condition !== null) {
    const { path, values } = condition
    const parent = axes.findIndex(({ dimension }) => dimension.path === path)
    if (parent < 0) break
    const cells = values.flatMap((value): Measure => {
      const place = axes[parent]!.placeOf(value)
      if (place === null || place.to === place.from) return []
      const rank = ranks[parent]?.[Math.floor(place.at * (ranks[parent]?.length ?? 0))]
      if (rank === undefined) return [[place.from, place.to]]
      const width = place.to - place.from
      return [[rank * width, (rank + 1) * width]]
    })
    if (cells.length > 0) measures[parent] = cells
    condition = axes[parent]!.dimension.onlyWhen
  }
  return measures
}
