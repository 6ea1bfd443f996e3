// A search of another journal with all its trials, in one piece and after its runs. It does not go on here.
import { newStudy, studyChange } from '#shared/journal-commands.ts'
import { livingStudies } from '#shared/study.ts'
import type { WriterContext } from './command.ts'
import { ensureProject } from './import-library.ts'
import { copyLinks, markOrigin } from './import-links.ts'
import type { Copy, ImportChoice, Imported, ImportSource, Row } from './import-rows.ts'
import { checkFits, checkPlainId, insertRow, isSameRow, rowOf, rowsOf } from './import-rows.ts'
import { refuse } from './problems.ts'
import { readJson } from './read-json.ts'
import { asItsRunSays } from './trial-truth.ts'

/** A study with all its trials. Their runs must be there already. */
export function importStudy(
  context: WriterContext,
  source: ImportSource,
  id: string,
  choice: ImportChoice,
): Imported {
  const copy: Copy = { from: source.db, to: context.db }
  const row = rowOf(copy.from, 'studies', 'id', id)
  if (row === undefined)
    return refuse('journal.unknown', 'There is no such study in it.', `study ${id}`, 'Leave it out.')
  checkPlainId(id, `study ${id}`)
  const { name, project_id: projectId, priority, status, notes } = row
  const spec = readJson(String(row.spec))
  const schedule = row.schedule === null ? null : readJson(String(row.schedule))
  checkFits(newStudy, { id, projectId, name, spec, schedule, priority }, `study ${id}`)
  checkFits(studyChange, { status, notes }, `study ${id}`)
  ensureProject(copy, String(projectId), choice)
  const known = rowOf(copy.to, 'studies', 'id', id)
  const stopped = stoppedStudy(row, context.now())
  if (known === undefined) insertRow(copy, 'studies', stopped)
  else if (known.spec !== row.spec || known.created_at_ms !== row.created_at_ms)
    refuse('journal.conflict', 'There is another study with this id here.', `study ${id}`, 'It was left out.')
  const trials = addTrials(copy, id, (number, reason) =>
    choice.onDoubt?.(`${name}, trial ${Number(number) + 1}`, reason),
  )
  if (known !== undefined && trials > 0) takeStudyProgress(copy, stopped)
  copyLinks(copy, id)
  if (known === undefined) markOrigin(context, id, choice.origin)
  return known === undefined || trials > 0 ? 'added' : 'known'
}

const stoppedStudy = (row: Row, nowMs: number): Row =>
  (livingStudies as readonly unknown[]).includes(row.status)
    ? {
        ...row,
        status: 'stopped',
        ended_at_ms: row.ended_at_ms ?? nowMs,
        reason: 'It was not at its end when it was brought in from another computer.',
      }
    : row

function takeStudyProgress({ to }: Copy, row: Row): void {
  to.prepare(
    'UPDATE studies SET status = ?, reason = ?, worked_ms = ?, started_at_ms = ?, ended_at_ms = ? WHERE id = ?',
  ).run(row.status, row.reason, row.worked_ms, row.started_at_ms, row.ended_at_ms, row.id)
}

/** How many trials were added or came to their end. */
function addTrials(copy: Copy, studyId: string, onDoubt: (number: unknown, reason: string) => void): number {
  let changed = 0
  for (const there of rowsOf(copy.from, 'trials', 'study_id = ?', [studyId])) {
    const row = asItsRunSays(copy.from, there)
    if (row !== there) onDoubt(there.number, String(row.reason))
    const where = `trial ${row.number} of study ${studyId}`
    const [known] = rowsOf(copy.to, 'trials', 'study_id = ? AND number = ?', [studyId, row.number])
    if (row.run_id !== null && rowOf(copy.to, 'runs', 'id', row.run_id) === undefined)
      refuse(
        'journal.conflict',
        'The run of one of its trials could not be brought in.',
        where,
        'It was left out.',
      )
    if (known === undefined) insertRow(copy, 'trials', row)
    else if (known.status === 'planned' && row.status !== 'planned') endTrial(copy, row)
    else if (row.status === 'planned' || isSameRow(known, row)) continue
    else refuse('journal.conflict', 'One of its trials ended otherwise here.', where, 'It was left out.')
    changed += 1
  }
  return changed
}

function endTrial({ to }: Copy, row: Row): void {
  to.prepare(
    `UPDATE trials SET status = ?, loss_nats = ?, loss_step = ?, rung_losses = ?, reason = ?, work = ?, ended_at_ms = ?
      WHERE study_id = ? AND number = ?`,
  ).run(
    row.status,
    row.loss_nats,
    row.loss_step,
    row.rung_losses,
    row.reason,
    row.work,
    row.ended_at_ms,
    row.study_id,
    row.number,
  )
}
