// Commands that rename a project and take projects and runs out of every list. What was measured stays in the journal:
// nothing is deleted here, and a run that is under way is refused.
import { newProject, removedRuns, rowReference } from '#shared/journal-commands.ts'
import { activeStatuses, type JournalProject } from '#shared/journal-types.ts'
import { livingStudies, type StudyStatus } from '#shared/study.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { refuse } from './problems.ts'
import { all, first, run, sqlFor } from './query.ts'
import { leaveQueue } from './queue-commands.ts'
import { requireProject } from './read-projects.ts'
import { toProject } from './rows.ts'
import { readRun } from './run-commands.ts'

/** Another name and goal for a project; journal.conflict where another project has the name. */
export function renameProject(
  { db }: WriterContext,
  projectId: unknown,
  wanted: { readonly name: unknown; readonly goal: unknown },
): JournalProject {
  const id = checkInput(rowReference, projectId, 'project id')
  const known = requireProject(db, id)
  const given = checkInput(newProject, { ...wanted, scenario: known.scenario }, `project ${id}`)
  const { name, goal } = given
  const other = first(db, sqlFor.selectFrom('projects').select('id').where('name', '=', name))
  if (other !== undefined && other.id !== id)
    refuse('journal.conflict', `There already is a project "${name}".`, 'name', 'Choose another name.')
  run(db, sqlFor.updateTable('projects').set({ name, goal }).where('id', '=', id))
  return toProject({ ...known, name, goal })
}

/** Hides runs that are at rest; those that are hidden already stay so. Returns how many were hidden now. */
export function removeRuns({ db, now }: WriterContext, runIds: unknown): { removed: number } {
  const ids = checkInput(removedRuns, runIds, 'runs to remove')
  let removed = 0
  for (const id of ids) {
    refuseActive(id, readRun(db, id).status)
    const hide = sqlFor.updateTable('runs').set({ removed_at_ms: now() })
    removed += run(db, hide.where('id', '=', id).where('removed_at_ms', 'is', null))
    leaveQueue(db, 'run', id)
  }
  return { removed }
}

/** Hides a project with all its studies and runs. Its name becomes free for another one. Returns the ids of the runs hidden now. */
export function removeProject({ db, now }: WriterContext, projectId: unknown): { runIds: string[] } {
  const id = checkInput(rowReference, projectId, 'project id')
  const { name } = requireProject(db, id)
  const shown = sqlFor
    .selectFrom('runs')
    .select(['id', 'status'])
    .where('project_id', '=', id)
    .where('removed_at_ms', 'is', null)
  const runs = all(db, shown)
  const studies = all(
    db,
    sqlFor
      .selectFrom('studies')
      .select(['id', 'status'])
      .where('project_id', '=', id)
      .where('removed_at_ms', 'is', null),
  )
  for (const { id: studyId, status } of studies) refuseLiving(studyId, status)
  for (const { id: runId, status } of runs) refuseActive(runId, status)
  const removed_at_ms = now()
  for (const table of ['runs', 'studies'] as const) {
    const hide = sqlFor.updateTable(table).set({ removed_at_ms })
    run(db, hide.where('project_id', '=', id).where('removed_at_ms', 'is', null))
  }
  for (const { id: runId } of runs) leaveQueue(db, 'run', runId)
  for (const { id: studyId } of studies) leaveQueue(db, 'study', studyId)
  const set = { name: `${name} (removed ${id})`, removed_at_ms: now() }
  run(db, sqlFor.updateTable('projects').set(set).where('id', '=', id))
  return { runIds: runs.map((row) => row.id) }
}

export function refuseActive(id: string, status: (typeof activeStatuses)[number]): void {
  if (activeStatuses.includes(status))
    refuse('run.active', 'This run is still under way.', `run ${id}`, 'Stop it first, then remove it.')
}

/** A study that goes on by itself is not removed. */
export function refuseLiving(id: string, status: StudyStatus): void {
  if (livingStudies.includes(status))
    refuse('run.active', 'This study is still going.', `study ${id}`, 'Stop it first, then remove it.')
}
