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

/** Every event of the run, each against its own hash and against the one beside it. Throws where one is not as it was. */
export function* eachEvent(db: Database, runId: string, direction: Direction = 'asc'): Generator<EventRow> {
  const isForward = direction === 'asc'
  let before: EventRow | null = null
  for (const row of each(db, chainQuery(runId, direction))) {
    assertWritten(row)
    const [earlier, later] = isForward ? [before, row] : [row, before]
    if (before !== null && !doesFollow(earlier, later)) throw missingEvent(runId)
    if (isForward && before === null && !isFirst(row)) throw missingEvent(runId)
    before = row
    yield row
  }
  if (!isForward && before !== null && !isFirst(before)) throw missingEvent(runId)
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

/** The last event has none behind it that names it; the run's own row, read at the same moment, knows how far it came. */
function assertEndIsThere(db: Database, runId: string): void {
  const known = first(db, sqlFor.selectFrom('runs').select('last_step').where('id', '=', runId))
  const lastStep = known?.last_step ?? 0
  if (['step', 'evaluation'].every((kind) => newestStep(db, runId, kind) < lastStep))
    throw missingEvent(runId)
}

/** Of the newest event of this kind; 0 where there is none. */
function newestStep(db: Database, runId: string, kind: string): number {
  const [newest] = all(db, chainQuery(runId, 'desc').where('kind', '=', kind).limit(1))
  if (newest === undefined) return 0
  assertWritten(newest)
  const body = readJson(newest.body)
  return isRecord(body) && typeof body.step === 'number' ? body.step : 0
}

const isFirst = ({ seq, prev_hash }: EventRow): boolean => seq === 1 && isSame(prev_hash, chainStart)

const doesFollow = (earlier: EventRow | null, later: EventRow | null): boolean =>
  earlier !== null && later !== null && later.seq === earlier.seq + 1 && isSame(later.prev_hash, earlier.hash)

export const missingEvent = (runId: string): DamagedValueError =>
  new DamagedValueError(`an event of run ${runId} is missing`)

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
