// Trials as the journal has them, of a study "study": complete ones of the search unless a test says otherwise.
import type { StudyTrial, TrialWork } from '#shared/study.ts'

export const recordedTrial = (number: number, changes: Partial<StudyTrial> = {}): StudyTrial => ({
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
  endedAtMs: number + 1,
  ...changes,
})

export const recordedWork = (changes: Partial<TrialWork> = {}): TrialWork => ({
  durationMs: 1000,
  steps: 10,
  plannedSteps: 10,
  isModelReused: false,
  graphsReused: 0,
  frozenRowsReused: 0,
  frozenRowsComputed: 0,
  peakResidentBytes: null,
  tunedBytes: null,
  ...changes,
})
