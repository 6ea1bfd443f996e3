// The best point that a search has found so far. Pure.
import type { StudyTrial } from '#shared/study.ts'

/** The best point of the search that came to its end; the earlier one of two that are equal. Null where none did. */
export const bestTrial = (trials: readonly StudyTrial[]): StudyTrial | null =>
  trials.reduce<StudyTrial | null>((best, one) => {
    if (one.purpose !== 'search' || one.status !== 'complete' || one.lossNats === null) return best
    return best === null || one.lossNats < (best.lossNats ?? Number.POSITIVE_INFINITY) ? one : best
  }, null)
