// Another computer's journal, opened to be read into this one: from a private copy that was checked whole and brought to
// this schema. What cannot be trusted is refused here; whose values do not fit is refused row by row by the commands.
import { existsSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { ProblemError, type Result } from '#shared/result.ts'
import { openForReading } from './connection.ts'
import { openForeignJournal } from './foreign.ts'
import { type ImportedRun, type ImportSource, rowOf } from './import-rows.ts'
import { readVersion } from './migrate.ts'
import { attemptOn, corruptProblem } from './problems.ts'
import { assertSchema } from './schema-check.ts'

/**
 * Opens a copy of `path`, made in `folder`; a log beside it is taken in. Problems: journal.foreign-file, journal.too-new,
 * journal.busy, and journal.corrupt for whatever is not what was written; each names `shownAs`.
 */
export function openImportSource(path: string, shownAs: string, folder: string): Result<ImportSource> {
  const opened = attemptOn(path, () => {
    const foreign = openForeignJournal(path, { folder })
    if (!foreign.ok) throw new ProblemError(foreign.problem)
    const { reader } = foreign.value
    try {
      const db = openForReading(reader.path)
      const close = (): void => {
        db.close()
        reader.close()
      }
      try {
        assertTogether(db, path)
        return sourceOver(db, noticesOf(db, path), close)
      } catch (error) {
        db.close()
        throw error
      }
    } catch (error) {
      reader.close()
      throw error
    }
  })
  if (opened.ok) return opened
  const { code } = opened.problem
  const damaged = {
    code: 'journal.corrupt' as const,
    message: 'This journal is damaged, so nothing was taken from it.',
    remedy: 'Bring a backup of it: they lie in the folder "backups" beside it.',
  }
  const isDamage = code === 'journal.corrupt' || code === 'journal.changed'
  return { ok: false, problem: { ...opened.problem, ...(isDamage ? damaged : {}), where: shownAs } }
}

const referring = 'runs evaluations answers comparisons test_set_openings artifacts studies trials'.split(' ')

/**
 * Chains and digests tell of every row that is found; this tells of rows that are not found where they belong. A key that
 * rotted leads past all that stands behind it.
 */
function assertTogether(db: Database, path: string): void {
  const fault = faultIn(db)
  if (fault !== undefined) throw new ProblemError(corruptProblem(path, fault))
}

function faultIn(db: Database): string | undefined {
  const verdict = db.pragma('integrity_check(1)', { simple: true })
  if (verdict !== 'ok') return String(verdict)
  for (const table of referring)
    if ((db.pragma(`foreign_key_check(${table})`) as unknown[]).length > 0)
      return `a row of ${table} refers to one that is not there`
  // Read from end to end, then found run by run: both ways must lead to the same events.
  const scanned = new Map<string, number>()
  const groups = db.prepare<[], { id: string; events: number }>(
    'SELECT run_id AS id, count(*) AS events FROM events GROUP BY run_id',
  )
  for (const { id, events } of groups.iterate()) {
    if (scanned.has(id)) return `events of the run ${id} are not in order`
    scanned.set(id, events)
  }
  const found = db.prepare('SELECT count(*) FROM events WHERE run_id = ?').pluck()
  for (const id of db.prepare('SELECT id FROM runs').pluck().all() as string[]) {
    if (found.get(id) !== (scanned.get(id) ?? 0)) return `events of the run ${id} cannot be found`
    scanned.delete(id)
  }
  const [stray] = scanned.keys()
  return stray === undefined ? undefined : `events refer to the missing run ${stray}`
}

function noticesOf(db: Database, path: string): string[] {
  const isOpen = db
    .prepare('SELECT closed_at_ms IS NULL FROM sessions ORDER BY id DESC LIMIT 1')
    .pluck()
    .get()
  return isOpen === 1 && !existsSync(`${path}-wal`) ? [maybeIncomplete] : []
}

const maybeIncomplete =
  'Tunewright had this journal open when the file was copied, so what was written last may be missing: it is in the file journal.db-wal beside the original. Bring both in one folder, or a backup.'

/** One's own journal, as it is at this moment, to be read into another one. Nothing of it is changed. */
export function openOwnSource(path: string): Result<ImportSource> {
  return attemptOn(path, () => {
    const db = openForReading(path)
    try {
      assertSchema(db, path, readVersion(db, path))
      db.exec('BEGIN')
      return sourceOver(db, [], () => {
        db.close()
      })
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function sourceOver(db: Database, notices: readonly string[], close: () => void): ImportSource {
  const ids = (table: 'projects' | 'runs' | 'studies') =>
    db.prepare(`SELECT id FROM ${table} ORDER BY created_at_ms, id`).pluck().all() as string[]
  return {
    db,
    notices,
    projectIds: () => ids('projects'),
    runIds: () => ids('runs'),
    studyIds: () => ids('studies'),
    project(id) {
      const row = rowOf(db, 'projects', 'id', id)
      return row === undefined ? null : { name: String(row.name), isRemoved: row.removed_at_ms !== null }
    },
    run: (id) => importedRun(db, id),
    isRemoved: (table, id) => (rowOf(db, table, 'id', id)?.removed_at_ms ?? null) !== null,
    studyName: (id) => String(rowOf(db, 'studies', 'id', id)?.name ?? id),
    close,
  }
}

function importedRun(db: Database, id: string): ImportedRun | null {
  const row = rowOf(db, 'runs', 'id', id)
  if (row === undefined) return null
  const before = db.prepare("SELECT recipe ->> '$.before.fingerprint' FROM runs WHERE id = ?").pluck().get(id)
  const files = db
    .prepare<[string], { path: string; sha256: string }>(
      'SELECT path, sha256 FROM artifacts WHERE run_id = ? AND removed_at_ms IS NULL ORDER BY created_at_ms, id',
    )
    .all(id)
  return {
    name: String(row.name),
    projectId: String(row.project_id),
    datasets: [String(row.dataset_fingerprint), ...(typeof before === 'string' ? [before] : [])],
    adapterSha256: row.adapter_sha256 === null ? null : String(row.adapter_sha256),
    files,
  }
}
