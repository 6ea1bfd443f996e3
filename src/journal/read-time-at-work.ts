// How long a run was at work, by the clock of all its events, each as it was written. What an event says of its own time is
// read only where that counts: after a long silence.
import type { Database } from 'better-sqlite3'
import { rowReference } from '#shared/journal-commands.ts'
import { isRecord } from '#shared/json-record.ts'
import { mostSilentMs, timeAtWork, type WorkEvent } from '#shared/time-at-work.ts'
import { checkInput } from './check-input.ts'
import { readJson } from './read-json.ts'
import { eachEvent } from './whole-events.ts'

/** 0 for a run without events, and for one that the journal does not know. */
export function readTimeAtWork(db: Database, runId: unknown): number {
  return timeAtWork(workEvents(db, checkInput(rowReference, runId, 'run id')))
}

function* workEvents(db: Database, runId: string): Generator<WorkEvent> {
  let beforeMs = Number.POSITIVE_INFINITY
  for (const { attempt, at_ms: atMs, kind, body } of eachEvent(db, runId)) {
    yield { attempt, atMs, kind, ownMs: atMs - beforeMs > mostSilentMs ? ownTime(body) : null }
    beforeMs = atMs
  }
}

function ownTime(body: string): number | null {
  const said = readJson(body)
  return isRecord(said) && typeof said.durationMs === 'number' ? said.durationMs : null
}
