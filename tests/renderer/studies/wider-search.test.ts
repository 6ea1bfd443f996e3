// A search that goes on where one ended, in wider ranges: what the form is filled in with.
import { expect, test } from 'vitest'
import { type ProposedDimension, readSpace } from '#renderer/features/studies/space-form.ts'
import { firstChoice, readChoice } from '#renderer/features/studies/study-choice.ts'
import { nextTimeMs } from '#renderer/features/studies/study-hours.ts'
import {
  carriedOver,
  carriedOverProposal,
  leftBehind,
  unlessTyped,
  widerSpace,
  widerWords,
  withSearched,
} from '#renderer/features/studies/wider-search.ts'
import type { StudyView } from '#shared/contract/studies.ts'
import { sampleSpace, sampleStudy } from './sample-study.ts'

const [rate, epochs, rank, schedule] = sampleSpace as [
  (typeof sampleSpace)[number],
  (typeof sampleSpace)[number],
  (typeof sampleSpace)[number],
  (typeof sampleSpace)[number],
]
const proposed: readonly ProposedDimension[] = sampleSpace.map((dimension) => ({
  ...{ dimension, isIncluded: true, reason: 'r' },
}))
const view = (space = sampleSpace) =>
  sampleStudy({
    search: 12,
    view: { space, rangeEnds: [{ path: 'optimizer.learningRate', end: 'high', wider: 0.02 }] },
  })

test('what was searched is searched again and nothing else, the range at whose end the best lie wider', () => {
  const own = view([rate, { ...rank, values: [8, 16] } as typeof rank])
  expect(readSpace(proposed, widerSpace(own, proposed)).space).toEqual([
    { ...rate, high: 0.02 },
    { ...rank, values: [8, 16] },
  ])
  expect(widerWords(own)).toBe('How strongly it learns from 1e-5 to 0.02')
})

test('where all of it is proposed only the wider range is changed', () => {
  expect(Object.keys(widerSpace(view(), proposed))).toEqual(['optimizer.learningRate'])
  expect(readSpace(proposed, widerSpace(view(), proposed)).space).toEqual([
    { ...rate, high: 0.02 },
    epochs,
    rank,
    schedule,
  ])
})

const carried = (study: Partial<StudyView['study']>, part: Partial<StudyView> = {}) =>
  carriedOver(sampleStudy({ search: 5, study, view: part }))

test('it is as long as the one before, by every limit that it had (one of two was lost)', () => {
  const limit = (trials: number | null, workMs: number | null, untilMs: number | null) =>
    carried({ budget: { trials, workMs, untilMs } })
  expect(limit(30, null, null)).toMatchObject({ effort: 'short', limit: 'trials', trials: '30' })
  expect(limit(300, 5_400_000, null)).toMatchObject({
    limit: 'hours',
    hours: '1.5',
    besides: { trials: 300 },
  })
  const untilMs = new Date(2025, 2, 5, 7, 30).getTime()
  const besides = { trials: 300, workMs: 9000 }
  expect(limit(300, 9000, untilMs)).toMatchObject({
    effort: 'night',
    limit: 'until',
    until: '07:30',
    besides,
  })
  const choice = { ...firstChoice, ...limit(300, 9000, untilMs) }
  expect(readChoice(choice, null, untilMs + 1).request.budget).toEqual({
    ...besides,
    untilMs: nextTimeMs(450, untilMs + 1),
  })
})

test('it is as hard and as thorough as the one before, at the same hours (all of it was as usual again)', () => {
  const budget = { trials: 100, workMs: null, untilMs: null }
  const schedule = { fromMinute: 1350, toMinute: 360 }
  expect(carried({ budget, confirmingPlanned: 10, schedule })).toMatchObject({
    ...{ effort: 'thorough', limit: 'trials', isAtNight: true, night: { from: '22:30', to: '06:00' } },
    isPruned: true,
  })
  expect(carried({ budget, confirmingPlanned: 6 }, { pruning: null })).toMatchObject({
    ...{ effort: 'short', isAtNight: false, isPruned: false },
  })
  const proposal = { dimensions: [...proposed], sampler: 'tpe' as const, confirmSeeds: 3 }
  const means = (study: Partial<StudyView['study']>) => {
    const { sampler, confirmSeeds } = carriedOverProposal(sampleStudy({ search: 5, study }), proposal)
    return [sampler, confirmSeeds]
  }
  expect(means({ sampler: 'tpe', confirmingPlanned: 6 })).toEqual([null, null])
  expect(means({ sampler: 'random', confirmingPlanned: 0 })).toEqual(['random', '0'])
  expect(means({ confirmingPlanned: 4 })).toEqual([null, null])
})

test('what the plan does not propose is searched again too (it was lost, and named as widened all the same)', () => {
  const momentum = { ...rate, path: 'optimizer.beta1', low: 0.8, high: 0.9, isLog: false } as typeof rate
  const choice = (path: string, values: number[]) => ({
    kind: 'choice' as const,
    path,
    values,
    onlyWhen: null,
  })
  const ranks = choice('method.rank', [3, 5])
  // Values in place of a range.
  const passes = choice('duration.epochs', [1, 2])
  const kinds = { ...schedule, values: ['linear', 'step'] } as typeof schedule
  const own = sampleStudy({
    search: 12,
    view: {
      space: [kinds, momentum, ranks, passes],
      rangeEnds: [{ path: 'optimizer.beta1', end: 'high', wider: 0.95 }],
    },
  })
  const all = withSearched(proposed, own.space)
  expect(readSpace(all, widerSpace(own, all)).space).toEqual([
    { ...momentum, high: 0.95 },
    passes,
    ranks,
    kinds,
  ])
  // One can be taken out again, and one of the plan taken in.
  expect(all).toHaveLength(5)
  expect(all.find(({ dimension }) => dimension.path === 'schedule.kind')?.dimension).toMatchObject({
    values: expect.arrayContaining(['cosine', 'linear', 'step']),
  })
  const dependent = { ...momentum, onlyWhen: { path: 'method.rank', values: [3] } }
  expect(withSearched(proposed, [dependent]).at(-1)?.dimension).toEqual(dependent)
})

test('what a person typed before the search was read stays (it was overwritten)', () => {
  const before = sampleStudy({ search: 5, study: { budget: { trials: 30, workMs: null, untilMs: null } } })
  const typed = { ...firstChoice, limit: 'hours', hours: '2', isPruned: false } as const
  const given = { ...typed, ...unlessTyped(typed, carriedOver(before)) }
  expect(given).toMatchObject({ limit: 'hours', hours: '2', trials: null, isPruned: false, effort: 'short' })
  const ranged = { ...firstChoice, space: { 'optimizer.learningRate': { low: '1e-6' } } }
  const dimensions = [...proposed]
  const part = carriedOverProposal(view(), { dimensions, sampler: 'tpe', confirmSeeds: 3 })
  expect(unlessTyped(ranged, part).space?.['optimizer.learningRate']).toMatchObject({
    low: '1e-6',
    high: '0.02',
  })
})

test('an end on a later day is named as left behind', () => {
  const { study } = sampleStudy({ search: 5 })
  const until = (days: number) => {
    const untilMs = study.createdAtMs + days * 86_400_000
    return leftBehind({ study: { ...study, budget: { trials: null, workMs: null, untilMs } } })
  }
  expect([until(0.5), until(1)]).toEqual(['', ''])
  expect(until(3)).toMatch(/^The search before was given until .*2025/)
  expect(leftBehind({ study })).toBe('')
})
