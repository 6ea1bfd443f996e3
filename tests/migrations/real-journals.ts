// Journals that programs of the git history wrote (tests/golden/journals), and journals of the schemas that none of them
// wrote: made with that schema's own statements out of the rows of the next later real one.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import type { Database } from 'better-sqlite3'
import { openForWriting } from '#journal/connection.ts'
import { migrate } from '#journal/migrate.ts'
import { migrations } from '#journal/migrations/all.ts'
import type { RunCurve, RunDetail } from '#shared/journal-types.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { columnsOf } from './journal-at.ts'

export const realJournals = [
  { name: 'schema-5', schema: 5 },
  { name: 'schema-6-early', schema: 6 },
  { name: 'schema-6-late', schema: 6 },
  { name: 'schema-8-early', schema: 8 },
  { name: 'schema-8-late', schema: 8 },
] as const
export type RealName = (typeof realJournals)[number]['name']

const unpack = (file: string): Buffer =>
  brotliDecompressSync(readFileSync(join(import.meta.dirname, '../golden/journals', `${file}.br`)))

export function placeReal(name: RealName, path: string): string {
  writeFileSync(path, unpack(`${name}.db`))
  return path
}

/** A run as the program of that day showed it: `runs show --json`. */
export interface ShownRun {
  readonly run: Pick<RunDetail, 'id' | 'name' | 'status' | 'notes' | 'tags' | 'lastStep' | 'totalSteps'> &
    Pick<RunDetail, 'bestStep' | 'bestLossNats' | 'attempts' | 'seed' | 'adapterSha256' | 'endReason'> & {
      readonly recipe: Readonly<Record<string, unknown>>
    }
  readonly curve: RunCurve
  readonly comparisons: readonly { readonly body: ShownProof }[]
}
interface ShownProof {
  readonly rows: number
  readonly metric: string
  readonly baseline: Readonly<Record<'value' | 'low' | 'high', number>>
  readonly tuned: Readonly<Record<'value' | 'low' | 'high', number>>
  readonly verdict: { readonly kind: string; readonly sentence: string }
}

export const shownBy = (name: RealName): ShownRun[] => JSON.parse(unpack(`${name}.shown.json`).toString())

/** The schemas that no program ever left behind: all steps to the next one came with it. */
export const derivedFrom: Readonly<Record<number, RealName>> = {
  1: 'schema-5',
  2: 'schema-5',
  3: 'schema-5',
  4: 'schema-5',
  7: 'schema-8-early',
}

/** Filled in this order, what is referred to first. The others note openings and upgrades, or are made by triggers. */
const filled = [
  ...['sessions', 'projects', 'models', 'datasets', 'runs', 'events', 'evaluations', 'answers'],
  ...['comparisons', 'test_set_openings', 'artifacts', 'studies', 'trials', 'queue', 'links'],
  ...['saved_views', 'journal_checks'],
]

/** A journal of this schema with the rows that it can hold; rows of tables and columns that came later are left out. */
export function deriveJournal(version: number): string {
  const real = placeReal(derivedFrom[version] ?? 'schema-5', join(temporaryFolder(), 'later.db'))
  const path = join(temporaryFolder(), 'journal.db')
  const db = openForWriting(path)
  migrate(db, path, {}, migrations.slice(0, version))
  db.prepare('ATTACH ? AS later').run(real)
  const columns = columnsOf(db)
  for (const table of filled) copyRows(db, table, columns[table] ?? sessionColumns(table))
  // It was about the rows of the later schema.
  db.exec('UPDATE main.sessions SET contents_sha256 = NULL')
  db.exec('DETACH later')
  db.close()
  return path
}

const sessionColumns = (table: string): readonly string[] =>
  table === 'sessions' ? ['id', 'pid', 'opened_at_ms', 'closed_at_ms', 'sqlite_version'] : []

function copyRows(db: Database, table: string, columns: readonly string[]): void {
  if (columns.length === 0) return
  const listed = columns.join(', ')
  db.exec(`INSERT INTO main.${table} (${listed}) SELECT ${listed} FROM later.${table}`)
}
