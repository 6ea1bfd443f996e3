// Commands that take runs and studies of another journal into this one, under their own ids. What is there already stays as
// it is; whatever would have to change is a conflict and refused. Each call is one transaction: a run is there whole or not.
import Database from 'better-sqlite3'
import {
  newArtifact,
  newDataset,
  newModel,
  newProject,
  newStudy,
  studyChange,
} from '#shared/journal-commands.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { recipe } from '#shared/recipe.ts'
import type { Result } from '#shared/result.ts'
import { livingStudies } from '#shared/study.ts'
import { commit, type WriterContext } from './command.ts'
import { addEvents, addMeasurements } from './import-events.ts'
import {
  type Copy,
  checkFits,
  checkPlainId,
  type ImportSource,
  insertRow,
  isSameRow,
  type Row,
  rowOf,
  rowsOf,
} from './import-rows.ts'
import { refuse } from './problems.ts'
import { readJson } from './read-json.ts'

export interface ImportChoice {
  /** Name of the file that it comes from, for the link `imported-from`; null marks nothing. */
  readonly origin: string | null
  /** Whether a file of the run, by its path in the library, is here; those that are not are marked as removed. */
  hasFile(path: string): boolean
  /** Shows what a person removed here before. */
  readonly bringsBack: boolean
  /** Texts of rows stay behind: answers are left out, and sample answers emptied (their chain is made anew). */
  readonly isWithoutTexts: boolean
}

/** `known`: it was there, with the same contents. */
export type Imported = 'added' | 'known'

const copyOf = (context: WriterContext, source: ImportSource): Copy => ({ from: source.db, to: context.db })

/** What is taken over, each in one transaction. A Problem means that nothing of it was written. */
export interface JournalImport {
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
  return {
    hasProject: (id) => rowOf(context.db, 'projects', 'id', id) !== undefined,
    project: (id) => take(`project ${id}`, () => importProject(context, source, id, choice)),
    run: (id) => take(`run ${id}`, () => importRun(context, source, id, choice)),
    study: (id) => take(`study ${id}`, () => importStudy(context, source, id, choice)),
    views: () => take('saved views', () => importViews(context, source)),
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

/** A run with everything that belongs to it. Throws journal.conflict and journal.invalid; then nothing of it was written. */
function importRun(context: WriterContext, source: ImportSource, id: string, choice: ImportChoice): Imported {
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
  const events = addEvents(copy, id, choice.isWithoutTexts)
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

/** A study with all its trials. Their runs must be there already. */
function importStudy(
  context: WriterContext,
  source: ImportSource,
  id: string,
  choice: ImportChoice,
): Imported {
  const copy = copyOf(context, source)
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
  const trials = addTrials(copy, id)
  if (known !== undefined && trials > 0) takeStudyProgress(copy, stopped)
  copyLinks(copy, id)
  if (known === undefined) markOrigin(context, id, choice.origin)
  return known === undefined || trials > 0 ? 'added' : 'known'
}

/** Views that a person saved there, where no view of that name is here. */
function importViews(context: WriterContext, source: ImportSource): void {
  const copy = copyOf(context, source)
  for (const row of rowsOf(copy.from, 'saved_views', 'TRUE', []))
    if (rowOf(copy.to, 'saved_views', 'name', row.name) === undefined) insertRow(copy, 'saved_views', row)
}

function ensureProject(copy: Copy, id: string, { origin, bringsBack }: ImportChoice): Imported {
  const row = rowOf(copy.from, 'projects', 'id', id)
  if (row === undefined)
    return refuse('journal.invalid', 'Its project is missing.', `project ${id}`, 'It was left out.')
  checkPlainId(id, `project ${id}`)
  checkFits(newProject, { name: row.name, scenario: row.scenario, goal: row.goal }, `project ${id}`)
  const known = rowOf(copy.to, 'projects', 'id', id)
  if (known !== undefined) {
    if (known.scenario !== row.scenario)
      refuse(
        'journal.conflict',
        `The project "${known.name}" here is about ${known.scenario}, there about ${row.scenario}.`,
        `project ${id}`,
        'Its runs were left out.',
      )
    if (bringsBack && known.removed_at_ms !== null) unhideProject(copy, id, String(row.name), origin)
    return 'known'
  }
  insertRow(copy, 'projects', { ...row, name: freeName(copy, String(row.name), origin) })
  return 'added'
}

function unhideProject({ to, from }: Copy, id: string, name: string, origin: string | null): void {
  to.prepare('UPDATE projects SET name = ?, removed_at_ms = NULL WHERE id = ?').run(
    freeName({ to, from }, name, origin),
    id,
  )
}

/** Two projects of one name are told apart by where the later one came from. */
function freeName({ to }: Copy, name: string, origin: string | null): string {
  const isTaken = (wanted: string): boolean => rowOf(to, 'projects', 'name', wanted) !== undefined
  if (!isTaken(name)) return name
  const short = name.slice(0, 300)
  for (let number = 1; ; number += 1) {
    const wanted = `${short} (from ${(origin ?? 'elsewhere').slice(0, 100)}${number === 1 ? '' : ` ${number}`})`
    if (!isTaken(wanted)) return wanted
  }
}

function ensureModel(copy: Copy, id: string): void {
  const row = rowOf(copy.from, 'models', 'id', id)
  if (row === undefined) refuse('journal.invalid', 'Its model is missing.', `model ${id}`, 'It was left out.')
  checkPlainId(id, `model ${id}`)
  const { name, source, licence, weights_sha256: weightsSha256, parameters } = row
  checkFits(newModel, { id, name, source, licence, weightsSha256, parameters }, `model ${id}`)
  const known = rowOf(copy.to, 'models', 'id', id)
  if (known === undefined) insertRow(copy, 'models', row)
  else if (known.weights_sha256 !== row.weights_sha256)
    refuse(
      'journal.conflict',
      `The model "${known.name}" has other weights here.`,
      `model ${id}`,
      'It was left out.',
    )
}

function ensureDataset(copy: Copy, fingerprint: string): void {
  const row = rowOf(copy.from, 'datasets', 'fingerprint', fingerprint)
  if (row === undefined)
    refuse('journal.invalid', 'Its data set is missing.', `data set ${fingerprint}`, 'It was left out.')
  checkPlainId(fingerprint, `data set ${fingerprint}`)
  checkFits(
    newDataset,
    {
      fingerprint,
      scenario: row.scenario,
      sourceName: row.source_name,
      manifest: readJson(String(row.manifest)),
      counts: {
        train: row.train_rows,
        validation: row.validation_rows,
        test: row.test_rows,
        leftOut: row.left_out_rows,
      },
    },
    `data set ${fingerprint}`,
  )
  const known = rowOf(copy.to, 'datasets', 'fingerprint', fingerprint)
  if (known === undefined) insertRow(copy, 'datasets', row)
  else if (!isSameRow(known, row, ['source_name', 'manifest', 'added_at_ms']))
    refuse(
      'journal.conflict',
      'There is another data set with this fingerprint here.',
      `data set ${fingerprint}`,
      'It was left out.',
    )
  for (const opening of rowsOf(copy.from, 'test_set_openings', 'dataset_fingerprint = ? AND run_id IS NULL', [
    fingerprint,
  ]))
    if (rowOf(copy.to, 'test_set_openings', 'id', opening.id) === undefined)
      insertRow(copy, 'test_set_openings', opening)
}

/** Nobody works on it here, whatever it was doing there. */
const atRest = (row: Row, nowMs: number): Row =>
  (activeStatuses as readonly unknown[]).includes(row.status)
    ? { ...row, status: 'interrupted', ended_at_ms: row.ended_at_ms ?? nowMs }
    : row

const stoppedStudy = (row: Row, nowMs: number): Row =>
  (livingStudies as readonly unknown[]).includes(row.status)
    ? {
        ...row,
        status: 'stopped',
        ended_at_ms: row.ended_at_ms ?? nowMs,
        reason: 'It was not at its end when it was brought in from another computer.',
      }
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

function takeStudyProgress({ to }: Copy, row: Row): void {
  to.prepare(
    'UPDATE studies SET status = ?, reason = ?, worked_ms = ?, started_at_ms = ?, ended_at_ms = ? WHERE id = ?',
  ).run(row.status, row.reason, row.worked_ms, row.started_at_ms, row.ended_at_ms, row.id)
}

/** How many trials were added or came to their end. */
function addTrials(copy: Copy, studyId: string): number {
  let changed = 0
  for (const row of rowsOf(copy.from, 'trials', 'study_id = ?', [studyId])) {
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
    else if (isHere && known.removed_at_ms !== null)
      copy.to.prepare('UPDATE artifacts SET removed_at_ms = NULL WHERE id = ?').run(row.id)
    else continue
    changed += 1
  }
  return changed
}

function copyLinks(copy: Copy, id: string): void {
  for (const row of rowsOf(copy.from, 'links', 'run_id = ?', [id])) {
    const [known] = rowsOf(copy.to, 'links', 'run_id = ? AND kind = ? AND parent = ?', [
      id,
      row.kind,
      row.parent,
    ])
    if (known === undefined) insertRow(copy, 'links', row)
  }
}

function markOrigin({ db, now }: WriterContext, id: string, origin: string | null): void {
  if (origin === null) return
  db.prepare(
    "INSERT INTO links (run_id, kind, parent, created_at_ms) VALUES (?, 'imported-from', ?, ?) ON CONFLICT DO NOTHING",
  ).run(id, origin.slice(0, 500), now())
}

function showAgain({ db }: WriterContext, id: string, projectId: string): void {
  db.prepare('UPDATE runs SET removed_at_ms = NULL WHERE id = ?').run(id)
  db.prepare('UPDATE projects SET removed_at_ms = NULL WHERE id = ?').run(projectId)
}
