// A run's curve over steps, tokens or time at work. Pure; knows nothing of the journal.
import type { curveAxes } from '#shared/contract/comparison.ts'
import type { RunCurve, TrainPoint } from '#shared/journal-types.ts'

export type CurveAxis = (typeof curveAxes)[number]
type Point = [place: number, lossNats: number]
/** When a run waited inside an attempt: UTC milliseconds. */
export interface Wait {
  readonly fromMs: number
  readonly toMs: number
}

/** Both lines of a curve, each point at its place on the axis: steps, tokens, or seconds at work. */
export function placeCurve(
  { train, validation }: RunCurve,
  axis: CurveAxis,
  waits: readonly Wait[] = [],
): { train: Point[]; validation: Point[] } {
  const places = placesOf(train, axis, waits)
  const placeOf = (step: number): number => (axis === 'step' ? step : between(train, places, step))
  return {
    train: train.map(({ lossNats }, at) => [places[at] ?? 0, lossNats]),
    validation: validation.map(({ step, lossNats }) => [placeOf(step), lossNats]),
  }
}

function placesOf(train: readonly TrainPoint[], axis: CurveAxis, waits: readonly Wait[]): number[] {
  if (axis === 'step') return train.map(({ step }) => step)
  if (axis === 'time') return secondsAtWork(train, waits)
  // A resumed run counts on from its checkpoint, so that this never falls but where the journal is thinned across both.
  let most = 0
  return train.map(({ tokensSeen }) => {
    most = Math.max(most, tokensSeen)
    return most
  })
}

/**
 * Within an attempt what the clock says, without what it waited; between two attempts, and before the first point, the
 * steps' own durations, because nothing was at work in between.
 */
function secondsAtWork(train: readonly TrainPoint[], waits: readonly Wait[]): number[] {
  let ms = 0
  return train.map((point, at) => {
    const before = train[at - 1]
    const steps = point.step - (before?.step ?? 0)
    ms +=
      before?.attempt === point.attempt
        ? Math.max(0, point.atMs - before.atMs - waitedBetween(before.atMs, point.atMs, waits))
        : steps * point.durationMs
    return ms / 1000
  })
}

const waitedBetween = (fromMs: number, toMs: number, waits: readonly Wait[]): number =>
  waits.reduce((sum, wait) => sum + Math.max(0, Math.min(toMs, wait.toMs) - Math.max(fromMs, wait.fromMs)), 0)

/** The place of a step among points that may have been thinned, by a straight line between its neighbours. */
function between(train: readonly TrainPoint[], places: readonly number[], step: number): number {
  const after = train.findIndex((point) => point.step >= step)
  if (after < 0) return places.at(-1) ?? 0
  const high = train[after]!
  const low = train[after - 1]
  const lowPlace = places[after - 1] ?? 0
  const share = (step - (low?.step ?? 0)) / Math.max(1, high.step - (low?.step ?? 0))
  return lowPlace + share * ((places[after] ?? 0) - lowPlace)
}
