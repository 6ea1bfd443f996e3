// Rows of another journal on their way into this one, column by column as they are stored. Names of tables and columns come
// from our own schema, never from the other file.
import type { Database, Statement } from 'better-sqlite3'
import { describeIssue } from '#shared/recipe.ts'
import { refuse } from './problems.ts'

export interface Copy {
  readonly from: Database
  readonly to: Database
}

export type Row = Readonly<Record<string, unknown>>

/** Another journal, checked and of this schema. */
export interface ImportSource {
  readonly db: Database
  /** What of the newest entries may be missing, in sentences for the person. */
  readonly notices: readonly string[]
  /** Oldest first; those that were removed there too. */
  projectIds(): string[]
  runIds(): string[]
  studyIds(): string[]
  /** Null for an id that is not there. */
  project(id: string): { readonly name: string; readonly isRemoved: boolean } | null
  run(id: string): ImportedRun | null
  /** A person there removed it: it comes along, hidden as it was. */
  isRemoved(table: 'runs' | 'studies', id: string): boolean
  studyName(id: string): string
  close(): void
}

/** What is known of a run before it is taken over. */
export interface ImportedRun {
  readonly name: string
  readonly projectId: string
  readonly datasets: readonly string[]
  readonly adapterSha256: string | null
  /** Files that were there when the journal was written. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[]
}

type CopiedTable =
  | 'projects'
  | 'models'
  | 'datasets'
  | 'runs'
  | 'events'
  | 'evaluations'
  | 'answers'
  | 'comparisons'
  | 'test_set_openings'
  | 'artifacts'
  | 'studies'
  | 'trials'
  | 'links'
  | 'saved_views'

const columnsByConnection = new WeakMap<Database, Map<CopiedTable, readonly string[]>>()

function columnsOf(db: Database, table: CopiedTable): readonly string[] {
  const known = columnsByConnection.get(db) ?? new Map<CopiedTable, readonly string[]>()
  columnsByConnection.set(db, known)
  const columns =
    known.get(table) ?? (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name)
  known.set(table, columns)
  return columns
}

const statementsByConnection = new WeakMap<Database, Map<string, Statement<unknown[]>>>()

/** Prepared once: for statements that are never iterated. */
export function statement(db: Database, sql: string): Statement<unknown[]> {
  const statements = statementsByConnection.get(db) ?? new Map<string, Statement<unknown[]>>()
  statementsByConnection.set(db, statements)
  const prepared = statements.get(sql) ?? db.prepare<unknown[]>(sql)
  statements.set(sql, prepared)
  return prepared
}

export function rowOf(db: Database, table: CopiedTable, column: string, key: unknown): Row | undefined {
  return statement(db, `SELECT * FROM ${table} WHERE ${column} = ?`).get(key) as Row | undefined
}

/** One by one, by their keys where `where` asks for no order; the other journal's rows are read while ours are written. */
export function rowsOf(
  db: Database,
  table: CopiedTable,
  where: string,
  values: readonly unknown[],
): IterableIterator<Row> {
  return db.prepare(`SELECT * FROM ${table} WHERE ${where}`).iterate(...values) as IterableIterator<Row>
}

export function insertRow({ to }: Pick<Copy, 'to'>, table: CopiedTable, row: Row): void {
  const columns = columnsOf(to, table)
  const places = columns.map(() => '?').join(', ')
  statement(to, `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`).run(
    ...columns.map((column) => row[column]),
  )
}

/** Whether two rows of one table hold the same, but for these columns. */
export function isSameRow(a: Row, b: Row, except: readonly string[] = []): boolean {
  return Object.keys(a).every((column) => except.includes(column) || isSameValue(a[column], b[column]))
}

const isSameValue = (a: unknown, b: unknown): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b

interface Schema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: Parameters<typeof describeIssue>[0] }
}

/** The checked value; throws journal.invalid, which is about the other file and not about us. */
export function checkFits<T>(schema: Schema<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { where, message } = describeIssue(parsed.error)
  return refuse(
    'journal.invalid',
    `It holds a value that cannot be taken: ${message}.`,
    where === '' ? what : `${what}, at ${where}`,
    'It was left out.',
  )
}

/** Ids become names of folders: nothing that could lead elsewhere, or that a file system takes for something else. */
export function checkPlainId(id: string, what: string): void {
  const isPlain = id.length <= 200 && /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/.test(id)
  if (isPlain && !id.includes('.tmp-') && !/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(id)) return
  refuse('journal.invalid', 'Its id is not one that Tunewright makes.', what, 'It was left out.')
}

export interface ImportChoice {
  /** Name of the file that it comes from, for the link `imported-from`; null marks nothing. */
  readonly origin: string | null
  /** Whether a file of the run, by its path in the library, is here; those that are not are marked as removed. */
  hasFile(path: string): boolean
  /** Shows what a person removed here before. */
  readonly bringsBack: boolean
  /** Told of what is taken over otherwise than it stands there, and why. */
  readonly onDoubt?: (what: string, reason: string) => void
  /** Texts of rows stay behind: answers are left out, and sample answers emptied (their chain is made anew). */
  readonly isWithoutTexts: boolean
}

/** `known`: it was there, with the same contents. */
export type Imported = 'added' | 'known'
