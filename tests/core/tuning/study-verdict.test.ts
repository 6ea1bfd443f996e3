// What a study says of itself: better, no better, worse, not known; and what it saved.
import { expect, test } from 'vitest'
import { savedWorkOf } from '#core/tuning/saved-work.ts'
import { verdictOf } from '#core/tuning/study-verdict.ts'
import type { StudyTrial } from '#shared/study.ts'
import { specOf } from './scripted-studies.ts'

const spec = specOf({ confirmSeeds: 3 })
const trial = (number: number, changes: Partial<StudyTrial>): StudyTrial => ({
  studyId: 'study',
  number,
  purpose: 'search',
  settings: {},
  seed: 1,
  rungs: [],
  status: 'complete',
  runId: `run-${number}`,
  lossNats: 1,
  lossStep: 1,
  rungLosses: [],
  reason: null,
  work: null,
  createdAtMs: 0,
  endedAtMs: 1,
  ...changes,
})
const confirmed = (preset: readonly number[], winner: readonly number[]): StudyTrial[] => [
  trial(0, { lossNats: 0.9 }),
  ...preset.map((lossNats, at) => trial(1 + at, { purpose: 'preset', lossNats })),
  ...winner.map((lossNats, at) => trial(9 + at, { purpose: 'winner', lossNats })),
]
const study = { status: 'finished', spec, reason: null } as const

test('better only where the interval lies above what seeds change', () => {
  const better = verdictOf(study, confirmed([1.5, 1.51, 1.49], [1.2, 1.21, 1.19]))
  expect(better).toMatchObject({ kind: 'better', gain: { value: expect.closeTo(0.3, 9) } })
  expect(better.gain!.low).toBeGreaterThan(0.2)
  expect(better.sentence).toContain('its validation loss is lower by 0.3000 nats')
  // Its loss when it was chosen was luck, and is no part of it.
  expect(better.reasons.join(' ')).toContain('When it was chosen its loss was 0.9000')
  expect(verdictOf(study, confirmed([1.5, 1.2, 1.8], [1.4, 1.1, 1.7]))).toMatchObject({
    kind: 'no-difference',
    sentence: expect.stringContaining('No better than the plan beyond what seeds change'),
  })
  expect(verdictOf(study, confirmed([1.2, 1.21, 1.19], [1.5, 1.51, 1.49]))).toMatchObject({ kind: 'worse' })
})

test('without the runs that confirm nothing is claimed', () => {
  expect(verdictOf(study, confirmed([1.5], []))).toMatchObject({ kind: 'not-confirmed', gain: null })
  expect(verdictOf({ ...study, spec: specOf({ confirmSeeds: 1 }) }, confirmed([], []))).toMatchObject({
    kind: 'not-confirmed',
    reasons: [expect.stringContaining('was told not to')],
  })
  expect(verdictOf({ ...study, status: 'running' }, confirmed([1.5, 1.5], [1.2]))).toMatchObject({
    kind: 'searching',
  })
  expect(
    verdictOf({ ...study, reason: 'No model.' }, [trial(0, { status: 'failed', lossNats: null })]),
  ).toMatchObject({
    kind: 'nothing-found',
    reasons: ['No model.'],
  })
})

const work = (durationMs: number, steps: number, plannedSteps: number, isModelReused: boolean) => ({
  ...{ durationMs, steps, plannedSteps, isModelReused, graphsReused: 0, frozenRowsReused: 0 },
  ...{ frozenRowsComputed: 0, peakResidentBytes: null, tunedBytes: null },
})
const reuse = (
  number: number,
  isModelReused: boolean,
  preparingMs: number,
  rows: readonly [number, number],
  frozenMs: number,
) => ({
  ...{ number, isModelReused, preparingMs, frozenMs },
  ...{ frozenRowsReused: rows[0], frozenRowsComputed: rows[1] },
})

test('saved work is reckoned from the pace of each trial and the price of what was there', () => {
  const trials = [
    trial(0, { work: work(11_000, 100, 100, false) }),
    trial(1, { status: 'pruned', work: work(2_000, 10, 100, true) }),
    trial(2, { status: 'skipped', runId: null }),
  ]
  const reused = [reuse(0, false, 1_000, [0, 50], 500), reuse(1, true, 200, [50, 0], 0)]
  const saved = savedWorkOf(trials, reused)!
  // 90 steps were left out at (2000 - 200) / 10, but no slower than the usual pace; the model took 800 less, 50 rows 10 each.
  expect(saved).toMatchObject({
    workedMs: 13_000,
    byPruningMs: 90 * 100,
    byReuseMs: 800 + 500,
    stepsLeftOut: 90,
  })
  expect(saved.plainMs).toBe(13_000 + 90 * 100 + 1_300)
  expect(savedWorkOf([trial(0, { status: 'planned' })], [])).toBeNull()
})
