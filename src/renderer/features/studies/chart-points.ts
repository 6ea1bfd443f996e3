// What the charts of a study show, as points: which trials, where, and how far the losses go. Pure.
import type { StudyView, tradeOffs } from '#shared/contract/studies.ts'
import type { StudiedValue, StudyTrial } from '#shared/study.ts'

interface TrialPoint {
  readonly number: number
  readonly lossNats: number
  readonly isPruned: boolean
}

/** Trials of the search that were measured, in the order in which they ended. */
export function measuredTrials(
  trials: readonly StudyTrial[],
): readonly (StudyTrial & { readonly lossNats: number })[] {
  return trials
    .filter(
      (trial): trial is StudyTrial & { lossNats: number } =>
        trial.purpose === 'search' &&
        (trial.status === 'complete' || trial.status === 'pruned') &&
        trial.lossNats !== null &&
        Number.isFinite(trial.lossNats),
    )
    .sort((a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0) || a.number - b.number)
}

const pointOf = ({ number, lossNats, status }: StudyTrial & { readonly lossNats: number }): TrialPoint => ({
  number,
  lossNats,
  isPruned: status === 'pruned',
})

export interface LossRange {
  readonly low: number
  readonly high: number
  /** Trials that lie above it and are drawn at its upper edge. */
  readonly above: number
}

/** Three times the middle half above the upper quarter: what lies beyond would press all others together. */
const farBeyond = 3
/** Of fewer trials all are drawn: nobody can say which of them is the odd one. */
const fewTrials = 12

/** From the lowest to the highest loss, without those far above the others; `shown` ones are never left out. */
export function lossRange(losses: readonly number[], shown: readonly number[] = []): LossRange {
  const sorted = [...losses].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0
  const [low, quarter, upper, highest] = [at(0), at(0.25), at(0.75), at(1)]
  const limit = upper + farBeyond * Math.max(upper - quarter, (upper - low) / 2)
  const isCut = sorted.length >= fewTrials && limit > low && highest > limit
  const high = isCut ? Math.max(limit, ...shown) : highest
  return { low, high, above: sorted.filter((loss) => loss > high).length }
}

export const isAbove = (lossNats: number, { high }: LossRange): boolean => lossNats > high

/** Room below the lowest and above the highest loss. */
export const roomOf = ({ low, high }: Pick<LossRange, 'low' | 'high'>): number =>
  (high - low || Math.abs(high) || 1) * 0.06

/** Where a mark stands: what lies above at the very end of the axis, where no figure stands. */
export const heldIn = (lossNats: number, range: LossRange): number =>
  isAbove(lossNats, range) ? range.high + roomOf(range) : lossNats

export const measuredRange = ({ trials }: Pick<StudyView, 'trials'>): LossRange =>
  lossRange(measuredTrials(trials).map(({ lossNats }) => lossNats))

export type BestAxis = 'trials' | 'hours'
const hourMs = 3_600_000

/** Each trial where it ended, and the lowest loss so far as steps; both from the same beginning. */
export function bestSoFar({ trials, study }: Pick<StudyView, 'trials' | 'study'>, axis: BestAxis) {
  const measured = measuredTrials(trials)
  const startMs = study.startedAtMs ?? study.createdAtMs
  const x = (trial: StudyTrial, index: number): number =>
    axis === 'trials' ? index + 1 : Math.max(0, (trial.endedAtMs ?? startMs) - startMs) / hourMs
  const points = measured.map((trial, index) => ({ ...pointOf(trial), x: x(trial, index) }))
  const line: [number, number][] = []
  let best = Number.POSITIVE_INFINITY
  for (const point of points) {
    if (point.isPruned || point.lossNats >= best) continue
    best = point.lossNats
    line.push([point.x, best])
  }
  const lastX = points.at(-1)?.x ?? 0
  if (line.length > 0) line.push([lastX, best])
  return { points, line, lastX }
}

/** The mean loss of the base with other seeds; null before it was computed. */
export function presetLoss(trials: readonly StudyTrial[]): number | null {
  const losses = trials.flatMap(({ purpose, status, lossNats }) =>
    purpose === 'preset' && status === 'complete' && lossNats !== null ? [lossNats] : [],
  )
  return losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/** Of the measured trials and of the preset, which is drawn among them. */
export function bestRange({ trials }: Pick<StudyView, 'trials'>): LossRange {
  const preset = presetLoss(trials)
  const losses = measuredTrials(trials).map(({ lossNats }) => lossNats)
  return preset === null ? lossRange(losses) : lossRange([...losses, preset], [preset])
}

/** Trials with a value of this setting. */
export function slicePoints(trials: readonly StudyTrial[], path: string) {
  return measuredTrials(trials).flatMap((trial) => {
    const value: StudiedValue | undefined = trial.settings[path]
    return value === undefined ? [] : [{ ...pointOf(trial), value }]
  })
}

/** Which part of all measured trials a trial belongs to, by its loss; `pruned` whatever its loss. */
export type Rank = 'best' | 'half' | 'rest' | 'pruned'
export function rankTrials(trials: readonly StudyTrial[]): ReadonlyMap<number, Rank> {
  const complete = measuredTrials(trials)
    .filter(({ status }) => status === 'complete')
    .sort((a, b) => a.lossNats - b.lossNats)
  const bestUntil = Math.max(1, Math.round(complete.length / 10))
  const ranks = new Map<number, Rank>()
  for (const { number, status } of measuredTrials(trials))
    if (status === 'pruned') ranks.set(number, 'pruned')
  for (const [index, { number }] of complete.entries())
    ranks.set(number, index < bestUntil ? 'best' : index < complete.length / 2 ? 'half' : 'rest')
  return ranks
}

export type TradeOff = (typeof tradeOffs)[number]

/** What a trial cost, in minutes, GB or MB; null where it is not known. */
export function costOf({ work }: StudyTrial, against: TradeOff): number | null {
  const value =
    { time: work?.durationMs, memory: work?.peakResidentBytes, size: work?.tunedBytes }[against] ?? null
  return value === null ? null : value / { time: 60_000, memory: 1e9, size: 1e6 }[against]
}

/** Complete trials by their cost, and which of them no other one beats in both. */
export function frontPoints(view: Pick<StudyView, 'trials' | 'fronts'>, against: TradeOff) {
  const onFront = new Set(view.fronts.find((front) => front.against === against)?.trials ?? [])
  return view.trials.flatMap((trial) => {
    const cost = costOf(trial, against)
    const isMeasured = trial.purpose === 'search' && trial.status === 'complete'
    if (!isMeasured || cost === null || trial.lossNats === null) return []
    return [{ number: trial.number, cost, lossNats: trial.lossNats, isOnFront: onFront.has(trial.number) }]
  })
}

/** All of the front is in it. */
export function frontRange(view: Pick<StudyView, 'trials' | 'fronts'>, against: TradeOff): LossRange {
  const points = frontPoints(view, against)
  const front = points.filter(({ isOnFront }) => isOnFront)
  return lossRange(
    points.map(({ lossNats }) => lossNats),
    front.map(({ lossNats }) => lossNats),
  )
}
