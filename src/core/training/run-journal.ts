// The part of the journal that training needs. The journal's writer has this shape; tests use the real one.

import type { NewArtifact, NewEvent, RunFailure, RunFinish } from '#shared/journal-commands.ts'
import type { RunStatus } from '#shared/journal-types.ts'
import type { Recipe } from '#shared/recipe.ts'
import type { Result } from '#shared/result.ts'

export interface RunRecord {
  readonly id: string
  readonly status: RunStatus
  readonly recipe: Recipe
  readonly modelId: string
  readonly datasetFingerprint: string
  /** Sequence number of the last event; 0 when there is none. */
  readonly headSeq: number
}

export interface RunJournal {
  getRun(runId: string): Result<RunRecord>
  /** Counts the attempt, sets the run to running and gives the attempt's number. */
  startAttempt(runId: string): Result<{ readonly attempt: number }>
  /** Answers after the commit; exact repeats are accepted. */
  appendEvents(runId: string, attempt: number, events: readonly NewEvent[]): Result<unknown>
  setRunStatus(runId: string, status: RunStatus): Result<unknown>
  finishRun(runId: string, finish: RunFinish): Result<unknown>
  failRun(runId: string, failure: RunFailure): Result<unknown>
  addArtifact(artifact: NewArtifact): Result<unknown>
}
