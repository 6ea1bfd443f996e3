// The best point that a search has found so far, and the runs that confirm it. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { StudyTrial } from '#shared/study.ts'

/** The best point of the search that came to its end; the earlier one of two that are equal. Null where none did. */
export const bestTrial = (trials: readonly StudyTrial[]): StudyTrial | null =>
  trials.reduce<StudyTrial | null>((best, one) => {
    if (one.purpose !== 'search' || one.status !== 'complete' || one.lossNats === null) return best
    return best === null || one.lossNats < (best.lossNats ?? Number.POSITIVE_INFINITY) ? one : best
  }, null)

/**
 * Runs of the plan and of the best point with other seeds. In a journal of an earlier version a search could go on in their
 * midst and find a better point: what was trained of the one before says nothing of this one.
 */
export function confirmingTrials(trials: readonly StudyTrial[]): StudyTrial[] {
  const best = bestTrial(trials)
  return trials.filter(
    ({ purpose, settings }) =>
      purpose === 'preset' || (purpose === 'winner' && isDeepStrictEqual(settings, best?.settings)),
  )
}

/** Then the search is over for good: what is being confirmed stays the best. */
export const isConfirmingBegun = (trials: readonly Pick<StudyTrial, 'purpose'>[]): boolean =>
  trials.some(({ purpose }) => purpose !== 'search')
