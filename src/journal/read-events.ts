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
import { chainStart } from './hash-chain.ts'
import { all, each, first, sqlFor } from './query.ts'
import { readJson } from './read-json.ts'
import { toHex } from './rows.ts'
import { createThinner } from './thin-curve.ts'
import {
  assertEndIsThere,
  assertWritten,
  chainQuery,
  type EventRow,
  eachEvent,
  eachOfKind,
  hashOf,
  headQuery,
  isSame,
  missingEvent,
} from './whole-events.ts'

/** One page of the run's events, in order. */
export function readEvents(db: Database, runId: unknown, page: unknown): JournalEvent[] {
  const id = checkInput(rowReference, runId, 'run id')
  const { afterSeq, limit } = checkInput(eventPage, page, `events of run ${id}`)
  const rows = all(db, eventsQuery(id, afterSeq, limit))
  for (const [at, row] of rows.entries()) {
    assertWritten(row)
    if (row.seq !== afterSeq + 1 + at) throw missingEvent(id)
  }
  if (rows.length < limit) assertNothingBehind(db, id, afterSeq + rows.length)
  return rows.map(asEvent)
}

/** A short page is the last one. What is asked for behind the end is nothing. */
function assertNothingBehind(db: Database, runId: string, last: number): void {
  const head = first(db, headQuery(runId)) ?? null
  if ((head?.seq ?? 0) > last) throw missingEvent(runId)
  assertEndIsThere(db, runId, head)
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
  const found: EventRow[] = []
  for (const row of eachOfKind(db, checkInput(rowReference, runId, 'run id'), kind)) {
    if (found.length === most) found.splice(1, 1)
    found.push(row)
  }
  return found.map(asEvent)
}

const asEvent = (row: EventRow): JournalEvent => ({
  seq: row.seq,
  attempt: row.attempt,
  atMs: row.at_ms,
  kind: row.kind,
  body: readJson(row.body) as JournalEvent['body'],
  hash: toHex(row.hash),
})

/** The run's losses in order of step. A resumed run goes over some steps again: the latest attempt's figures stand. */
export function readCurve(db: Database, runId: unknown): RunCurve {
  const id = checkInput(rowReference, runId, 'run id')
  const train = new Map<number, TrainPoint>()
  const validation = new Map<number, ValidationPoint>()
  for (const row of eachEvent(db, id))
    followRow(
      row,
      (point) => train.set(point.step, point),
      (point) => validation.set(point.step, point),
    )
  return { train: byStep(train), validation: byStep(validation) }
}

/** As `readCurve`, the training points thinned to at most `most`; memory does not grow with the run. */
export function readThinCurve(db: Database, runId: unknown, most: number): RunCurve {
  const id = checkInput(rowReference, runId, 'run id')
  const train = createThinner<TrainPoint>(most)
  const validation = new Map<number, ValidationPoint>()
  const isSuperseded = supersededSteps()
  const addStep = (point: TrainPoint): void => {
    if (!isSuperseded(point)) train.add(point)
  }
  const addMeasurement = (point: ValidationPoint): void => {
    if (!validation.has(point.step)) validation.set(point.step, point)
  }
  for (const row of eachEvent(db, id, 'desc')) followRow(row, addStep, addMeasurement)
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
  addStep: (point: TrainPoint) => unknown,
  addMeasurement: (point: ValidationPoint) => unknown,
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

const broken = (firstBadSeq: number, reason: string): ChainReport => ({ intact: false, firstBadSeq, reason })
