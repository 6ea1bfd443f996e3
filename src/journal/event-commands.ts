// Appending what happened in a run. Sequence numbers have no gaps; an exact repeat is taken as already written, anything
// else under a known number is refused. The run's row takes its figures from the events in the same transaction.
import { attemptNumber, newEvents, rowReference } from '#shared/journal-commands.ts'
import { planBody, stepBody, validationBody } from '#shared/journal-types.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { type ChainedEvent, chainStart, hashEvent } from './hash-chain.ts'
import { jsonText } from './json-text.ts'
import { refuse, refuseUnknownRun } from './problems.ts'
import { first, run, sqlFor } from './query.ts'
import { toHex } from './rows.ts'
import type { RunsTable } from './tables.ts'

export interface Appended {
  /** Events that were new; the rest were exact repeats. */
  readonly appended: number
  /** Sequence number of the run's last event. */
  readonly headSeq: number
  /** Its hash, hexadecimal: the whole chain in one figure. */
  readonly headHash: string
}

/** Appends events of the run's current attempt. All of them are committed when this returns, or none of them was. */
export function appendEvents(
  { db }: WriterContext,
  runId: unknown,
  attempt: unknown,
  events: unknown,
): Appended {
  const id = checkInput(rowReference, runId, 'run id')
  const given = checkInput(newEvents, events, `events of run ${id}`)
  const current = checkInput(attemptNumber, attempt, `attempt of run ${id}`)
  assertCurrentAttempt(db, id, current)
  const start = headOf(db, id)
  let head = start
  const figures: RunFigures = {}
  for (const event of given) {
    const bodyText = jsonText(event.body, `event ${event.seq} of run ${id}`)
    const { seq, atMs, kind } = event
    const full = { runId: id, seq, attempt: current, atMs, kind, bodyText }
    if (seq <= head.seq) {
      assertRepeat(db, full)
      continue
    }
    assertNext(id, seq, head.seq)
    head = { seq, hash: insertEvent(db, full, head.hash) }
    takeFigures(figures, kind, event.body)
  }
  if (Object.keys(figures).length > 0) run(db, sqlFor.updateTable('runs').set(figures).where('id', '=', id))
  return { appended: head.seq - start.seq, headSeq: head.seq, headHash: toHex(head.hash) }
}

/** Number and hash of the run's last event; 0 and the chain's start where there is none. */
export function headOf(db: WriterContext['db'], runId: string): { seq: number; hash: Uint8Array } {
  const row = first(
    db,
    sqlFor
      .selectFrom('events')
      .select(['seq', 'hash'])
      .where('run_id', '=', runId)
      .orderBy('seq', 'desc')
      .limit(1),
  )
  return row ?? { seq: 0, hash: chainStart }
}

function assertCurrentAttempt(db: WriterContext['db'], id: string, attempt: number): void {
  const known = first(db, sqlFor.selectFrom('runs').select(['status', 'attempts']).where('id', '=', id))
  if (!known) refuseUnknownRun(id)
  if (known.status === 'finished')
    refuse('journal.transition', 'A finished run gets no more events.', `run ${id}`, 'Start a new run.')
  if (attempt !== known.attempts || known.attempts === 0)
    refuse(
      'journal.conflict',
      `These events belong to attempt ${attempt}, but the run is at attempt ${known.attempts}.`,
      `run ${id}`,
      'Stop the older trainer; its later events do not count.',
    )
}

function insertEvent(db: WriterContext['db'], event: ChainedEvent, previous: Uint8Array): Uint8Array {
  const hash = hashEvent(previous, event)
  run(
    db,
    sqlFor.insertInto('events').values({
      run_id: event.runId,
      seq: event.seq,
      attempt: event.attempt,
      at_ms: event.atMs,
      kind: event.kind,
      body: event.bodyText,
      prev_hash: previous,
      hash,
    }),
  )
  return hash
}

function assertNext(id: string, seq: number, headSeq: number): void {
  if (seq === headSeq + 1) return
  refuse(
    'journal.gap',
    `Event ${seq} came, but the last one written is ${headSeq}.`,
    `run ${id}`,
    `Send the events from ${headSeq + 1} on.`,
  )
}

function assertRepeat(db: WriterContext['db'], event: ChainedEvent): void {
  const known = first(
    db,
    sqlFor
      .selectFrom('events')
      .select(['prev_hash', 'hash'])
      .where('run_id', '=', event.runId)
      .where('seq', '=', event.seq),
  )
  if (known && hashEvent(known.prev_hash, event).equals(known.hash)) return
  refuse(
    'journal.conflict',
    `Event ${event.seq} is already written, with other contents.`,
    `run ${event.runId}`,
    'Number new events after the last one written.',
  )
}

type RunFigures = Partial<
  Pick<RunsTable, 'total_steps' | 'determinism' | 'backend' | 'last_step' | 'best_step' | 'best_loss_nats'>
>

/** What the run's row shows of an event: its plan, how far it is, its best validation loss. */
function takeFigures(figures: RunFigures, kind: string, body: unknown): void {
  if (kind === 'plan') {
    const plan = planBody.safeParse(body)
    if (!plan.success) return
    figures.total_steps = plan.data.totalSteps
    figures.determinism = plan.data.determinism
    figures.backend = plan.data.backend
  } else if (kind === 'step') {
    const step = stepBody.safeParse(body)
    if (step.success) figures.last_step = step.data.step
  } else if (kind === 'evaluation') {
    const evaluation = validationBody.safeParse(body)
    if (!evaluation.success || !evaluation.data.isBest) return
    figures.best_step = evaluation.data.step
    figures.best_loss_nats = evaluation.data.lossNats
  }
}
