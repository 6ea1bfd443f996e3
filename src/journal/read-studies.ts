// Reading studies, their trials, the queue, where runs come from, and what a person keeps: views and checks.
import type { Database } from 'better-sqlite3'
import type { Selectable } from 'kysely'
import { journalCheckReport } from '#shared/contract/archive.ts'
import { type LinkKind, rowReference, type SavedView } from '#shared/journal-commands.ts'
import { type JournalStudy, type StudyTrial, studySpec, studyTrial } from '#shared/study.ts'
import { checkInput } from './check-input.ts'
import { refuse } from './problems.ts'
import { all, first, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import type { StudiesTable, TrialsTable } from './tables.ts'

/** The study's row; `study.unknown` where there is none, or where it was removed. */
export function requireStudy(db: Database, id: string) {
  const found = sqlFor.selectFrom('studies').selectAll().where('id', '=', id)
  return (
    first(db, found.where('removed_at_ms', 'is', null)) ??
    refuse('study.unknown', 'There is no such study.', `study ${id}`, 'Choose one from the list of studies.')
  )
}

const shownStudies = () =>
  sqlFor
    .selectFrom('studies')
    .innerJoin('projects', 'projects.id', 'studies.project_id')
    .selectAll('studies')
    .select('projects.name as project_name')
    .where('studies.removed_at_ms', 'is', null)

/** Studies, the newest first. */
export function readStudies(db: Database, projectId: unknown): JournalStudy[] {
  let found = shownStudies()
  if (projectId !== undefined)
    found = found.where('studies.project_id', '=', checkInput(rowReference, projectId, 'project id'))
  return all(db, found.orderBy('studies.created_at_ms', 'desc').orderBy('studies.id', 'desc')).map(toStudy)
}

/** One study; study.unknown where there is none with this id. */
export function readStudy(db: Database, studyId: unknown): JournalStudy {
  const id = checkInput(rowReference, studyId, 'study id')
  const row = first(db, shownStudies().where('studies.id', '=', id))
  return toStudy(row ?? (requireStudy(db, id) as never))
}

export function toStudy(row: Selectable<StudiesTable> & { project_name: string }): JournalStudy {
  const spec = studySpec.safeParse(readJson(row.spec))
  if (!spec.success) throw new DamagedValueError(`study ${row.id} is not one: ${spec.error.message}`)
  return {
    id: row.id,
    projectId: row.project_id,
    projectName: row.project_name,
    name: row.name,
    status: row.status,
    spec: spec.data,
    schedule: row.schedule === null ? null : (readJson(row.schedule) as JournalStudy['schedule']),
    priority: row.priority,
    notes: row.notes,
    createdAtMs: row.created_at_ms,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    workedMs: row.worked_ms,
    reason: row.reason,
  }
}

export const trialsQuery = (studyId: string) =>
  sqlFor.selectFrom('trials').selectAll().where('study_id', '=', studyId).orderBy('number')

/** A study's trials in the order in which they were decided. */
export function readTrials(db: Database, studyId: unknown): StudyTrial[] {
  const id = checkInput(rowReference, studyId, 'study id')
  return db.transaction(() => {
    requireStudy(db, id)
    return all(db, trialsQuery(id)).map(toTrial)
  })()
}

function toTrial(row: Selectable<TrialsTable>): StudyTrial {
  const trial = studyTrial.safeParse({
    studyId: row.study_id,
    number: row.number,
    purpose: row.purpose,
    settings: readJson(row.settings),
    seed: row.seed,
    rungs: readJson(row.rungs),
    status: row.status,
    runId: row.run_id,
    lossNats: row.loss_nats,
    lossStep: row.loss_step,
    rungLosses: readJson(row.rung_losses),
    reason: row.reason,
    work: row.work === null ? null : readJson(row.work),
    createdAtMs: row.created_at_ms,
    endedAtMs: row.ended_at_ms,
  })
  if (trial.success) return trial.data
  throw new DamagedValueError(
    `trial ${row.number} of study ${row.study_id} is not one: ${trial.error.message}`,
  )
}

export interface QueuedItem {
  readonly kind: 'run' | 'study'
  readonly id: string
  readonly priority: number
  readonly addedAtMs: number
}

/** What waits, in the order in which it goes. */
export function readQueue(db: Database): QueuedItem[] {
  const found = sqlFor.selectFrom('queue').selectAll().orderBy('priority', 'desc').orderBy('place')
  return all(db, found).map((row) => ({
    kind: row.kind,
    id: row.id,
    priority: row.priority,
    addedAtMs: row.added_at_ms,
  }))
}

export interface JournalLink {
  /** The later one: a run, or a study that was brought in. */
  readonly runId: string
  readonly kind: LinkKind
  readonly parent: string
  readonly createdAtMs: number
}

/** Where this run or study comes from, and what came from it; the oldest first. */
export function readLinks(db: Database, id: unknown): JournalLink[] {
  const given = checkInput(rowReference, id, 'run id')
  const up = sqlFor.selectFrom('links').selectAll().where('run_id', '=', given)
  const down = sqlFor.selectFrom('links').selectAll().where('parent', '=', given)
  return all(db, up.union(down).orderBy('created_at_ms').orderBy('run_id').orderBy('kind')).map((row) => ({
    runId: row.run_id,
    kind: row.kind,
    parent: row.parent,
    createdAtMs: row.created_at_ms,
  }))
}

/** By name. */
export function readSavedViews(db: Database): SavedView[] {
  return all(db, sqlFor.selectFrom('saved_views').selectAll().orderBy('name')).map((row) => ({
    name: row.name,
    query: readJson(row.query) as SavedView['query'],
  }))
}

export type CheckReport = ReturnType<typeof journalCheckReport.parse>

/** What the last check of the whole journal found; null where none was made. */
export function readLastCheck(db: Database): CheckReport | null {
  const newest = sqlFor.selectFrom('journal_checks').selectAll().orderBy('id', 'desc').limit(1)
  const row = first(db, newest)
  if (row === undefined) return null
  return journalCheckReport.parse({
    atMs: row.at_ms,
    isSound: row.is_sound === 1,
    findings: readJson(row.findings),
    tookMs: row.took_ms,
  })
}
