// How far a study is by its budget: whether another trial of the search may begin, how much is left. Pure. Of a budget of
// time so much is kept for the seeds of preset and winner as their runs take about.
import type { StudySpec, StudyTrial } from '#shared/study.ts'

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
}

/** Runs that confirm what the search found: of the preset and of the winner with each seed. */
export const confirmingRuns = ({ confirmSeeds }: Pick<StudySpec, 'confirmSeeds'>): number =>
  confirmSeeds < 2 ? 0 : 2 * confirmSeeds

/** Of all time at most so much is kept for them. */
const mostKeptShare = 0.5

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

/** Time until the budget's end, and how long that was at first; null where no time is set. */
function timeLeft({ spec: { budget }, startedAtMs, workedMs, nowMs }: BudgetState) {
  const both = [
    budget.workMs === null ? null : { leftMs: budget.workMs - workedMs, allMs: budget.workMs },
    budget.untilMs === null
      ? null
      : { leftMs: budget.untilMs - nowMs, allMs: budget.untilMs - Math.min(startedAtMs ?? nowMs, nowMs) },
  ].filter((one) => one !== null)
  return both.reduce<(typeof both)[number] | null>(
    (least, one) => (least === null || one.leftMs < least.leftMs ? one : least),
    null,
  )
}

function keptMs(state: BudgetState, allMs: number): number {
  const each = wholeTrialMs(state.trials)
  if (each === null) return 0
  const rounds = Math.ceil(confirmingRuns(state.spec) / state.spec.parallel)
  return Math.min(mostKeptShare * allMs, rounds * each)
}

/** Whether no other trial of the search may begin. */
export function isSearchOver(state: BudgetState): boolean {
  const { trials: most } = state.spec.budget
  if (most !== null && state.trials.filter(isCounted).length >= most) return true
  const time = timeLeft(state)
  return time !== null && time.leftMs <= keptMs(state, time.allMs)
}

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
  const confirmed = trials.filter((one) => one.purpose !== 'search' && isEnded(one)).length
  const searched = trials.filter((one) => isCounted(one) && isEnded(one)).length
  const most = spec.budget.trials
  const running = turnLeftMs === null ? 0 : 1
  const leftOfSearch = most === null ? null : Math.max(0, most - searched - running)
  const byTrials =
    leftOfSearch === null || each === null || whole === null
      ? null
      : (leftOfSearch * each + (confirming - confirmed) * whole) / spec.parallel + (turnLeftMs ?? 0)
  const time = timeLeft(state)
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
