// What a search says before it begins: for each effort what ends it, how long it takes in all, and its hours.
import { expect, test } from 'vitest'
import { trialRange, withinPoints } from '#core/tuning/study-estimate.ts'
import { pruningSentence, studySentences } from '#core/tuning/study-sentences.ts'
import { proposedBudget, proposedSeeds, startupTrialsOf } from '#core/tuning/study-wishes.ts'
import type { PlanOption } from '#shared/contract/index.ts'
import type { SearchEffort } from '#shared/contract/studies.ts'
import { pruning, type Schedule, type StudyBudget } from '#shared/study.ts'
import { sampleSpace } from '../../renderer/studies/sample-study.ts'

const nowMs = new Date(2026, 4, 5, 20, 0).getTime()
const night = { fromMinute: 22 * 60, toMinute: 7 * 60 }
const base = { estimate: { basis: 'measured', memoryBytes: 1e9 } } as unknown as PlanOption

/** Of a plan whose trials take 4 to 7 minutes. */
function said(
  effort: SearchEffort,
  schedule: Schedule | null = null,
  trialSeconds = { low: 240, high: 420 },
  budget: StudyBudget = proposedBudget(effort, nowMs),
  points: number | null = null,
  priors = 0,
  changes: { readonly cards: number; readonly parallel?: number; readonly largest?: PlanOption } = {
    cards: 1,
  },
) {
  const asked = {
    ...{ budget, confirmSeeds: proposedSeeds(effort), parallel: 1 },
    ...{ pruning: pruning.parse({}), trialSeconds, schedule, nowMs },
  }
  const shape = withinPoints(asked, points)
  const plan = { ...shape, trials: trialRange(shape), sampler: 'tpe', priors, blocking: null } as const
  const startupTrials = startupTrialsOf(effort)
  return studySentences({
    ...plan,
    base,
    points,
    startupTrials,
    largest: null,
    space: sampleSpace,
    ...changes,
  }).join(' ')
}

test.each([
  [
    'short',
    'It ends after 12 trials.',
    'In all it is at work for about 50 min to 2 h, with the 6 confirming runs at the end.',
  ],
  [
    'night',
    'It ends after 300 trials or at 07:00 tomorrow, whichever comes first.',
    'In all it is at work for about 6 h to 11 h, with the 6 confirming runs at the end.',
  ],
  [
    'thorough',
    'It ends after 100 trials.',
    'In all it is at work for about 2.5 h to 8.5 h, with the 10 confirming runs at the end.',
  ],
] as const)('%s: what ends it, and how long all of it takes', (effort, ends, whole) => {
  expect(said(effort)).toContain(`${ends} A trial that goes to its end takes about 4 min to 7 min.`)
  expect(said(effort)).toContain(whole)
  expect(said(effort)).not.toContain('It works only')
})

test('of several cards: how many trials run at once, and what they take of memory together', () => {
  const onCards = (changes: NonNullable<Parameters<typeof said>[6]>) =>
    said('short', null, undefined, undefined, null, 0, changes)
  expect(onCards({ cards: 1 })).not.toContain('at the same time')
  expect(onCards({ cards: 2, parallel: 2 })).toContain(
    "2 trials run at the same time, one on each graphics card. Together they take about 2.0 GB of this computer's own memory.",
  )
  const of = (memoryBytes: number, blocking: unknown = null) =>
    ({ blocking, estimate: { basis: 'measured', memoryBytes } }) as unknown as PlanOption
  expect(onCards({ cards: 4, parallel: 2, largest: of(3e9) })).toContain(
    "2 trials run at the same time, although there are 4 graphics cards: each takes about 3.0 GB of this computer's own memory, and that is not enough for more.",
  )
  expect(onCards({ cards: 4 })).toContain('One trial runs at a time, although there are 4 graphics cards')
  expect(onCards({ cards: 2, parallel: 2, largest: of(9e9, {}) })).toContain(
    'more memory than this computer has for 2 trials at the same time: such trials are known beforehand and left out.',
  )
})

test('how many trials are spread evenly goes by what earlier results say already', () => {
  const withPriors = (priors: number) => said('short', null, undefined, undefined, null, priors)
  expect(withPriors(0)).toContain('The first 6 trials lie spread evenly over the ranges')
  expect(withPriors(5)).toContain('The first trial lies spread evenly over the ranges')
  expect(withPriors(6)).toContain('Each trial takes values near those that did well in earlier results')
})

test('with hours of its own it says them, and on how many days it works', () => {
  expect(said('thorough', night)).toContain(
    'with the 10 confirming runs at the end. It works only between 22:00 and 07:00',
  )
  expect(said('thorough', night, { low: 1200, high: 2400 })).toContain(
    'In all it is at work for about 13 h to 49.5 h, with the 10 confirming runs at the end: 2 to 6 days with 9 h each.',
  )
  expect(said('night', night)).toContain('In all it is at work for about 6 h to 9 h')
})

test('of tiny runs the whole is what its parts say: none is told longer than it is', () => {
  expect(said('short', null, { low: 0.2, high: 0.4 })).toContain(
    'takes less than 5 s. In all it is at work for up to about 5 s, with',
  )
  const many = { trials: 300, workMs: null, untilMs: null }
  expect(said('short', null, { low: 0.3, high: 0.9 }, many)).toContain(
    'takes less than 5 s. In all it is at work for about 25 s to 3 min, with',
  )
  expect(said('short', null, { low: 2, high: 9 }, many)).toContain('takes up to about 10 s. In all')
  // Nothing is given up of so few.
  expect(said('short', null, undefined, { ...many, trials: 4 })).toContain('about 40 min to 70 min, with')
})

test('where the ranges have fewer points than the budget has trials, all of them are told', () => {
  const sixty = { trials: 60, workMs: null, untilMs: null }
  const few = said('short', null, undefined, sixty, 8)
  expect(few).toContain('It makes 8 trials. The ranges have 8 points in all. Each trial')
  expect(few).toContain('It ends after 8 trials.')
  expect(said('short', null, undefined, { ...sixty, trials: 5 }, 8)).toContain(
    'It makes 5 trials. Each trial',
  )
  const timed = said('short', null, undefined, { trials: null, workMs: 36_000_000, untilMs: null }, 8)
  expect(timed).toContain('It ends after 8 trials or after 10 h 00 min of work, whichever comes first.')
})

test('says from which trial on trials are given up, and where none is', () => {
  expect(said('short')).toContain('The first 4 trials are never given up: there is too little to compare')
  const rules = pruning.parse({ startupTrials: 6, reduction: 4, rungs: [0.5] })
  expect(pruningSentence(rules)).toMatch(/after 50 % of their steps.*the best 25 % .*The first 6 trials/)
  expect(pruningSentence(rules, 7)).toContain('The first 6 trials')
  expect(pruningSentence(rules, 6)).toMatch(/^Every trial goes to its end: .* begins only after 6 trials/)
  expect(pruningSentence(null)).toBe('Every trial goes to its end.')
})

test('of a limit of time it says what becomes of the runs that confirm', () => {
  const hours = (count: number) =>
    said('short', null, undefined, { trials: null, workMs: count * 3_600_000, untilMs: null })
  const kept =
    'Part of the time is kept for these runs. Where it runs short all the same, nothing is called better.'
  expect(hours(8)).toContain(kept)
  // One trial and six runs of 7 minutes take 49.
  expect(hours(0.85)).toContain(kept)
  expect(hours(0.8)).toContain('The time may be too short for these runs: then nobody can say')
  expect(hours(0.8)).toContain('About 50 min are enough for one trial and 3 seeds.')
  const five = said('thorough', null, undefined, { trials: null, workMs: 8 * 3_600_000, untilMs: null })
  expect(five).toContain('Where it runs short, fewer seeds are used, down to 3.')
  expect(said('short')).not.toContain('these runs')
  expect(said('night')).toContain(kept)
})

test('one trial is no plural', () => {
  const one = said('short', null, undefined, { trials: 1, workMs: null, untilMs: null })
  expect(one).toContain('It makes 1 trial. ')
  expect(one).toContain('It ends after 1 trial. ')
})
