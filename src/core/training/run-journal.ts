// The part of the journal that training needs: its writer and reader have this shape, and tests use the real ones.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'

export type RunWriter = Pick<
  JournalWriter,
  'startAttempt' | 'nextAttempt' | 'appendEvents' | 'setRunStatus' | 'finishRun' | 'failRun' | 'addArtifact'
>
export type RunReader = Pick<JournalReader, 'getRun' | 'eventsOfKind'>
