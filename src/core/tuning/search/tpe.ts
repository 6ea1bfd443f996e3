// The tree-structured Parzen estimator (Bergstra et al. 2011), multivariate and over conditional spaces: what the best
// trials have in common against all others. One joint density: where a setting does not count for an observed
// point, that point's kernel is even on it. So what is active together is modelled together.
import type { StudiedSettings, StudiedValue } from '#shared/study.ts'
import { type Axis, isActive } from './axes.ts'
import type { Observation, SuggestRequest } from './observation.ts'
import { type Density, densityOf, type PlacedPoint } from './parzen.ts'
import type { Draw } from './streams.ts'

/** Points that are drawn from the good ones' density; the one that stands out most is taken. */
const candidates = 24
/**
 * Share of the results that count as good, and how many at most. A tenth, as in Hyperopt and Optuna, leaves one or two points
 * of the first twenty; over 120 studies of each objective 15 % came lower on most of them (docs/tuning.md).
 */
const goodShare = 0.15
const mostGood = 25
/** The newest so many results count in full; older ones the less, the older they are. */
const fullWeights = 25

interface Result extends Pick<Observation, 'number' | 'lossNats' | 'status' | 'lastShare'> {
  readonly point: PlacedPoint
}

/** The model of what is good and what is not; null while too few results are there. */
export interface TpeModel {
  readonly good: Density
  readonly other: Density
}

export function tpeModel(
  axes: readonly Axis[],
  { history, priors, startupTrials }: Pick<SuggestRequest, 'history' | 'priors' | 'startupTrials'>,
): TpeModel | null {
  const results = placedResults(axes, history, priors)
  const known = results.filter(({ status }) => status === 'complete' || status === 'pruned').sort(byQuality)
  if (known.length < startupTrials) return null
  const best = new Set(known.slice(0, Math.min(mostGood, Math.ceil(goodShare * known.length))))
  const density = (chosen: readonly Result[]): Density => {
    const points = chosen.map(({ point }) => point)
    return densityOf(axes, points, recencyWeights(points.length))
  }
  return {
    good: density(results.filter((result) => best.has(result))),
    other: density(results.filter((result) => !best.has(result))),
  }
}

/**
 * Of the candidates the one where good results are densest beside the others; `isTried` ones are passed over where nothing
 * else is to be drawn. Level by level: first what always counts, then what counts beside it, given that. Compared all at once,
 * points with more settings would win for having more of them to be good at.
 */
export function drawBest(
  axes: readonly Axis[],
  model: TpeModel,
  draw: Draw,
  isTried: (settings: StudiedSettings) => boolean,
): StudiedSettings | null {
  const levels = levelsOf(axes)
  const last = Math.max(...levels)
  let given: StudiedSettings = {}
  for (let level = 0; level <= last; level += 1) {
    const isLast = level === last
    const best = bestOfLevel(axes, model, draw, {
      isOpen: (axis) => levels[axis] === level,
      given,
      isRefused: (settings) => isLast && isTried(settings),
    })
    if (best === null) return null
    given = best
  }
  return given
}

interface Level {
  readonly isOpen: (axis: number) => boolean
  /** What the levels above have settled. */
  readonly given: StudiedSettings
  readonly isRefused: (settings: StudiedSettings) => boolean
}

function bestOfLevel(
  axes: readonly Axis[],
  { good, other }: TpeModel,
  draw: Draw,
  { isOpen, given, isRefused }: Level,
): StudiedSettings | null {
  const drawKernel = good.kernelsGiven(placesOf(axes, given))
  let best: { readonly settings: StudiedSettings; readonly score: number } | null = null
  for (let round = 0; round < candidates; round += 1) {
    const kernel = drawKernel(draw)
    const settings: Record<string, StudiedValue> = { ...given }
    axes.forEach((axis, index) => {
      if (isOpen(index) && isActive(axis.dimension, given))
        settings[axis.dimension.path] = axis.valueAt(good.drawPlace(kernel, index, draw))
    })
    const point = placesOf(axes, settings)
    const score = good.logDensity(point) - other.logDensity(point)
    if ((best === null || score > best.score) && !isRefused(settings)) best = { settings, score }
  }
  return best?.settings ?? null
}

/** 0 for what always counts, else one more than what it depends on. */
function levelsOf(axes: readonly Axis[]): number[] {
  const levels: number[] = []
  for (const { dimension } of axes) {
    const parent = axes.findIndex((axis) => axis.dimension.path === dimension.onlyWhen?.path)
    levels.push(parent < 0 ? 0 : (levels[parent] ?? 0) + 1)
  }
  return levels
}

/** Priors first, then by number: the order in which they were known. What is not of this space is left out. */
function placedResults(
  axes: readonly Axis[],
  history: SuggestRequest['history'],
  priors: SuggestRequest['priors'],
): Result[] {
  const earlier = priors.map(({ settings, lossNats }, index) => ({
    number: index - priors.length,
    settings,
    lossNats,
    status: 'complete' as const,
    lastShare: 1,
  }))
  return [...earlier, ...history]
    .filter(({ settings }) => isOfSpace(axes, settings))
    .sort((a, b) => a.number - b.number)
    .map(({ settings, ...rest }) => ({ ...rest, point: placesOf(axes, settings) }))
}

/** No value lies outside its range: a loss from out there says nothing of a place inside. */
const isOfSpace = (axes: readonly Axis[], settings: StudiedSettings): boolean =>
  axes.every(
    (axis) =>
      !Object.hasOwn(settings, axis.dimension.path) || axis.placeOf(settings[axis.dimension.path]) !== null,
  )

function placesOf(axes: readonly Axis[], settings: StudiedSettings): PlacedPoint {
  return axes.map((axis) =>
    axis.isFixed || !isActive(axis.dimension, settings) ? null : axis.placeOf(settings[axis.dimension.path]),
  )
}

/** Complete ones by their loss, then pruned ones by how far they came and their loss there, as Optuna ranks them. */
function byQuality(a: Result, b: Result): number {
  if (a.status !== b.status) return a.status === 'complete' ? -1 : 1
  const byShare = a.status === 'pruned' ? b.lastShare - a.lastShare : 0
  return byShare || compareLosses(a.lossNats, b.lossNats) || a.number - b.number
}

const compareLosses = (a: number | null, b: number | null): number => {
  const [x, y] = [a, b].map((loss) => (loss === null || Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss))
  return x === y ? 0 : x! - y!
}

/** Rises evenly from 1 / n to 1, then stays (Bergstra et al. 2013). */
const recencyWeights = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => {
    const older = count - fullWeights
    if (index >= older) return 1
    return older === 1 ? 1 / count : 1 / count + (index / (older - 1)) * (1 - 1 / count)
  })
