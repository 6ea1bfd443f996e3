// How many trials a search has about, and how long it is at work in all, from the time that a trial takes. Pure.
import type { StudyPlan } from '#shared/contract/studies.ts'
import type { Pruning, Schedule } from '#shared/study.ts'
import { confirmingRuns } from './study-budget.ts'
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
 * Of the steps of a whole trial, in the mean. The least is that of trials at random, of which one in `reduction` goes on at
 * each rung; what is drawn where results are good goes on more often (54 % of the steps in docs/tuning.md, "A real search").
 */
function computedShare(pruning: Pruning | null): Range {
  if (pruning === null) return { low: 1, high: 1 }
  const { rungs, reduction } = pruning
  const ends = [...rungs, 1]
  const low = ends.reduce((sum, share, at) => sum + (share - (ends[at - 1] ?? 0)) / reduction ** at, 0)
  return { low, high: (1 + low) / 2 }
}

/** Time at work that the budget allows; null where it sets none. */
function budgetSeconds({ budget, schedule, nowMs }: StudyShape): number | null {
  const { workMs, untilMs } = budget
  const times = [workMs, untilMs === null ? null : msWithinHours(schedule, nowMs, untilMs)]
  const known = times.filter((ms) => ms !== null)
  return known.length === 0 ? null : Math.max(0, Math.min(...known)) / 1000
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
    const kept = Math.min(seconds / 2, confirmingRuns({ confirmSeeds }) * whole)
    return Math.min(most, Math.max(1, Math.floor((seconds - kept) / (whole * share))))
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
      ((trials * part + confirmingRuns({ confirmSeeds })) * whole) / parallel,
    )
  return { low: secondsOf(trialSeconds.low, share.low), high: secondsOf(trialSeconds.high, share.high) }
}
