// The trials of a search as they stand now: one that has begun and is not at its end has its work so far, by its run. Reads only.
import type { JournalReader } from '#journal/reader.ts'
import { unwrap } from '#shared/result.ts'
import type { StudyTrial, TrialWork } from '#shared/study.ts'

export type BegunReader = Pick<JournalReader, 'trials' | 'getRun' | 'timeAtWork'>

/** Throws ProblemError where the journal cannot be read. */
export const trialsNow = (reader: BegunReader, studyId: string): StudyTrial[] =>
  unwrap(reader.trials(studyId)).map((trial) =>
    trial.status === 'planned' ? { ...trial, work: workSoFar(reader, trial) } : trial,
  )

function workSoFar(reader: BegunReader, { runId }: StudyTrial): TrialWork | null {
  const run = runId === null ? null : reader.getRun(runId)
  if (!run?.ok || run.value.attempts === 0) return null
  return {
    durationMs: unwrap(reader.timeAtWork(run.value.id)),
    steps: run.value.lastStep ?? 0,
    plannedSteps: run.value.totalSteps ?? 0,
    ...{ isModelReused: false, graphsReused: 0, frozenRowsReused: 0, frozenRowsComputed: 0 },
    ...{ peakResidentBytes: null, tunedBytes: null },
  }
}
