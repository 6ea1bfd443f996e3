// One figure over everything that may change: taken when the journal is closed, compared when it is opened again. Events
// and measurements carry hashes of their own; this covers the rest against bit rot and foreign hands between two sessions.
import { createHash } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'

const changingTables = [
  'projects',
  'models',
  'datasets',
  'runs',
  'test_set_openings',
  'artifacts',
  'studies',
  'trials',
  'queue',
  'links',
  'saved_views',
  'journal_checks',
  // The index of words can be made anew, but until then a search over a rotten one would pass runs over without a word.
  'search_documents',
  'search_data',
  'search_idx',
  'search_docsize',
  'search_config',
] as const

/** SHA-256 over every row of these tables, as far as the file's schema has them, in the order of their keys. */
export function digestContents(db: Database): string {
  const hash = createHash('sha256')
  for (const table of changingTables) {
    if (!hasTable(db, table)) continue
    hash.update(`${table}\n`)
    for (const row of db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).raw().iterate() as Iterable<
      unknown[]
    >)
      hash.update(`${JSON.stringify(row.map(asText))}\n`)
  }
  return hash.digest('hex')
}

/** Whether these rows are other than they were when the journal was closed; false where it never was, or is open. */
function isChangedSinceClosing(db: Database): boolean {
  const last = db.prepare('SELECT contents_sha256 FROM sessions ORDER BY id DESC LIMIT 1').pluck().get() as
    | string
    | null
    | undefined
  return typeof last === 'string' && last !== digestContents(db)
}

const asText = (cell: unknown): unknown => (Buffer.isBuffer(cell) ? cell.toString('base64') : cell)

/** Throws journal.changed where rows are other than they were when the journal was closed. */
export function assertUnchanged(db: Database, path: string): void {
  if (!isChangedSinceClosing(db)) return
  throw new ProblemError({
    code: 'journal.changed',
    message:
      'The journal is not what it was when Tunewright closed it: another program, or the disk, changed it.',
    where: path,
    remedy:
      'If you know what changed it, take it as it is, under “Settings” or with: tunewright journal accept. Else go back to the newest backup, there or with: tunewright journal restore.',
  })
}

const hasTable = (db: Database, name: string): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined
