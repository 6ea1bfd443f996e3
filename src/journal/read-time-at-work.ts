// How long a run was at work. Of its events only the clock is read, and what an event says of its own time only where that
// counts: after a long silence.
import type { Database } from 'better-sqlite3'
import { sql } from 'kysely'
import { rowReference } from '#shared/journal-commands.ts'
import { mostSilentMs, timeAtWork, type WorkEvent } from '#shared/time-at-work.ts'
import { checkInput } from './check-input.ts'
import { each, sqlFor } from './query.ts'

/** 0 for a run without events, and for one that the journal does not know. */
export function readTimeAtWork(db: Database, runId: unknown): number {
  return timeAtWork(workEvents(db, checkInput(rowReference, runId, 'run id')))
}

function* workEvents(db: Database, runId: string): Generator<WorkEvent> {
  for (const { attempt, at_ms: atMs, kind, own_ms: own } of each(db, workQuery(runId)))
    yield { attempt, atMs, kind, ownMs: typeof own === 'number' ? own : null }
}

const workQuery = (runId: string) =>
  sqlFor
    .selectFrom('events')
    .select(['attempt', 'at_ms', 'kind'])
    .select(
      sql<unknown>`CASE WHEN at_ms - lag(at_ms) OVER (ORDER BY seq) > ${mostSilentMs}
        THEN body ->> '$.durationMs' END`.as('own_ms'),
    )
    .where('run_id', '=', runId)
    .orderBy('seq')
