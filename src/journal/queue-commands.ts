// Commands about what waits for its turn. Of several the one of higher priority goes first, of the same priority the one
// that came first.
import { queueEntry } from '#shared/journal-commands.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { refuse } from './problems.ts'
import { all, first, run, sqlFor } from './query.ts'
import { requireStudy } from './read-studies.ts'
import { readRun } from './run-commands.ts'

/** Puts a run or study at the end of its priority. One that waits already keeps its place unless the priority is another. */
export function enqueue({ db, now }: WriterContext, input: unknown): void {
  const { kind, id, priority } = checkInput(queueEntry, input, 'entry of the queue')
  if (kind === 'study') requireStudy(db, id)
  else if (readRun(db, id).status === 'finished')
    refuse(
      'journal.transition',
      'A finished run does not wait for anything.',
      `run ${id}`,
      'Start a new run.',
    )
  const known = first(db, entryQuery(kind, id))
  if (known?.priority === priority) return
  if (known !== undefined) leaveQueue(db, kind, id)
  const last = first(
    db,
    sqlFor.selectFrom('queue').select((build) => build.fn.max('place').as('place')),
  )
  const place = (last?.place ?? 0) + 1
  const added_at_ms = known?.added_at_ms ?? now()
  run(db, sqlFor.insertInto('queue').values({ kind, id, priority, place, added_at_ms }))
}

const ofItem = queueEntry.pick({ kind: true, id: true })

/** Takes it out; where it does not wait, nothing happens. */
export function dequeue({ db }: WriterContext, kind: unknown, id: unknown): void {
  const item = checkInput(ofItem, { kind, id }, 'entry of the queue')
  leaveQueue(db, item.kind, item.id)
}

/**
 * Changes place, and priority where they differ, with the neighbour before it (`by` 1) or behind it (-1). At the end of
 * the queue nothing happens.
 */
export function moveInQueue({ db }: WriterContext, kind: unknown, id: unknown, by: unknown): void {
  const item = checkInput(ofItem, { kind, id }, 'entry of the queue')
  if (by !== 1 && by !== -1)
    refuse('journal.invalid', 'A move is by 1 or -1.', `${item.kind} ${item.id}`, 'Move by one place.')
  const waiting = all(db, sqlFor.selectFrom('queue').selectAll().orderBy('priority', 'desc').orderBy('place'))
  const at = waiting.findIndex((one) => one.kind === item.kind && one.id === item.id)
  const one = waiting[at]
  if (one === undefined)
    refuse('journal.unknown', 'This does not wait.', `${item.kind} ${item.id}`, 'List what waits.')
  const other = waiting[at - by]
  if (other === undefined) return
  setPlace(db, one, other)
  setPlace(db, other, one)
}

type Entry = NonNullable<ReturnType<typeof first<ReturnType<typeof entryQuery>>>>

function setPlace(db: WriterContext['db'], one: Entry, of: Entry): void {
  const set = { priority: of.priority, place: of.place }
  const table = sqlFor.updateTable('queue').set(set)
  run(db, table.where('kind', '=', one.kind).where('id', '=', one.id))
}

const entryQuery = (kind: 'run' | 'study', id: string) =>
  sqlFor.selectFrom('queue').selectAll().where('kind', '=', kind).where('id', '=', id)

export function leaveQueue(db: WriterContext['db'], kind: 'run' | 'study', id: string): void {
  run(db, sqlFor.deleteFrom('queue').where('kind', '=', kind).where('id', '=', id))
}
