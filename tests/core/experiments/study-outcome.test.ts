// What the timeline says of a search: its trials, and by themselves the runs that confirm what it found.
import { expect, test } from 'vitest'
import { learnedFromStudy } from '#core/experiments/study-outcome.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { distrustWords } from '#shared/trial-words.ts'
import { recordedTrial } from '../tuning/recorded-trials.ts'
import { specOf } from '../tuning/scripted-studies.ts'

const study = { status: 'finished', spec: specOf(), reason: null, schedule: null } as JournalStudy
const first = (trials: readonly StudyTrial[]): string | undefined => learnedFromStudy(study, trials)[0]

test('trials and confirming runs are counted apart', () => {
  const search = [recordedTrial(0), recordedTrial(1, { status: 'pruned' }), recordedTrial(2)]
  expect(first(search)).toBe('3 trials: 2 to the end, 1 given up early.')
  expect(first(search.slice(0, 1))).toBe('1 trial: 1 to the end.')
  expect(first([])).toBe('0 trials.')
  const refused = recordedTrial(3, { status: 'failed', lossNats: null, reason: distrustWords.damaged })
  expect(first([...search, refused])).toBe(
    '4 trials: 2 to the end, 1 given up early, 1 left out, because their losses cannot be trusted.',
  )
  const confirming = [recordedTrial(3, { purpose: 'preset' }), recordedTrial(4, { purpose: 'winner' })]
  expect(first([...search, ...confirming])).toBe(
    '3 trials: 2 to the end, 1 given up early; 2 confirming runs: 2 to the end.',
  )
})
