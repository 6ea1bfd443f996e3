// Commands about what a person, or the program for a person, notes beside runs: stars, pins, the archive, where a run
// comes from, views under a name, and what a check of the journal found.
import { journalCheckReport } from '#shared/contract/archive.ts'
import { isVisible } from '#shared/fields.ts'
import { newLink, rowReference, runMarks, savedView } from '#shared/journal-commands.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { jsonText } from './json-text.ts'
import { refuse } from './problems.ts'
import { first, run, sqlFor } from './query.ts'
import { readRun } from './run-commands.ts'

/** Sets stars, pin and archive; what is left out stays. A mark that is set again keeps its first time. */
export function markRun({ db, now }: WriterContext, runId: unknown, marks: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  const { rating, isPinned, isArchived } = checkInput(runMarks, marks, `marks of run ${id}`)
  readRun(db, id)
  const known = first(
    db,
    sqlFor.selectFrom('runs').select(['pinned_at_ms', 'archived_at_ms']).where('id', '=', id),
  )
  const since = (isSet: boolean, sinceMs: number | null | undefined) => (isSet ? (sinceMs ?? now()) : null)
  const set = {
    ...(rating === undefined ? {} : { rating }),
    ...(isPinned === undefined ? {} : { pinned_at_ms: since(isPinned, known?.pinned_at_ms) }),
    ...(isArchived === undefined ? {} : { archived_at_ms: since(isArchived, known?.archived_at_ms) }),
  }
  if (Object.keys(set).length > 0) run(db, sqlFor.updateTable('runs').set(set).where('id', '=', id))
}

/** Notes where a run or study comes from. The same once more is no error; a link never changes. */
export function addLink({ db, now }: WriterContext, input: unknown): void {
  const { runId, kind, parent } = checkInput(newLink, input, 'link')
  assertThere(db, runId)
  if (kind !== 'imported-from') assertThere(db, parent)
  const row = { run_id: runId, kind, parent, created_at_ms: now() }
  // The table takes no second one like it and keeps the first.
  run(db, sqlFor.insertInto('links').values(row))
}

function assertThere(db: WriterContext['db'], id: string): void {
  const found = db.prepare('SELECT 1 FROM runs WHERE id = ? UNION ALL SELECT 1 FROM studies WHERE id = ?')
  if (found.get(id, id) !== undefined) return
  refuse('journal.unknown', 'The journal knows no such run or study.', id, 'Add it first.')
}

/** Keeps a view under its name, in place of one that has it. */
export function saveView({ db, now }: WriterContext, input: unknown): void {
  const { name, query } = checkInput(savedView, input, 'view')
  if (!isVisible(name))
    refuse('journal.invalid', 'A view needs a name that can be seen.', 'view.name', 'Give it a word.')
  const set = { query: jsonText(query, `view ${name}`), saved_at_ms: now() }
  const insert = sqlFor.insertInto('saved_views').values({ name, ...set })
  run(
    db,
    insert.onConflict((conflict) => conflict.column('name').doUpdateSet(set)),
  )
}

/** Where there is no view of this name, nothing happens. */
export function removeView({ db }: WriterContext, name: unknown): void {
  const given = checkInput(savedView.shape.name, name, 'name of a view')
  run(db, sqlFor.deleteFrom('saved_views').where('name', '=', given))
}

/** What a check of the whole journal found. */
export function noteCheck({ db }: WriterContext, report: unknown): void {
  const { atMs, isSound, findings, tookMs } = checkInput(journalCheckReport, report, 'check of the journal')
  const row = {
    at_ms: atMs,
    is_sound: isSound ? 1 : 0,
    findings: jsonText(findings, 'findings'),
    took_ms: tookMs,
  }
  run(db, sqlFor.insertInto('journal_checks').values(row))
}
