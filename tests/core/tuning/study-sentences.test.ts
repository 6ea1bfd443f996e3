// What a search says before it begins: for each effort what ends it, how long it takes in all, and its hours.
import { expect, test } from 'vitest'
import { trialRange } from '#core/tuning/study-estimate.ts'
import { studySentences } from '#core/tuning/study-sentences.ts'
import { proposedBudget, proposedSeeds } from '#core/tuning/study-wishes.ts'
import type { PlanOption } from '#shared/contract/index.ts'
import type { SearchEffort } from '#shared/contract/studies.ts'
import { pruning, type Schedule } from '#shared/study.ts'
import { sampleSpace } from '../../renderer/studies/sample-study.ts'

const nowMs = new Date(2026, 4, 5, 20, 0).getTime()
const night = { fromMinute: 22 * 60, toMinute: 7 * 60 }
const base = { estimate: { basis: 'measured', memoryBytes: 1e9 } } as unknown as PlanOption

/** Of a plan whose trials take 4 to 7 minutes. */
function said(
  effort: SearchEffort,
  schedule: Schedule | null = null,
  trialSeconds = { low: 240, high: 420 },
) {
  const shape = {
    ...{ budget: proposedBudget(effort, nowMs), confirmSeeds: proposedSeeds(effort), parallel: 1 },
    ...{ pruning: pruning.parse({}), trialSeconds, schedule, nowMs },
  }
  const plan = { ...shape, trials: trialRange(shape), sampler: 'tpe', priors: 0, blocking: null } as const
  return studySentences({ ...plan, base, largest: null, space: sampleSpace }).join(' ')
}

test.each([
  [
    'short',
    'It ends after 12 trials.',
    'In all it is at work for about 36 min to 1.6 h, with the 6 runs at the end.',
  ],
  [
    'night',
    'It ends after 300 trials or at 07:00 tomorrow, whichever comes first.',
    'In all it is at work for about 5.6 h to 11 h, with the 6 runs at the end.',
  ],
  [
    'thorough',
    'It ends after 100 trials.',
    'In all it is at work for about 2.4 h to 8.5 h, with the 10 runs at the end.',
  ],
] as const)('%s: what ends it, and how long all of it takes', (effort, ends, whole) => {
  expect(said(effort)).toContain(`${ends} A trial that goes to its end takes about 4 min to 7 min.`)
  expect(said(effort)).toContain(whole)
  expect(said(effort)).not.toContain('It works only')
})

test('with hours of its own it says them, and on how many days it works', () => {
  expect(said('thorough', night)).toContain(
    'with the 10 runs at the end. It works only between 22:00 and 07:00',
  )
  expect(said('thorough', night, { low: 1200, high: 2400 })).toContain(
    'In all it is at work for about 12 h to 49 h, with the 10 runs at the end: 2 to 6 days with 9 h each.',
  )
  expect(said('night', night)).toContain('In all it is at work for about 5.6 h to 9 h')
})

test('times of less than a second are no zeros', () => {
  expect(said('short', null, { low: 0.2, high: 0.4 })).toContain('takes about a second. In all')
  expect(said('short', null, { low: 0.6, high: 1.2 })).toContain('takes about a second. In all')
})
