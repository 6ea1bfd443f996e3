// The whole journal to be carried out: every row of every kind, one by one, as it was at one moment. The connection cannot
// change the file, and holds its moment until it is closed.
import type { Database } from 'better-sqlite3'
import { stepBody, validationBody } from '#shared/journal-types.ts'
import type { Result } from '#shared/result.ts'
import { openForReading } from './connection.ts'
import { readVersion } from './migrate.ts'
import { attemptOn } from './problems.ts'
import { readJson } from './read-json.ts'
import { removedAt } from './replaced-files.ts'
import { toHex } from './rows.ts'
import { assertSchema } from './schema-check.ts'
import { assertWritten, type EventRow, eachEvent } from './whole-events.ts'

/** A row with its columns in camelCase: JSON columns as values, hashes as hexadecimal text. */
export type ArchiveRow = Readonly<Record<string, unknown>>

/** One measured point of a run's curve. Where a step was run twice, only the latest attempt's is given. */
export interface CurvePoint {
  readonly part: 'train' | 'validation'
  readonly step: number
  readonly attempt: number
  readonly atMs: number
  readonly lossNats: number
  readonly labelledTokens: number
  readonly durationMs: number
  /** Of training points only. */
  readonly epoch: number | null
  readonly learningRate: number | null
  readonly gradNorm: number | null
  readonly tokensSeen: number | null
}

export interface JournalArchive {
  readonly schema: number
  /** Kinds of rows this journal has, in an order in which nothing refers to what comes later. */
  readonly tables: readonly ArchiveTable[]
  /** How many rows of this kind there are; of these runs only where some are named. */
  count(table: ArchiveTable, runIds: readonly string[] | null): number
  /** Throws where an event is not as it was written. */
  rows(table: ArchiveTable, runIds: readonly string[] | null): IterableIterator<ArchiveRow>
  /** Points in the order in which they were measured. */
  points(runId: string): IterableIterator<CurvePoint>
  close(): void
}

/** Which rows of a kind belong to chosen runs; null: none, they are about the journal as a whole. */
const tablesOfRuns = {
  projects: 'id IN (SELECT project_id FROM runs WHERE id IN chosen)',
  models: 'id IN (SELECT model_id FROM runs WHERE id IN chosen)',
  datasets: `fingerprint IN (SELECT dataset_fingerprint FROM runs WHERE id IN chosen
    UNION SELECT recipe ->> '$.before.fingerprint' FROM runs WHERE id IN chosen)`,
  studies: 'id IN (SELECT study_id FROM trials WHERE run_id IN chosen)',
  runs: 'id IN chosen',
  trials: 'run_id IN chosen',
  events: 'run_id IN chosen',
  evaluations: 'run_id IN chosen',
  answers: 'evaluation_id IN (SELECT id FROM evaluations WHERE run_id IN chosen)',
  comparisons: 'run_id IN chosen',
  test_set_openings: 'run_id IN chosen',
  artifacts: 'run_id IN chosen',
  links: 'run_id IN chosen',
  saved_views: null,
  queue: null,
  journal_checks: null,
} as const satisfies Readonly<Record<string, string | null>>
export type ArchiveTable = keyof typeof tablesOfRuns
const everyTable = Object.keys(tablesOfRuns) as ArchiveTable[]

/** Problems: those of an unreadable, foreign, damaged or newer journal. Its schema may be an older one. */
export function openJournalArchive(path: string): Result<JournalArchive> {
  return attemptOn(path, () => {
    const db = openForReading(path)
    try {
      const schema = readVersion(db, path)
      assertSchema(db, path, schema)
      // All that follows sees what is there now, whatever is written meanwhile.
      db.exec('BEGIN')
      return archiveOver(db, schema)
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function archiveOver(db: Database, schema: number): JournalArchive {
  const layouts = new Map(everyTable.flatMap((table) => layoutOf(db, table)))
  const query = (table: ArchiveTable, what: string, runIds: readonly string[] | null, order: string) => {
    const scope = runIds === null ? 'TRUE' : (tablesOfRuns[table] ?? 'FALSE')
    const text = `WITH chosen AS (SELECT value FROM json_each(?)) SELECT ${what} FROM ${table} WHERE ${scope} ${order}`
    return { statement: db.prepare<[string]>(text), chosen: JSON.stringify(runIds ?? []) }
  }
  return {
    schema,
    tables: [...layouts.keys()],
    count(table, runIds) {
      const { statement, chosen } = query(table, 'count(*)', runIds, '')
      return statement.pluck().get(chosen) as number
    },
    *rows(table, runIds) {
      const layout = layouts.get(table)
      if (layout === undefined) return
      const { statement, chosen } = query(
        table,
        layout.columns.map(({ column, value }) => `${value} AS ${column}`).join(', '),
        runIds,
        `ORDER BY ${layout.key.join(', ')}`,
      )
      for (const row of statement.iterate(chosen)) {
        // Carried out, it would be taken for what was written.
        if (table === 'events') assertWritten(row as EventRow)
        yield decoded(row as Record<string, unknown>, layout)
      }
    },
    points: (runId) => pointsOf(db, runId),
    close: () => {
      db.close()
    },
  }
}

interface Layout {
  readonly key: readonly string[]
  readonly columns: readonly Column[]
}

interface Column {
  readonly column: string
  readonly name: string
  readonly isJson: boolean
  /** What is read for it. */
  readonly value: string
}

/** Programs of before did not mark a file that its run wrote again. */
const readAs = (table: ArchiveTable, column: string): string =>
  table === 'artifacts' && column === 'removed_at_ms' ? removedAt : column

/** Which columns hold JSON is said by the checks that stand in the table's own definition. */
function layoutOf(db: Database, table: ArchiveTable): [ArchiveTable, Layout][] {
  const sql = db.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?").pluck().get(table)
  if (typeof sql !== 'string') return []
  const found = db.pragma(`table_info(${table})`) as { name: string; pk: number }[]
  const key = found
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map(({ name }) => name)
  const json = new Set([...sql.matchAll(/json_valid\((\w+)\)/g)].map(([, column]) => column ?? ''))
  const columns = found.map(({ name: column }) => ({
    column,
    name: column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    isJson: json.has(column),
    value: readAs(table, column),
  }))
  return [[table, { key: key.length > 0 ? key : ['rowid'], columns }]]
}

function decoded(row: Readonly<Record<string, unknown>>, { columns }: Layout): ArchiveRow {
  const values: Record<string, unknown> = {}
  for (const { column, name, isJson } of columns) {
    const value = row[column]
    values[name] =
      value instanceof Uint8Array
        ? toHex(value)
        : isJson && typeof value === 'string'
          ? readJson(value)
          : value
  }
  return values
}

type PointRow = EventRow & { readonly kind: 'step' | 'evaluation' }

const isPoint = (row: EventRow): row is PointRow => row.kind === 'step' || row.kind === 'evaluation'

/** Throws where an event of the run is not as it was written, whatever its kind is now. */
function* pointsOf(db: Database, runId: string): IterableIterator<CurvePoint> {
  const isLatest = latestAttempts(db, runId)
  for (const row of eachEvent(db, runId)) {
    const point = isPoint(row) ? pointOf(row) : null
    if (isPoint(row) && point !== null && isLatest(row.kind, point.step, row.attempt)) yield point
  }
}

/** Of a run with one attempt every point stands; of a resumed one the number of the latest attempt is kept for each step. */
function latestAttempts(
  db: Database,
  runId: string,
): (kind: PointRow['kind'], step: number, attempt: number) => boolean {
  const attempts = db.prepare('SELECT attempts FROM runs WHERE id = ?').pluck().get(runId)
  if (typeof attempts !== 'number' || attempts < 2) return () => true
  const latest = { step: new Map<number, number>(), evaluation: new Map<number, number>() }
  const rows = db.prepare<[string], { kind: PointRow['kind']; step: number; attempt: number }>(
    "SELECT kind, body ->> '$.step' AS step, attempt FROM events WHERE run_id = ? AND kind IN ('step', 'evaluation') ORDER BY seq",
  )
  for (const { kind, step, attempt } of rows.iterate(runId)) latest[kind].set(step, attempt)
  return (kind, step, attempt) => latest[kind].get(step) === attempt
}

function pointOf({ attempt, at_ms: atMs, kind, body }: PointRow): CurvePoint | null {
  const place = { attempt, atMs }
  if (kind === 'step') {
    const point = stepBody.safeParse(readJson(body))
    if (!point.success) return null
    const { stage: _, ...figures } = point.data
    return { part: 'train', ...place, ...figures }
  }
  const point = validationBody.safeParse(readJson(body))
  if (!point.success) return null
  const { isBest: _, ...figures } = point.data
  const none = { epoch: null, learningRate: null, gradNorm: null, tokensSeen: null }
  return { part: 'validation', ...place, ...figures, ...none }
}
