// What came of a search, for the timeline. The best of many trials is no result until it was computed again: that is said.
import type { JournalStudy, StudyTrial, TrialStatus } from '#shared/study.ts'

export function studySentences(study: JournalStudy, trials: readonly StudyTrial[]): string[] {
  return [countSentence(trials), bestSentence(trials), study.reason ?? null].filter(
    (sentence) => sentence !== null,
  )
}

const words: readonly (readonly [TrialStatus, string])[] = [
  ['complete', 'to their end'],
  ['pruned', 'given up early'],
  ['skipped', 'left out, because they would not have fitted'],
  ['failed', 'failed'],
  ['planned', 'still to come'],
]

function countSentence(trials: readonly StudyTrial[]): string {
  const parts = words.flatMap(([status, word]) => {
    const count = trials.filter((trial) => trial.status === status).length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return `${trials.length} ${trials.length === 1 ? 'trial' : 'trials'}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.`
}

function bestSentence(trials: readonly StudyTrial[]): string | null {
  const losses = trials.flatMap(({ purpose, status, lossNats }) =>
    purpose === 'search' && status === 'complete' && lossNats !== null ? [lossNats] : [],
  )
  if (losses.length === 0) return null
  return `The lowest loss on rows not seen was ${Math.min(...losses).toFixed(2)}. The best of many is partly luck: only its repeats with other seeds tell.`
}
