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
  if (isBytes(row.prev_hash) && isSame(row.hash, hashOf(row.run_id, row.prev_hash, row))) return
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
  let last: Head | null = null
  for (const row of each(db, chainQuery(runId, 'desc'))) {
    assertWritten(row)
    if (later !== null && !doesFollow(row, later)) throw missingEvent(runId)
    last ??= row
    later = row
    yield row
  }
  if (later !== null && !isFirst(later)) throw missingEvent(runId)
  assertEndIsThere(db, runId, last)
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
  assertEndIsThere(db, runId, before)
}

/** By far most events are steps: those that are asked for, and all that are no step, or no step any more. */
export const markedQuery = (runId: string, kind: string) =>
  chainQuery(runId).where((where) => where.or([where('kind', '!=', 'step'), where('kind', '=', kind)]))

/** From the first event on. */
export const eventCountQuery = (runId: string) =>
  sqlFor
    .selectFrom('events')
    .select(({ fn }) => fn.countAll<number>().as('events'))
    .where('run_id', '=', runId)

/** From behind. */
export const headQuery = (runId: string) =>
  sqlFor
    .selectFrom('events')
    .select(['seq', 'hash'])
    .where('run_id', '=', runId)
    .orderBy('seq', 'desc')
    .limit(1)

/**
 * Events of one kind, in order. Steps of a long run are not hashed for it, only counted: whatever is no step is, so that
 * one whose kind rotted is found among these. Throws where one is not as it was, or missing.
 */
export function* eachOfKind(db: Database, runId: string, kind: string): Generator<EventRow> {
  const head = first(db, headQuery(runId)) ?? null
  if (first(db, eventCountQuery(runId))?.events !== (head?.seq ?? 0)) throw missingEvent(runId)
  for (const row of each(db, markedQuery(runId, kind))) {
    assertWritten(row)
    if (row.kind === kind) yield row
  }
  assertEndIsThere(db, runId, head)
}

/**
 * `last` is the event that was read last, or null. Where the key of one rotted, those behind it lie where nobody looks who
 * comes from the first event, or from the last: both ways must lead to the same end. None behind the last event names it,
 * so the run's own row, read at the same moment, must know the step that came last. A run that went over steps again came
 * further before, so no other step will do.
 */
export function assertEndIsThere(db: Database, runId: string, last: Head | null): void {
  const head = first(db, headQuery(runId)) ?? null
  if (head?.seq !== last?.seq || (head && last && !isSame(head.hash, last.hash))) throw missingEvent(runId)
  if (first(db, eventCountQuery(runId))?.events !== (last?.seq ?? 0)) throw missingEvent(runId)
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

/** A cell that rotted may hold nothing, or something else. */
const isBytes = (cell: unknown): cell is Uint8Array => cell instanceof Uint8Array

export const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  isBytes(a) && isBytes(b) && Buffer.compare(a, b) === 0
