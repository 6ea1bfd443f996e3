// Whether anything was computed of late, without reading every run there is.
import type { Database } from 'better-sqlite3'
import { timeMs } from '#shared/fields.ts'
import { checkInput } from './check-input.ts'
import { first, sqlFor } from './query.ts'

/** Whether a run computes now, or ended at that time or later; one that was removed since counts too. */
export function hasRunSince(db: Database, sinceMs: unknown): boolean {
  const since = checkInput(timeMs, sinceMs, 'time')
  const found = sqlFor.selectFrom('runs').select('id').limit(1)
  return (
    first(db, found.where('status', '=', 'running')) !== undefined ||
    first(db, found.where('ended_at_ms', '>=', since)) !== undefined
  )
}
