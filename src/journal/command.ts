// What every command works with, and the one way commands run: checked, in one transaction, committed when they return.
import type { Database } from 'better-sqlite3'
import type { Result } from '#shared/result.ts'
import { attemptOn } from './problems.ts'

export interface WriterContext {
  readonly db: Database
  readonly path: string
  /** UTC milliseconds. */
  readonly now: () => number
  /** Runs that this process made or started since it opened the journal. */
  readonly ownRuns: Set<string>
}

/** `work` in one IMMEDIATE transaction: all of it is committed when this returns, or none of it was. */
export function commit<T>(context: WriterContext, work: () => T): Result<T> {
  return attemptOn(context.path, () => context.db.transaction(work).immediate())
}
