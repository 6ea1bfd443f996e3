// The schema is text in the file and can rot like any other byte: a trigger that no longer refuses, a check that no longer
// checks. Every table, index, trigger and view of ours must be letter for letter what its migration made. Additions by
// other hands (a view, an index) are left alone, but for triggers, which act.
import Database from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/all.ts'
import { corruptProblem } from './problems.ts'

const expectedByVersion = new Map<number, ReadonlyMap<string, string>>()

/** Throws journal.corrupt where an open file of this schema version lacks or alters anything of ours. */
export function assertSchema(db: Database.Database, path: string, version: number): void {
  if (version === 0) return
  const found = readSchema(db)
  for (const [name, sql] of expectedSchema(version))
    if (found.get(name) !== sql)
      throw new ProblemError(corruptProblem(path, `the definition of ${name} is not what it was`))
  // A trigger acts by itself: another one would change rows behind our back.
  const strange = [...found.keys()].find(
    (name) => name.startsWith('trigger ') && !expectedSchema(version).has(name),
  )
  if (strange !== undefined)
    throw new ProblemError(corruptProblem(path, `there is a ${strange} that Tunewright did not make`))
}

function expectedSchema(version: number): ReadonlyMap<string, string> {
  let expected = expectedByVersion.get(version)
  if (!expected) {
    const db = new Database(':memory:')
    try {
      migrate(db, ':memory:', {}, migrations.slice(0, version))
      expected = readSchema(db)
    } finally {
      db.close()
    }
    expectedByVersion.set(version, expected)
  }
  return expected
}

function readSchema(db: Database.Database): Map<string, string> {
  const rows = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema').raw().all() as (
    | string
    | null
  )[][]
  return new Map(
    rows.map(([type, name, table, sql]) => [
      `${type} ${name}`,
      isMadeBySqlite(name) ? 'there' : `${table}: ${sql}`,
    ]),
  )
}

/** The tables under the full-text index: SQLite words them, and a later one may word them otherwise. */
const isMadeBySqlite = (name: string | null | undefined): boolean =>
  /^search_(data|idx|content|docsize|config)$/.test(name ?? '')
