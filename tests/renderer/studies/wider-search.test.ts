// A search that goes on where one ended, in wider ranges: what the form is filled in with.
import { expect, test } from 'vitest'
import { type ProposedDimension, readSpace } from '#renderer/features/studies/space-form.ts'
import { limitAgain, widerSpace, widerWords } from '#renderer/features/studies/wider-search.ts'
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

test('it is as long as the one before', () => {
  const limit = (trials: number | null, workMs: number | null, untilMs: number | null) =>
    limitAgain(sampleStudy({ search: 5, study: { budget: { trials, workMs, untilMs } } }))
  expect(limit(30, null, null)).toEqual({ effort: 'short', limit: 'trials', trials: '30' })
  expect(limit(300, 5_400_000, null)).toEqual({ effort: 'short', limit: 'hours', hours: '1.5' })
  expect(limit(300, null, 9)).toEqual({ effort: 'night' })
})
