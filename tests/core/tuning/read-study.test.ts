// A study as it is read: which trials stand on its fronts.
import { expect, test } from 'vitest'
import { importanceAtOnce } from '#core/tuning/kept-importance.ts'
import { viewOf } from '#core/tuning/read-study.ts'
import { ok } from '#shared/result.ts'
import type { JournalStudy, StudyTrial, TrialWork } from '#shared/study.ts'
import { specOf } from './scripted-studies.ts'

const living = { waiting: null, timeLeftMs: null, doneShare: null }
const study: JournalStudy = {
  id: 'study',
  projectId: 'project',
  projectName: 'Project',
  name: 'Search',
  status: 'finished',
  spec: specOf(),
  schedule: null,
  priority: 0,
  notes: '',
  createdAtMs: 1,
  startedAtMs: 1,
  endedAtMs: 9,
  workedMs: 8,
  reason: null,
}
const work: TrialWork = {
  durationMs: 1000,
  steps: 10,
  plannedSteps: 10,
  isModelReused: false,
  graphsReused: 0,
  frozenRowsReused: 0,
  frozenRowsComputed: 0,
  peakResidentBytes: 100,
  tunedBytes: 10,
}
const trial = (number: number, lossNats: number, of: Partial<TrialWork>): StudyTrial => ({
  studyId: 'study',
  number,
  purpose: 'search',
  settings: {},
  seed: 1,
  rungs: [],
  status: 'complete',
  runId: null,
  lossNats,
  lossStep: 1,
  rungLosses: [],
  reason: null,
  work: { ...work, ...of },
  createdAtMs: 0,
  endedAtMs: number + 1,
})

test('against memory only trials stand on the front whose own peak is known', () => {
  const trials = [
    trial(0, 1.2, {}),
    // It began in the process of the first one, whose peak may be its.
    trial(1, 0.9, { isModelReused: true, peakResidentBytes: 90 }),
    trial(2, 1, { peakResidentBytes: 150, tunedBytes: 20 }),
  ]
  const reader = { trials: () => ok(trials), eventsOfKind: () => ok([]) }
  const { fronts } = viewOf(reader, study, living, importanceAtOnce)
  const front = (against: string) => fronts.find((one) => one.against === against)?.trials
  expect([...(front('memory') ?? [])].sort()).toEqual([0, 2])
  expect(front('size')).toEqual([1])
})
