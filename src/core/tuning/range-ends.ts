// Which settings the best trials have at an end of their range, so that better ones may lie beyond it. Nothing is said of a
// setting that is known to be noise, nor where the setting itself can go no further. What is noise must be known before. Pure.
import type { RangeEnd, StudyView } from '#shared/contract/studies.ts'
import { type RecipeField, recipeFields } from '#shared/recipe-fields.ts'
import type { Dimension, StudyTrial } from '#shared/study.ts'
import { bestTrial } from './best-trial.ts'

type Numeric = Exclude<Dimension, { readonly kind: 'choice' }>
type End = RangeEnd['end']

/** So near to an end, as a share of the range on its axis. */
const nearShare = 0.05
/** Of fewer trials that came to a measurement nobody knows where the best lie. */
const leastTrials = 5
/** So many of the best must lie there, the winner among them: each single one does by luck in one search of ten. */
const bestLooked = 5
const bestNeeded = 3
/** Of so few whole numbers every second or fifth is an end: there all that are looked at must lie. */
const fewValues = 5
/** A wider range is longer by so much of its length on its axis. */
const widerShare = 0.5

/** `search`: trials of the search alone. */
export function rangeEndsOf(
  space: readonly Dimension[],
  search: readonly StudyTrial[],
  importance: StudyView['importance']['settings'],
): RangeEnd[] {
  const measured = search.filter(({ status }) => status === 'complete' || status === 'pruned')
  const winner = bestTrial(search)
  if (measured.length < leastTrials || winner === null) return []
  const best = search
    .filter(({ status, lossNats }) => status === 'complete' && lossNats !== null)
    .toSorted((a, b) => (a.lossNats ?? 0) - (b.lossNats ?? 0) || a.number - b.number)
    .slice(0, bestLooked)
  const noise = new Set(importance.flatMap(({ path, isNoise }) => (isNoise ? [path] : [])))
  return space.flatMap((dimension): RangeEnd[] => {
    if (dimension.kind === 'choice' || dimension.low >= dimension.high || noise.has(dimension.path)) return []
    const needed = hasFewValues(dimension) ? bestLooked : bestNeeded
    const isNear = (trial: StudyTrial, end: End): boolean => isNearEnd(dimension, trial, end)
    return (['low', 'high'] as const).flatMap((end): RangeEnd[] => {
      const isThere = isNear(winner, end) && best.filter((trial) => isNear(trial, end)).length >= needed
      const wider = isThere ? widerEnd(dimension, end) : null
      return wider === null ? [] : [{ path: dimension.path, end, wider }]
    })
  })
}

const hasFewValues = ({ kind, low, high }: Numeric): boolean => kind === 'whole' && high - low < fewValues

const scaleOf = ({ isLog }: Numeric): { to(value: number): number; from(place: number): number } =>
  isLog ? { to: Math.log, from: Math.exp } : { to: (value) => value, from: (place) => place }

function isNearEnd(dimension: Numeric, { settings }: StudyTrial, end: End): boolean {
  const value = settings[dimension.path]
  if (typeof value !== 'number') return false
  const { to } = scaleOf(dimension)
  const [low, high] = [to(dimension.low), to(dimension.high)]
  const share = (to(value) - low) / (high - low)
  return end === 'low' ? share <= nearShare : share >= 1 - nearShare
}

/** Null where the setting ends there itself. */
function widerEnd(dimension: Numeric, end: End): number | null {
  const { to, from } = scaleOf(dimension)
  const [low, high] = [to(dimension.low), to(dimension.high)]
  const more = widerShare * (high - low)
  const wanted = readable(from(end === 'low' ? low - more : high + more), dimension)
  const field = recipeFields.find(({ path }) => path === dimension.path)
  const wider = field === undefined ? wanted : withinField(wanted, dimension, field)
  const isWider = end === 'low' ? wider < dimension.low : wider > dimension.high
  // By factors nothing reaches 0.
  return isWider && (wider > 0 || !dimension.isLog) ? wider : null
}

const readable = (value: number, { kind }: Numeric): number =>
  kind === 'whole' ? Math.round(value) : Number(value.toPrecision(2))

function withinField(
  wanted: number,
  { low }: Numeric,
  { minimum, maximum, isAboveMinimum }: RecipeField,
): number {
  if (maximum !== null && wanted > maximum) return maximum
  if (minimum === null || wanted > minimum) return wanted
  // Halfway to what is not allowed itself.
  return isAboveMinimum ? (minimum + low) / 2 : Math.max(wanted, minimum)
}
