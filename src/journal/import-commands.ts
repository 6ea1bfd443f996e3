// Commands that take runs and studies of another journal into this one, under their own ids. What is there already stays as
// it is; whatever would have to change is a conflict and refused. Each call is one transaction: a run is there whole or not.
import Database from 'better-sqlite3'
import { newArtifact } from '#shared/journal-commands.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { recipe } from '#shared/recipe.ts'
import { type Result, unwrap } from '#shared/result.ts'
import { commit, type WriterContext } from './command.ts'
import { addEvents, addMeasurements } from './import-events.ts'
import { ensureDataset, ensureModel, ensureProject } from './import-library.ts'
import { copyLinks, markOrigin } from './import-links.ts'
import {
  type Copy,
  checkFits,
  checkPlainId,
  type ImportChoice,
  type Imported,
  type ImportSource,
  insertRow,
  isSameRow,
  type Row,
  rowOf,
  rowsOf,
} from './import-rows.ts'
import { importStudy } from './import-studies.ts'
import { attemptOn, refuse } from './problems.ts'
import { readJson } from './read-json.ts'
import { isReplaced, markReplaced } from './replaced-files.ts'

const copyOf = (context: WriterContext, source: ImportSource): Copy => ({ from: source.db, to: context.db })

/** What is taken over, each in one transaction. A Problem means that nothing of it was written. */
export interface JournalImport {
  /** Takes a run over and takes that back at once: what it says, `run` will say too. */
  tryRun(id: string): Result<Imported>
  /** All that `work` takes over in one transaction: where it throws, nothing of all that was written. */
  together<T>(work: () => T): Result<T>
  /** Whether this project is here, hidden or not. */
  hasProject(id: string): boolean
  project(id: string): Result<Imported>
  run(id: string): Result<Imported>
  /** After its runs. */
  study(id: string): Result<Imported>
  views(): Result<void>
}

export function importInto(
  context: WriterContext,
  source: ImportSource,
  choice: ImportChoice,
): JournalImport {
  const take = <T>(what: string, work: () => T): Result<T> =>
    commit(context, () => {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_CONSTRAINT'))
          throw error
        return refuse(
          'journal.conflict',
          'It does not go together with what is here.',
          what,
          'It was left out.',
        )
      }
    })
  const tried = new Set<string>()
  const takeRun = (id: string): Imported => importRun(context, source, id, choice, tried.has(id))
  return {
    tryRun(id) {
      const found = attemptOn(context.path, () =>
        takenBack(context, () => unwrap(take(`run ${id}`, () => takeRun(id)))),
      )
      if (found.ok) tried.add(id)
      return found
    },
    together: (work) => commit(context, work),
    hasProject: (id) => rowOf(context.db, 'projects', 'id', id) !== undefined,
    project: (id) => take(`project ${id}`, () => importProject(context, source, id, choice)),
    run: (id) => take(`run ${id}`, () => takeRun(id)),
    study: (id) => take(`study ${id}`, () => importStudy(context, source, id, choice)),
    views: () => take('saved views', () => importViews(context, source)),
  }
}

/** What `work` answers; whatever it wrote is gone again. */
function takenBack<T>({ db }: WriterContext, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    return work()
  } finally {
    // A full disk ends a transaction by itself.
    if (db.inTransaction) db.exec('ROLLBACK')
  }
}

/** A project, also one without any run. */
function importProject(
  context: WriterContext,
  source: ImportSource,
  id: string,
  choice: ImportChoice,
): Imported {
  return ensureProject(copyOf(context, source), id, choice)
}

/**
 * A run with everything that belongs to it. Throws journal.conflict and journal.invalid; then nothing of it was written.
 * `isTried`: its hashes were computed before, and the source is a copy that nobody changes.
 */
function importRun(
  context: WriterContext,
  source: ImportSource,
  id: string,
  choice: ImportChoice,
  isTried: boolean,
): Imported {
  const copy = copyOf(context, source)
  const row = rowOf(copy.from, 'runs', 'id', id)
  if (row === undefined)
    return refuse('run.unknown', 'There is no such run in it.', `run ${id}`, 'Choose another.')
  checkPlainId(id, `run ${id}`)
  const frozen = checkFits(recipe, readJson(String(row.recipe)), `recipe of run ${id}`)
  if (frozen.model.id !== row.model_id || frozen.data.fingerprint !== row.dataset_fingerprint)
    refuse('journal.invalid', 'Its recipe is about another model or data set.', `run ${id}`, 'Leave it out.')
  ensureProject(copy, String(row.project_id), choice)
  ensureModel(copy, String(row.model_id))
  ensureDataset(copy, String(row.dataset_fingerprint))
  if (frozen.before !== null) ensureDataset(copy, frozen.before.fingerprint)
  const known = rowOf(copy.to, 'runs', 'id', id)
  const isNew = known === undefined
  if (isNew) insertRow(copy, 'runs', atRest(row, context.now()))
  else assertSameRun(context, row, known)
  const events = addEvents(copy, id, { isWithoutTexts: choice.isWithoutTexts, isTried })
  if (!isNew && events > 0) takeProgress(copy, atRest(row, context.now()))
  const measured = addMeasurements(copy, id, choice.isWithoutTexts, (fingerprint) =>
    ensureDataset(copy, fingerprint),
  )
  const files = addArtifacts(context, copy, id, choice)
  copyLinks(copy, id)
  if (choice.bringsBack) showAgain(context, id, String(row.project_id))
  if (isNew) markOrigin(context, id, choice.origin)
  return isNew || events + measured + files > 0 ? 'added' : 'known'
}

/** Views that a person saved there, where no view of that name is here. */
function importViews(context: WriterContext, source: ImportSource): void {
  const copy = copyOf(context, source)
  for (const row of rowsOf(copy.from, 'saved_views', 'TRUE', []))
    if (rowOf(copy.to, 'saved_views', 'name', row.name) === undefined) insertRow(copy, 'saved_views', row)
}

/** Nobody works on it here, whatever it was doing there. */
const atRest = (row: Row, nowMs: number): Row =>
  (activeStatuses as readonly unknown[]).includes(row.status)
    ? { ...row, status: 'interrupted', ended_at_ms: row.ended_at_ms ?? nowMs }
    : row

/** What decides a run is the same; what a person may change (name, notes, tags, marks) stays as it is here. */
function assertSameRun({ ownRuns }: WriterContext, row: Row, known: Row): void {
  const decided = ['project_id', 'recipe', 'model_id', 'dataset_fingerprint', 'seed', 'created_at_ms']
  if (decided.some((column) => known[column] !== row[column]))
    refuse('journal.conflict', 'There is another run with this id here.', `run ${row.id}`, 'It was left out.')
  if (ownRuns.has(String(row.id)) && (activeStatuses as readonly unknown[]).includes(known.status))
    refuse(
      'journal.conflict',
      'This run is under way here.',
      `run ${row.id}`,
      'Import again when it has ended.',
    )
}

/** The run went on there after it had been brought in: its figures are those of the longer story. */
function takeProgress({ to }: Copy, row: Row): void {
  const columns = [
    'status',
    'backend',
    'device',
    'versions',
    'determinism',
    'started_at_ms',
    'ended_at_ms',
    'attempts',
    'total_steps',
    'last_step',
    'best_step',
    'best_loss_nats',
    'end_reason',
    'adapter_sha256',
    'failure',
  ]
  const set = columns.map((column) => `${column} = ?`).join(', ')
  to.prepare(`UPDATE runs SET ${set} WHERE id = ?`).run(...columns.map((column) => row[column]), row.id)
}

/** Files that are not here count as removed until they come. How many rows were added or came back. */
function addArtifacts({ now }: WriterContext, copy: Copy, runId: string, { hasFile }: ImportChoice): number {
  let changed = 0
  for (const row of rowsOf(copy.from, 'artifacts', 'run_id = ?', [runId])) {
    const { kind, path, bytes, sha256 } = row
    checkFits(newArtifact, { runId, kind, path, bytes, sha256 }, `file of run ${runId}`)
    const isHere = row.removed_at_ms === null && hasFile(String(path))
    const known = rowOf(copy.to, 'artifacts', 'id', row.id)
    if (known === undefined)
      insertRow(copy, 'artifacts', { ...row, removed_at_ms: isHere ? null : (row.removed_at_ms ?? now()) })
    else if (!isSameRow(known, row, ['removed_at_ms']))
      refuse('journal.conflict', 'One of its files is another one here.', `file ${path}`, 'It was left out.')
    else if (isHere && known.removed_at_ms !== null && !isReplaced(copy.to, String(row.id)))
      copy.to.prepare('UPDATE artifacts SET removed_at_ms = NULL WHERE id = ?').run(row.id)
    else continue
    changed += 1
  }
  markReplaced(copy.to, runId)
  return changed
}

function showAgain({ db }: WriterContext, id: string, projectId: string): void {
  db.prepare('UPDATE runs SET removed_at_ms = NULL WHERE id = ?').run(id)
  db.prepare('UPDATE projects SET removed_at_ms = NULL WHERE id = ?').run(projectId)
}
