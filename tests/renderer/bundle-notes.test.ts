// What is said of the chosen runs before they go into a bundle.
import { expect, test } from 'vitest'
import { bundleNotes, tooManyForBundle } from '#renderer/features/experiments/bundle-notes.ts'
import { mostExportedRuns } from '#shared/contract/archive.ts'
import { runStatuses } from '#shared/journal-types.ts'
import { experimentRow as row } from './support/experiment-row.ts'

test('runs that are not at their end are counted, and nothing is said of those that are', () => {
  const one = row(0, { status: 'running' })
  expect(bundleNotes([row(1), row(2, { status: 'failed' })])).toEqual([])
  expect(bundleNotes([row(1), one])).toEqual(['1 run is not at its end: it goes along as it stands now.'])
  expect(bundleNotes(runStatuses.map((status, at) => row(at, { status })))).toEqual([
    '3 runs are not at their end: they go along as they stand now.',
  ])
  expect(bundleNotes([])).toEqual([])
})

test('trials stand there without their searches', () => {
  const trial = { studyId: 'study-1', number: 4, confirming: null }
  expect(bundleNotes([row(1), row(2, { trial })])).toEqual([
    expect.stringMatching(/^The searches that these trials belong to stay behind/),
  ])
  expect(bundleNotes([row(2, { trial, status: 'queued' })])).toHaveLength(2)
})

test('more runs than one file takes are told why (the button was not there)', () => {
  expect([1, mostExportedRuns].map(tooManyForBundle)).toEqual(['', ''])
  expect(tooManyForBundle(mostExportedRuns + 1)).toBe('At most 1,000 runs go into one file.')
})
