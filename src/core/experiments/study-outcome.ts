// What came of a search, for the timeline: its trials, and its verdict, which calls nothing better without an interval.
import type { StudyTrial, TrialStatus } from '#shared/study.ts'
import { isDistrusted } from '#shared/trial-words.ts'
import { verdictOf } from '../tuning/study-verdict.ts'

export function learnedFromStudy(
  study: Parameters<typeof verdictOf>[0],
  trials: readonly StudyTrial[],
): string[] {
  const { sentence, reasons } = verdictOf(study, trials)
  return [countSentence(trials), sentence, ...reasons]
}

const words: readonly (readonly [TrialStatus, string])[] = [
  ['complete', 'to the end'],
  ['pruned', 'given up early'],
  ['skipped', 'left out, because they would not have fitted'],
  ['failed', 'failed'],
  ['stopped', 'stopped'],
  ['planned', 'still to come'],
]

/** Runs that confirm what was found are no trials: those of the search and these are counted by themselves. */
function countSentence(trials: readonly StudyTrial[]): string {
  const search = trials.filter(({ purpose }) => purpose === 'search')
  const confirming = trials.filter(({ purpose }) => purpose !== 'search')
  const parts = [search.length === 0 ? '0 trials' : countText(search, 'trial')]
  if (confirming.length > 0) parts.push(countText(confirming, 'confirming run'))
  return `${parts.join('; ')}.`
}

const leftOutShort = (count: number): string => `${count} left out, because their losses cannot be trusted`

function countText(trials: readonly StudyTrial[], one: string): string {
  // In the copy of another journal they stand as failed, and did not fail.
  const told = trials.filter((trial) => !isDistrusted(trial))
  const parts = words.flatMap(([status, word]) => {
    const count = told.filter((trial) => trial.status === status).length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  if (told.length < trials.length) parts.push(leftOutShort(trials.length - told.length))
  return `${trials.length} ${trials.length === 1 ? one : `${one}s`}: ${parts.join(', ')}`
}
