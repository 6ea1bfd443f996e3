// Brings a journal's schema to the newest version: forward only, each step in one transaction, a verified backup before
// the first step where the journal already holds something. A journal from a newer Tunewright is refused untouched.
import { createHash } from 'node:crypto'
import SqliteDatabase, { type Database } from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'
import { applicationId } from './connection.ts'
import { migrations as everyMigration } from './migrations/all.ts'
import type { Migration } from './migrations/migration.ts'
import { corruptProblem } from './problems.ts'

export const newestVersion: number = everyMigration.length

export interface MigrationHooks {
  /** Called once, before the first step, where the journal is not new. */
  readonly beforeUpgrade?: (fromVersion: number) => void
  /** Called before each statement; tests stop the process here. */
  readonly onStatement?: (version: number, index: number) => void
}

/** The schema's version of an open file; throws for a stranger's database and for a newer journal. */
export function readVersion(db: Database, path: string): number {
  const version = db.pragma('user_version', { simple: true }) as number
  const owner = db.pragma('application_id', { simple: true }) as number
  const written = readWrittenVersion(db)
  if (written !== undefined && (version !== written || owner !== applicationId))
    throw new ProblemError(
      corruptProblem(
        path,
        `its first bytes are not what they were (schema ${version}, tables of ${written})`,
      ),
    )
  const isEmpty = version === 0 && owner === 0 && countTables(db) === 0
  if (!isEmpty && owner !== applicationId)
    throw new ProblemError({
      code: 'journal.foreign-file',
      message: 'This file is a database of another program, not a Tunewright journal.',
      where: path,
      remedy: 'Choose another folder for the library.',
    })
  if (version > newestVersion)
    throw new ProblemError({
      code: 'journal.too-new',
      message: `This journal was written by a newer Tunewright (schema ${version}; this one knows ${newestVersion}).`,
      where: path,
      remedy: 'Update Tunewright. The journal was not changed.',
    })
  return version
}

/**
 * The version by the table of steps, where these are ours letter for letter: first bytes that say otherwise have rotted,
 * for both are written in one transaction. Undefined in an empty file, a stranger's, and in a really newer journal.
 */
function readWrittenVersion(db: Database): number | undefined {
  try {
    const rows = db.prepare('SELECT version, sha256 FROM migrations ORDER BY version').all() as {
      version: number
      sha256: string
    }[]
    const areOurs = rows.every(({ version, sha256 }, i) => {
      const known = everyMigration[i]
      return known !== undefined && known.version === version && hashMigration(known) === sha256
    })
    return areOurs && rows.length > 0 ? rows.length : undefined
  } catch (error) {
    // No such table, or one that a stranger made.
    if (error instanceof SqliteDatabase.SqliteError && error.code === 'SQLITE_ERROR') return undefined
    throw error
  }
}

const countTables = (db: Database): number =>
  db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number

/** The first table of every journal. As it is written here it stands in the file. */
export const stepsTable = `CREATE TABLE migrations (
        version       INTEGER PRIMARY KEY,
        name          TEXT NOT NULL,
        sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
        applied_at_ms INTEGER NOT NULL
      ) STRICT`

/** Runs every step that is missing. Returns the version found and the version left. */
export function migrate(
  db: Database,
  path: string,
  hooks: MigrationHooks = {},
  migrations: readonly Migration[] = everyMigration,
): { from: number; to: number } {
  const from = readVersion(db, path)
  if (from > 0) assertHistory(db, path, migrations.slice(0, from))
  if (from > 0 && from < migrations.length) hooks.beforeUpgrade?.(from)
  for (const migration of migrations.slice(from)) step(db, migration, hooks)
  return { from, to: Math.max(from, migrations.length) }
}

function step(db: Database, migration: Migration, hooks: MigrationHooks): void {
  db.transaction(() => {
    if (migration.version === 1) {
      db.pragma(`application_id = ${applicationId}`)
      db.exec(stepsTable)
    }
    for (const [index, statement] of migration.statements.entries()) {
      hooks.onStatement?.(migration.version, index)
      db.exec(statement)
    }
    db.prepare('INSERT INTO migrations (version, name, sha256, applied_at_ms) VALUES (?, ?, ?, ?)').run(
      migration.version,
      migration.name,
      hashMigration(migration),
      Date.now(),
    )
    db.pragma(`user_version = ${migration.version}`)
    hooks.onStatement?.(migration.version, migration.statements.length)
  }).immediate()
}

/** SHA-256 over a step's statements: a released step must keep it for ever. */
export function hashMigration(migration: Migration): string {
  return createHash('sha256').update(JSON.stringify(migration.statements), 'utf8').digest('hex')
}

/** The steps that made this file must be the steps that we know; otherwise the schema is not what we think it is. */
function assertHistory(db: Database, path: string, known: readonly Migration[]): void {
  const applied = db.prepare('SELECT version, sha256 FROM migrations ORDER BY version').all() as {
    version: number
    sha256: string
  }[]
  for (const [i, migration] of known.entries()) {
    const row = applied[i]
    if (row?.version !== migration.version || row.sha256 !== hashMigration(migration))
      throw new ProblemError(
        corruptProblem(path, `schema step ${migration.version} is not the one that was released`),
      )
  }
}
