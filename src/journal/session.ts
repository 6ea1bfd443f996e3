// The diary of openings and closings: tells a clean exit from a crash, and a whole journal from a copy without its log.
import type Database from 'better-sqlite3'
import { sqliteVersion } from './connection.ts'
import { digestContents } from './contents-digest.ts'
import { first, run, sqlFor } from './query.ts'
import type { WriterLock } from './writer-lock.ts'

/** Whether the last process that opened the journal never closed it. */
export function isUnclosed(db: Database.Database): boolean {
  const last = first(db, sqlFor.selectFrom('sessions').select('closed_at_ms').orderBy('id', 'desc').limit(1))
  return last !== undefined && last.closed_at_ms === null
}

/** Marks the journal as open, in the main file too: so a copy without its log is recognised as one. */
export function beginSession(db: Database.Database, nowMs: number): number {
  const row = {
    pid: process.pid,
    opened_at_ms: nowMs,
    closed_at_ms: null,
    sqlite_version: sqliteVersion(),
    contents_sha256: null,
  }
  const { id } = first(db, sqlFor.insertInto('sessions').values(row).returning('id')) as { id: number }
  db.pragma('wal_checkpoint(PASSIVE)')
  return id
}

/** Notes the end and a digest of all rows that may change, folds the log into the main file, releases the lock. */
export function endSession(db: Database.Database, session: number, nowMs: number, lock: WriterLock): void {
  if (!db.open) return
  try {
    run(
      db,
      sqlFor
        .updateTable('sessions')
        .set({ closed_at_ms: nowMs, contents_sha256: digestContents(db) })
        .where('id', '=', session),
    )
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
    lock.release()
  }
}
