// Reading what happened in a run: events, the loss curve, and whether the chain of hashes is unbroken.
import type { Database } from 'better-sqlite3'
import { eventPage, rowReference } from '#shared/journal-commands.ts'
import {
  type ChainReport,
  type JournalEvent,
  type RunCurve,
  stepBody,
  type TrainPoint,
  type ValidationPoint,
  validationBody,
} from '#shared/journal-types.ts'
import { checkInput } from './check-input.ts'
import { chainStart, hashEvent } from './hash-chain.ts'
import { all, each, first, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import { toHex } from './rows.ts'
import { createThinner } from './thin-curve.ts'

/** One page of the run's events, in order. */
export function readEvents(db: Database, runId: unknown, page: unknown): JournalEvent[] {
  const id = checkInput(rowReference, runId, 'run id')
  const { afterSeq, limit } = checkInput(eventPage, page, `events of run ${id}`)
  return all(db, eventsQuery(id, afterSeq, limit)).map(toEvent)
}

export const eventsQuery = (runId: string, afterSeq: number, limit: number) =>
  sqlFor
    .selectFrom('events')
    .selectAll()
    .where('run_id', '=', runId)
    .where('seq', '>', afterSeq)
    .orderBy('seq')
    .limit(limit)

/** The first event of one kind and the newest ones, in order: at most `most`, which is 2 or more. */
export function readEventsOfKind(db: Database, runId: unknown, kind: string, most: number): JournalEvent[] {
  const id = checkInput(rowReference, runId, 'run id')
  const ofKind = sqlFor.selectFrom('events').selectAll().where('run_id', '=', id).where('kind', '=', kind)
  const newest = all(db, ofKind.orderBy('seq', 'desc').limit(most)).reverse()
  if (newest.length < most) return newest.map(toEvent)
  return [...all(db, ofKind.orderBy('seq').limit(1)), ...newest.slice(1)].map(toEvent)
}

type EventRow = ReturnType<typeof all<ReturnType<typeof eventsQuery>>>[number]

function toEvent(row: EventRow): JournalEvent {
  assertWritten(row)
  return {
    seq: row.seq,
    attempt: row.attempt,
    atMs: row.at_ms,
    kind: row.kind,
    body: readJson(row.body) as JournalEvent['body'],
    hash: toHex(row.hash),
  }
}

/** A figure that rotted is never shown: throws where the event is not what its own hash says. */
function assertWritten(row: EventRow): void {
  if (isSame(row.hash, hashOf(row.run_id, row.prev_hash, row))) return
  throw new DamagedValueError(`event ${row.seq} of run ${row.run_id} was changed after it was written`)
}

const hashOf = (runId: string, previous: Uint8Array, row: EventRow): Buffer =>
  hashEvent(previous, {
    runId,
    seq: row.seq,
    attempt: row.attempt,
    atMs: row.at_ms,
    kind: row.kind,
    bodyText: row.body,
  })

type Direction = 'asc' | 'desc'

/** Events of all kinds: one whose kind rotted would else be passed over as if it had never been. */
export const chainQuery = (runId: string, direction: Direction = 'asc') =>
  sqlFor.selectFrom('events').selectAll().where('run_id', '=', runId).orderBy('seq', direction)

/** Every event of the run, each against its own hash and against the one beside it. Throws where one is not as it was. */
function* eachEvent(db: Database, runId: string, direction: Direction): Generator<EventRow> {
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
}

const isFirst = ({ seq, prev_hash }: EventRow): boolean => seq === 1 && isSame(prev_hash, chainStart)

const doesFollow = (earlier: EventRow | null, later: EventRow | null): boolean =>
  earlier !== null && later !== null && later.seq === earlier.seq + 1 && isSame(later.prev_hash, earlier.hash)

const missingEvent = (runId: string): DamagedValueError =>
  new DamagedValueError(`an event of run ${runId} is missing`)

/** The last event has none behind it that names it; the run's own row knows how far it came. */
function assertReached(db: Database, runId: string, reached: number): void {
  const known = first(db, sqlFor.selectFrom('runs').select('last_step').where('id', '=', runId))
  if ((known?.last_step ?? 0) > reached) throw missingEvent(runId)
}

/** The run's losses in order of step. A resumed run goes over some steps again: the latest attempt's figures stand. */
export function readCurve(db: Database, runId: unknown): RunCurve {
  const id = checkInput(rowReference, runId, 'run id')
  const train = new Map<number, TrainPoint>()
  const validation = new Map<number, ValidationPoint>()
  let reached = 0
  for (const row of eachEvent(db, id, 'asc'))
    followRow(
      row,
      (point) => {
        reached = Math.max(reached, point.step)
        train.set(point.step, point)
      },
      (point) => {
        reached = Math.max(reached, point.step)
        validation.set(point.step, point)
      },
    )
  assertReached(db, id, reached)
  return { train: byStep(train), validation: byStep(validation) }
}

/** As `readCurve`, the training points thinned to at most `most`; memory does not grow with the run. */
export function readThinCurve(db: Database, runId: unknown, most: number): RunCurve {
  const id = checkInput(rowReference, runId, 'run id')
  const train = createThinner<TrainPoint>(most)
  const validation = new Map<number, ValidationPoint>()
  const isSuperseded = supersededSteps()
  let reached = 0
  const addStep = (point: TrainPoint): void => {
    reached = Math.max(reached, point.step)
    if (!isSuperseded(point)) train.add(point)
  }
  const addMeasurement = (point: ValidationPoint): void => {
    reached = Math.max(reached, point.step)
    if (!validation.has(point.step)) validation.set(point.step, point)
  }
  for (const row of eachEvent(db, id, 'desc')) followRow(row, addStep, addMeasurement)
  assertReached(db, id, reached)
  return { train: train.points(), validation: byStep(validation) }
}

/** Whether this step was computed again later. It is asked from the newest point to the oldest. */
function supersededSteps(): (point: TrainPoint) => boolean {
  const covered: { attempt: number; from: number; to: number }[] = []
  return ({ attempt, step }) => {
    if (covered.some(({ from, to }) => from <= step && step <= to)) return true
    const own = covered.at(-1)
    if (own?.attempt === attempt) own.from = Math.min(own.from, step)
    else covered.push({ attempt, from: step, to: step })
    return false
  }
}

function followRow(
  row: EventRow,
  addStep: (point: TrainPoint) => void,
  addMeasurement: (point: ValidationPoint) => void,
): void {
  if (row.kind !== 'step' && row.kind !== 'evaluation') return
  const body = readJson(row.body)
  const place = { attempt: row.attempt, atMs: row.at_ms }
  if (row.kind === 'step') {
    const point = stepBody.safeParse(body)
    if (point.success) addStep({ ...point.data, ...place })
    return
  }
  const point = validationBody.safeParse(body)
  if (point.success) addMeasurement({ ...point.data, ...place })
}

const byStep = <T extends { step: number }>(points: Map<number, T>): T[] =>
  [...points.values()].sort((a, b) => a.step - b.step)

/** Recomputes every hash of a run from its first event, row by row, so memory stays small. */
export function verifyChain(db: Database, runId: unknown): ChainReport {
  const id = checkInput(rowReference, runId, 'run id')
  let previous: Uint8Array = chainStart
  let seq = 0
  for (const row of each(db, chainQuery(id))) {
    if (row.seq !== seq + 1) return broken(seq + 1, 'the event is missing')
    if (!isSame(row.prev_hash, previous))
      return broken(row.seq, 'the event does not follow the one before it')
    const hash = hashOf(id, previous, row)
    if (!isSame(row.hash, hash)) return broken(row.seq, 'the event was changed after it was written')
    previous = hash
    seq = row.seq
  }
  return { intact: true, events: seq, headHash: seq === 0 ? null : toHex(previous) }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const broken = (firstBadSeq: number, reason: string): ChainReport => ({ intact: false, firstBadSeq, reason })
