// What came of a search, for the timeline: its trials, and its verdict, which calls nothing better without an interval.
import type { JournalStudy, StudyTrial, TrialStatus } from '#shared/study.ts'
import { verdictOf } from '../tuning/study-verdict.ts'

export function learnedFromStudy(study: JournalStudy, trials: readonly StudyTrial[]): string[] {
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

function countSentence(trials: readonly StudyTrial[]): string {
  const parts = words.flatMap(([status, word]) => {
    const count = trials.filter((trial) => trial.status === status).length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return `${trials.length} ${trials.length === 1 ? 'trial' : 'trials'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.`
}
