// A check of everything that can be checked, in one consistent state: the file, references, chains, measurements.
import type { Database } from 'better-sqlite3'
import { all, sqlFor } from './query.ts'
import { verifyChain } from './read-events.ts'
import { findChangedMeasurements } from './read-proof.ts'

/** What a check of the whole journal found; empty lists mean that everything is what was written. */
export interface JournalCheck {
  /** SQLite's own findings about the file. */
  readonly damage: readonly string[]
  readonly brokenRuns: readonly {
    readonly runId: string
    readonly firstBadSeq: number
    readonly reason: string
  }[]
  /** Evaluations and comparisons that were changed. */
  readonly changedMeasurements: readonly string[]
}

/** Checks everything that can be checked, in one consistent state. */
export function verifyAll(db: Database): JournalCheck {
  const integrity = db.prepare('PRAGMA integrity_check').pluck().all() as string[]
  const runIds = all(db, sqlFor.selectFrom('events').select('run_id').distinct()).map((row) => row.run_id)
  return {
    damage: [...integrity.filter((line) => line !== 'ok'), ...findDanglingRows(db, runIds), ...findLost(db)],
    brokenRuns: runIds.flatMap((runId) => {
      const report = verifyChain(db, runId)
      return report.intact ? [] : [{ runId, firstBadSeq: report.firstBadSeq, reason: report.reason }]
    }),
    changedMeasurements: findChangedMeasurements(db),
  }
}

/** Rows that refer to a row that is not there. SQLite's own check takes each event singly; one look for each run does. */
function findDanglingRows(db: Database, runsWithEvents: readonly string[]): string[] {
  const tables = db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('events', 'sqlite_sequence')",
    )
    .pluck()
    .all() as string[]
  const found = tables.flatMap(
    (table) =>
      db.prepare(`PRAGMA foreign_key_check("${table}")`).all() as { table: string; parent: string }[],
  )
  const known = new Set(all(db, sqlFor.selectFrom('runs').select('id')).map((row) => row.id))
  return [
    ...found.map(({ table, parent }) => `a row of ${table} refers to a missing row of ${parent}`),
    ...runsWithEvents.filter((id) => !known.has(id)).map((id) => `events refer to the missing run ${id}`),
  ]
}

/** What no reference of a table covers: links and the queue name runs or studies, and every run can be searched for. */
const lost = {
  'a link is about a run or study that is not there':
    'SELECT count(*) FROM links WHERE run_id NOT IN (SELECT id FROM runs UNION ALL SELECT id FROM studies)',
  'the queue names a run or study that is not there':
    "SELECT count(*) FROM queue WHERE NOT EXISTS (SELECT 1 FROM runs WHERE kind = 'run' AND runs.id = queue.id) AND NOT EXISTS (SELECT 1 FROM studies WHERE kind = 'study' AND studies.id = queue.id)",
  'a run is not found by its words':
    'SELECT count(*) FROM runs WHERE NOT EXISTS (SELECT 1 FROM search_documents WHERE run_id = runs.id AND evaluation_id IS NULL AND number IN (SELECT id FROM search_docsize))',
  'a measurement is not found by its words':
    'SELECT count(*) FROM evaluations WHERE answer_count > 0 AND NOT EXISTS (SELECT 1 FROM search_documents WHERE evaluation_id = evaluations.id AND number IN (SELECT id FROM search_docsize))',
} as const

const findLost = (db: Database): string[] =>
  Object.entries(lost)
    .filter(([, question]) => db.prepare(question).pluck().get() !== 0)
    .map(([finding]) => finding)
