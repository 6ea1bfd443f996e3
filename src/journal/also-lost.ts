// What else is lost with a journal that a backup replaces, besides events: measurements, what a person wrote and marked,
// and whole searches and projects. Counted by comparing the two files.
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { openForReading } from './connection.ts'

export interface AlsoLost {
  /** Measurements of a run, such as the two of a proof. */
  readonly measurements: number
  /** Runs in both files whose name, notes, stars, tags or place in lists were other ones. */
  readonly markedRuns: number
  readonly studies: number
  readonly projects: number
}

/** What the journal holds and the backup does not; null where one of them cannot be read so far. */
export function countAlsoLost(journalPath: string, backupPath: string): AlsoLost | null {
  const journal = tryRead(journalPath)
  const backup = tryRead(backupPath)
  if (journal === undefined || backup === undefined) return null
  const countNew = (of: 'measurements' | 'studies' | 'projects') =>
    [...journal[of]].filter((id) => !backup[of].has(id)).length
  return {
    measurements: countNew('measurements'),
    markedRuns: [...journal.marks].filter(([id, marks]) => (backup.marks.get(id) ?? marks) !== marks).length,
    studies: countNew('studies'),
    projects: countNew('projects'),
  }
}

interface Kept {
  readonly measurements: ReadonlySet<string>
  readonly studies: ReadonlySet<string>
  readonly projects: ReadonlySet<string>
  /** By run. */
  readonly marks: ReadonlyMap<string, string>
}

const markColumns = ['name', 'notes', 'tags', 'rating', 'pinned_at_ms', 'archived_at_ms', 'removed_at_ms']

function tryRead(path: string): Kept | undefined {
  if (!existsSync(path)) return undefined
  let db: Database.Database | undefined
  try {
    db = openForReading(path)
    return {
      measurements: idsOf(db, 'evaluations'),
      studies: idsOf(db, 'studies'),
      projects: idsOf(db, 'projects'),
      marks: marksOf(db),
    }
  } catch (error) {
    if (error instanceof Database.SqliteError) return undefined
    throw error
  } finally {
    db?.close()
  }
}

/** An older schema has not every table and column; what was not there is as if it was empty. */
const columnsOf = (db: Database.Database, table: string): string[] =>
  db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[]

const idsOf = (db: Database.Database, table: string): Set<string> =>
  new Set(
    columnsOf(db, table).length === 0
      ? []
      : (db.prepare(`SELECT id FROM "${table}"`).pluck().all() as string[]),
  )

function marksOf(db: Database.Database): Map<string, string> {
  const there = new Set(columnsOf(db, 'runs'))
  if (there.size === 0) return new Map()
  const wanted = markColumns.map((name) => (there.has(name) ? name : 'NULL'))
  const rows = db
    .prepare(`SELECT id, ${wanted.join(', ')} FROM runs`)
    .raw()
    .all() as [string, ...unknown[]][]
  return new Map(rows.map(([id, ...marks]) => [id, JSON.stringify(marks)]))
}
