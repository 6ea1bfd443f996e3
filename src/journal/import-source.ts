// Another computer's journal, opened to be read into this one: a copy of ours, checked whole and brought to this schema
// first. What cannot be trusted is refused here; whose values do not fit is refused row by row by the commands.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { ProblemError, type Result } from '#shared/result.ts'
import { openForReading } from './connection.ts'
import { isChangedSinceClosing } from './contents-digest.ts'
import { type ImportedRun, type ImportSource, rowOf } from './import-rows.ts'
import { countDroppedCommits } from './log-check.ts'
import { readVersion } from './migrate.ts'
import { attemptOn, corruptProblem, refuse } from './problems.ts'
import { assertSchema } from './schema-check.ts'
import { openJournalWriter } from './writer.ts'

/**
 * Opens a copy at `path`, which is changed: an older schema is brought up to date, and a log beside it is taken in. Problems:
 * journal.foreign-file, journal.too-new, journal.corrupt, each naming `shownAs` and not the copy.
 */
export function openImportSource(path: string, shownAs: string): Result<ImportSource> {
  const opened = attemptOn(path, () => {
    const notices = checkedNotices(path)
    const upgraded = openJournalWriter(path, { backupsFolder: join(dirname(path), 'before-upgrade') })
    if (!upgraded.ok) throw new ProblemError(upgraded.problem)
    const closed = upgraded.value.close()
    if (!closed.ok) throw new ProblemError(closed.problem)
    return sourceOver(openForReading(path), notices)
  })
  if (opened.ok) return opened
  const isDamage = ['journal.corrupt', 'journal.invalid', 'journal.failed'].includes(opened.problem.code)
  const damaged = {
    message: 'This journal is damaged, so nothing was taken from it.',
    remedy: 'Bring a backup of it: each is a file in the folder "backups" beside it.',
  }
  return { ok: false, problem: { ...opened.problem, ...(isDamage ? damaged : {}), where: shownAs } }
}

function checkedNotices(path: string): string[] {
  const hasLog = existsSync(`${path}-wal`)
  const droppedCommits = countDroppedCommits(path)
  const db = openForReading(path)
  try {
    const version = readVersion(db, path)
    if (version === 0) refuse('journal.foreign-file', 'This journal is empty.', path, 'Choose another file.')
    assertSchema(db, path, version)
    const verdict = db.pragma('integrity_check(1)', { simple: true })
    if (verdict !== 'ok') throw new ProblemError(corruptProblem(path, String(verdict)))
    if (isChangedSinceClosing(db))
      throw new ProblemError(corruptProblem(path, 'rows were changed after the journal was closed'))
    const isOpen = db
      .prepare('SELECT closed_at_ms IS NULL FROM sessions ORDER BY id DESC LIMIT 1')
      .pluck()
      .get()
    return [
      ...(isOpen === 1 && !hasLog ? [maybeIncomplete] : []),
      ...(droppedCommits > 0 ? [droppedNotice(droppedCommits)] : []),
    ]
  } finally {
    db.close()
  }
}

const maybeIncomplete =
  'The journal was open when this file was copied and made: what was written last may be missing. A journal.db that is copied without its journal.db-wal lacks its newest entries; a backup lacks only what came after it.'
const droppedNotice = (commits: number): string =>
  `At least ${commits} of the last entries could not be read: the file journal.db-wal beside it is damaged.`

/** One's own journal, as it is at this moment, to be read into another one. Nothing of it is changed. */
export function openOwnSource(path: string): Result<ImportSource> {
  return attemptOn(path, () => {
    const db = openForReading(path)
    try {
      assertSchema(db, path, readVersion(db, path))
      db.exec('BEGIN')
      return sourceOver(db, [])
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function sourceOver(db: Database, notices: readonly string[]): ImportSource {
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
    studyName: (id) => String(rowOf(db, 'studies', 'id', id)?.name ?? id),
    close: () => {
      db.close()
    },
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
