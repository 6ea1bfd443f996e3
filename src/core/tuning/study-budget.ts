// How far a study is by its budget: whether another trial of the search may begin, how much is left. Pure. Of a budget of
// time so much is kept for the seeds of preset and winner as their runs take about.
import { fewestSeeds, type Schedule, type StudySpec, type StudyTrial } from '#shared/study.ts'
import { bestTrial, confirmingTrials, isConfirmingBegun } from './best-trial.ts'
import { msWithinHours } from './study-schedule.ts'

/** Trials of the search that the budget counts: those that were computed. */
export const isCounted = ({ purpose, status }: Pick<StudyTrial, 'purpose' | 'status'>): boolean =>
  purpose === 'search' && status !== 'skipped'

export interface BudgetState {
  readonly spec: Pick<StudySpec, 'budget' | 'confirmSeeds' | 'parallel'>
  readonly trials: readonly StudyTrial[]
  /** When the study first was at work; null where it never was. */
  readonly startedAtMs: number | null
  readonly workedMs: number
  readonly nowMs: number
  /** Hours of the day at which it works; null: at any. */
  readonly schedule: Schedule | null
}

/** Runs that confirm what the search found: of the preset and of the winner with each seed. */
export const confirmingRuns = ({ confirmSeeds }: Pick<StudySpec, 'confirmSeeds'>): number =>
  confirmSeeds < 2 ? 0 : 2 * confirmSeeds

/** Of all time at most so much is kept for them, where that is enough for the fewest seeds that can be compared. */
const mostKeptShare = 0.5

interface Confirmation extends Pick<StudySpec, 'confirmSeeds' | 'parallel'> {
  /** Of a run of the preset and one of the winner, in the mean. */
  readonly eachMs: number
  readonly allMs: number
}

/**
 * Kept for the runs that confirm; 0 where none are to be, or where one trial and the fewest seeds do not fit into all time:
 * nothing can be confirmed then, and the search may have it.
 */
export function keptForConfirming({ confirmSeeds, parallel, eachMs, allMs }: Confirmation): number {
  const msOf = (seeds: number): number =>
    Math.ceil(confirmingRuns({ confirmSeeds: seeds }) / parallel) * eachMs
  const fewestMs = msOf(Math.min(confirmSeeds, fewestSeeds))
  if (fewestMs === 0 || fewestMs + eachMs > allMs) return 0
  return Math.max(fewestMs, Math.min(mostKeptShare * allMs, msOf(confirmSeeds)))
}

/** Time that a trial takes which goes to its end, by those that did; null where none has. */
function wholeTrialMs(trials: readonly StudyTrial[]): number | null {
  const times = trials.flatMap(({ status, work }) =>
    status === 'complete' && work?.durationMs ? [work.durationMs] : [],
  )
  return times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0) / times.length
}

/** Time that any trial takes, by those that were computed; null where none was. */
function meanTrialMs(trials: readonly StudyTrial[]): number | null {
  const times = trials.flatMap(({ work }) => (work?.durationMs ? [work.durationMs] : []))
  return times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0) / times.length
}

/** Time until the budget's end, and how long that was at first; null where no time is set. `schedule`: within its hours. */
function timeLeft({ spec: { budget }, startedAtMs, workedMs, nowMs, schedule }: BudgetState) {
  const { workMs, untilMs } = budget
  const firstMs = Math.min(startedAtMs ?? nowMs, nowMs)
  const ofClock = (endMs: number) =>
    nowMs >= endMs
      ? { leftMs: endMs - nowMs, allMs: endMs - firstMs }
      : {
          leftMs: msWithinHours(schedule, nowMs, endMs),
          allMs: msWithinHours(schedule, firstMs, endMs),
        }
  const both = [
    workMs === null ? null : { leftMs: workMs - workedMs, allMs: workMs },
    untilMs === null ? null : ofClock(untilMs),
  ].filter((one) => one !== null)
  return both.reduce<(typeof both)[number] | null>(
    (least, one) => (least === null || one.leftMs < least.leftMs ? one : least),
    null,
  )
}

/** Half of the runs that confirm are of the winner: they take what it took, the others what a trial takes in the mean. */
function confirmingRunMs(trials: readonly StudyTrial[]): number | null {
  const wholeMs = wholeTrialMs(trials)
  const winnerMs = bestTrial(trials)?.work?.durationMs ?? wholeMs
  return wholeMs === null || winnerMs === null ? null : (wholeMs + Math.max(wholeMs, winnerMs)) / 2
}

/**
 * Whether no other trial of the search may begin: one that goes to its end would take of what is kept for the runs that
 * confirm, or these have begun. They may be faster than was reckoned; what that leaves is nobody's.
 */
export function isSearchOver(state: BudgetState): boolean {
  const { spec, trials } = state
  const { trials: most } = spec.budget
  if (isConfirmingBegun(trials)) return true
  if (most !== null && trials.filter(isCounted).length >= most) return true
  const time = timeLeft(state)
  if (time === null) return false
  const { confirmSeeds, parallel } = spec
  const eachMs = confirmingRunMs(trials)
  const keptMs =
    eachMs === null ? 0 : keptForConfirming({ confirmSeeds, parallel, eachMs, allMs: time.allMs })
  const nextMs = keptMs === 0 ? 0 : (wholeTrialMs(trials) ?? 0)
  return time.leftMs <= keptMs + nextMs
}

/** Of a trial at work when the hour came. */
export const timeOverReason = 'The time of the search was over before it came to its end.'

/** Whether nothing may begin any more, and by the wall clock nothing may go on. */
export function isTimeOver(state: BudgetState): boolean {
  const time = timeLeft(state)
  return time !== null && time.leftMs <= 0
}

export interface StudyProgress {
  /** 0 to 1; null where nothing can be said. */
  readonly doneShare: number | null
  readonly timeLeftMs: number | null
}

/** Of search and confirmation together. `turnLeftMs`: of the trial under way, null where that is not known. */
export function progressOf(state: BudgetState, turnLeftMs: number | null = null): StudyProgress {
  const { spec, trials } = state
  const each = meanTrialMs(trials)
  const whole = wholeTrialMs(trials) ?? each
  const confirming = confirmingRuns(spec)
  const isEnded = ({ status }: StudyTrial): boolean => status !== 'planned'
  const confirmed = confirmingTrials(trials).filter(isEnded).length
  const searched = trials.filter((one) => isCounted(one) && isEnded(one)).length
  const most = spec.budget.trials
  const running = turnLeftMs === null ? 0 : 1
  const leftOfSearch =
    most === null ? null : isConfirmingBegun(trials) ? 0 : Math.max(0, most - searched - running)
  const byTrials =
    leftOfSearch === null || each === null || whole === null
      ? null
      : (leftOfSearch * each + (confirming - confirmed) * whole) / spec.parallel + (turnLeftMs ?? 0)
  // A person reads the clock, hours at which it rests too.
  const time = timeLeft({ ...state, schedule: null })
  const lefts = [byTrials, time === null ? null : Math.max(0, time.leftMs)].filter((one) => one !== null)
  const shares = [
    most === null ? null : (searched + confirmed) / (most + confirming),
    time === null || time.allMs <= 0 ? null : 1 - time.leftMs / time.allMs,
  ].filter((one) => one !== null)
  return {
    doneShare: shares.length === 0 ? null : Math.min(1, Math.max(0, ...shares)),
    timeLeftMs: lefts.length === 0 ? null : Math.min(...lefts),
  }
}

/** Time at work: of trials beside each other each counts for its part. */
export const workedMsOf = (
  { parallel }: Pick<StudySpec, 'parallel'>,
  trials: readonly Pick<StudyTrial, 'work'>[],
): number => Math.round(trials.reduce((sum, { work }) => sum + (work?.durationMs ?? 0), 0) / parallel)
