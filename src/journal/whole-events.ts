// Events of a run as they were written, or not at all: each against its own hash and against the one beside it. One that
// rotted is said, whatever was asked: left out, it would be as if it had never been.
import type { Database } from 'better-sqlite3'
import { isRecord } from '#shared/json-record.ts'
import { chainStart, hashEvent } from './hash-chain.ts'
import { all, each, first, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'

export type EventRow = ReturnType<typeof all<ReturnType<typeof chainQuery>>>[number]

type Direction = 'asc' | 'desc'

/** Events of all kinds: one whose kind rotted would else be passed over. */
export const chainQuery = (runId: string, direction: Direction = 'asc') =>
  sqlFor.selectFrom('events').selectAll().where('run_id', '=', runId).orderBy('seq', direction)

/** A figure that rotted is never shown: throws where the event is not what its own hash says. */
export function assertWritten(row: EventRow): void {
  if (isSame(row.hash, hashOf(row.run_id, row.prev_hash, row))) return
  throw new DamagedValueError(`event ${row.seq} of run ${row.run_id} was changed after it was written`)
}

export const hashOf = (runId: string, previous: Uint8Array, row: EventRow): Buffer =>
  hashEvent(previous, {
    runId,
    seq: row.seq,
    attempt: row.attempt,
    atMs: row.at_ms,
    kind: row.kind,
    bodyText: row.body,
  })

/** An event that was read before: those behind it are asked for. */
export type Head = Pick<EventRow, 'seq' | 'hash'>

/** Every event of the run, each against its own hash and against the one beside it. Throws where one is not as it was. */
export function* eachEvent(db: Database, runId: string, direction: Direction = 'asc'): Generator<EventRow> {
  if (direction === 'asc') return yield* eventsAfter(db, runId, null)
  let later: EventRow | null = null
  for (const row of each(db, chainQuery(runId, 'desc'))) {
    assertWritten(row)
    if (later !== null && !doesFollow(row, later)) throw missingEvent(runId)
    later = row
    yield row
  }
  if (later !== null && !isFirst(later)) throw missingEvent(runId)
  assertEndIsThere(db, runId)
}

/** As `eachEvent`, in order: all of them, or those behind one that was read before. */
export function* eventsAfter(db: Database, runId: string, known: Head | null): Generator<EventRow> {
  let before = known
  const rows = known === null ? chainQuery(runId) : chainQuery(runId).where('seq', '>', known.seq)
  for (const row of each(db, rows)) {
    assertWritten(row)
    if (before === null ? !isFirst(row) : !doesFollow(before, row)) throw missingEvent(runId)
    before = row
    yield row
  }
  assertEndIsThere(db, runId)
}

/** By far most events are steps: those that are asked for, and all that are no step, or no step any more. */
export const markedQuery = (runId: string, kind: string) =>
  chainQuery(runId).where((where) => where.or([where('kind', '!=', 'step'), where('kind', '=', kind)]))

export const numbersQuery = (runId: string) =>
  sqlFor
    .selectFrom('events')
    .select(({ fn }) => [fn.countAll<number>().as('events'), fn.max('seq').as('last')])
    .where('run_id', '=', runId)

/**
 * Events of one kind, in order. Steps of a long run are not hashed for it, only counted: whatever is no step is, so that
 * one whose kind rotted is found among these. Throws where one is not as it was, or missing.
 */
export function* eachOfKind(db: Database, runId: string, kind: string): Generator<EventRow> {
  const { events = 0, last = null } = first(db, numbersQuery(runId)) ?? {}
  if (events !== (last ?? 0)) throw missingEvent(runId)
  for (const row of each(db, markedQuery(runId, kind))) {
    assertWritten(row)
    if (row.kind === kind) yield row
  }
  assertEndIsThere(db, runId)
}

/**
 * The last event has none behind it that names it; the run's own row, read at the same moment, knows which step came last.
 * A run that went over steps again came further before, so no other step will do.
 */
function assertEndIsThere(db: Database, runId: string): void {
  const lastStep = first(db, sqlFor.selectFrom('runs').select('last_step').where('id', '=', runId))?.last_step
  if (lastStep === null || lastStep === undefined) return
  const step = newestOf(db, runId, 'step')
  if (step !== undefined && stepOf(step) === lastStep) return
  const measurement = newestOf(db, runId, 'evaluation')
  const isNewest = measurement !== undefined && measurement.seq > (step?.seq ?? 0)
  if (!isNewest || stepOf(measurement) !== lastStep) throw missingEvent(runId)
}

function newestOf(db: Database, runId: string, kind: string): EventRow | undefined {
  const [newest] = all(db, chainQuery(runId, 'desc').where('kind', '=', kind).limit(1))
  if (newest !== undefined) assertWritten(newest)
  return newest
}

function stepOf({ body }: EventRow): unknown {
  const said = readJson(body)
  return isRecord(said) ? said.step : undefined
}

const isFirst = ({ seq, prev_hash }: EventRow): boolean => seq === 1 && isSame(prev_hash, chainStart)

const doesFollow = (earlier: Head, later: EventRow): boolean =>
  later.seq === earlier.seq + 1 && isSame(later.prev_hash, earlier.hash)

export const missingEvent = (runId: string): DamagedValueError =>
  new DamagedValueError(`an event of run ${runId} is missing`)

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
