// How many trials a search has about, and how long it is at work in all, from the time that a trial takes. Pure.
import type { StudyPlan } from '#shared/contract/studies.ts'
import type { Pruning, Schedule } from '#shared/study.ts'
import { confirmingRuns, keptForConfirming } from './study-budget.ts'
import { msWithinHours } from './study-schedule.ts'

export interface StudyShape extends Pick<StudyPlan, 'budget' | 'confirmSeeds' | 'parallel' | 'trialSeconds'> {
  readonly pruning: Pruning | null
  readonly schedule: Schedule | null
  readonly nowMs: number
}

interface Range {
  readonly low: number
  readonly high: number
}

/**
 * Of the steps of a whole trial, in the mean of those that can be given up: the first ones cannot. The least is that of trials at random, of which one in `reduction` goes on at
 * each rung; what is drawn where results are good goes on more often (54 % of the steps in docs/tuning.md, "A real search").
 */
function computedShare(pruning: Pruning | null): Range {
  if (pruning === null) return { low: 1, high: 1 }
  const { rungs, reduction } = pruning
  const ends = [...rungs, 1]
  const low = ends.reduce((sum, share, at) => sum + (share - (ends[at - 1] ?? 0)) / reduction ** at, 0)
  return { low, high: (1 + low) / 2 }
}

/** A budget of no more trials than there are points to try. `points`: null where nobody can count them. */
export function withinPoints(shape: StudyShape, points: number | null): StudyShape {
  const most = trialRange(shape)?.high ?? Number.POSITIVE_INFINITY
  if (points === null || points >= most) return shape
  return { ...shape, budget: { ...shape.budget, trials: points } }
}

/** Time at work that the budget allows; null where it sets none. */
export function budgetSeconds({ budget, schedule, nowMs }: StudyShape): number | null {
  const { workMs, untilMs } = budget
  const times = [workMs, untilMs === null ? null : msWithinHours(schedule, nowMs, untilMs)]
  const known = times.filter((ms) => ms !== null)
  return known.length === 0 ? null : Math.max(0, Math.min(...known)) / 1000
}

/** So much work as whole trials would be. */
function wholeTrials(trials: number, pruning: Pruning | null, share: number): number {
  const neverGivenUp = Math.min(trials, pruning?.startupTrials ?? 0)
  return neverGivenUp + (trials - neverGivenUp) * share
}

/** Trials whose work is as much as that of so many whole ones. */
function trialsOfWork(whole: number, pruning: Pruning | null, share: number): number {
  const neverGivenUp = Math.min(whole, pruning?.startupTrials ?? 0)
  return neverGivenUp + (whole - neverGivenUp) / share
}

/** Trials of the search; null where a trial's time decides and is not known. */
export function trialRange(shape: StudyShape): Range | null {
  const { budget, confirmSeeds, parallel, trialSeconds } = shape
  const most = budget.trials ?? Number.POSITIVE_INFINITY
  const wall = budgetSeconds(shape)
  if (wall === null) return { low: most, high: most }
  if (trialSeconds === null) return null
  const seconds = wall * parallel
  const countOf = (whole: number, share: number): number => {
    const ms = { eachMs: 1000 * whole, allMs: 1000 * wall }
    const kept = (parallel * keptForConfirming({ confirmSeeds, parallel, ...ms })) / 1000
    const work = (seconds - kept) / whole
    return Math.min(most, Math.max(1, Math.floor(trialsOfWork(work, shape.pruning, share))))
  }
  const share = computedShare(shape.pruning)
  return { low: countOf(trialSeconds.high, share.high), high: countOf(trialSeconds.low, share.low) }
}

/** At work, the runs that confirm included; null where a trial's time decides and is not known. */
export function workSeconds(shape: StudyShape): Range | null {
  const { budget, confirmSeeds, parallel, trialSeconds, pruning } = shape
  const most = budgetSeconds(shape)
  if (budget.trials === null || trialSeconds === null)
    return most === null || budget.trials !== null ? null : { low: most, high: most }
  const { trials } = budget
  const share = computedShare(pruning)
  const secondsOf = (whole: number, part: number): number =>
    Math.min(
      most ?? Number.POSITIVE_INFINITY,
      ((wholeTrials(trials, pruning, part) + confirmingRuns({ confirmSeeds })) * whole) / parallel,
    )
  return { low: secondsOf(trialSeconds.low, share.low), high: secondsOf(trialSeconds.high, share.high) }
}
