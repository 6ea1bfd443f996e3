// Commands about a run's life. Every change of status goes through the table in run-status.ts.
import { sql } from 'kysely'
import {
  attemptFacts,
  newRun,
  rowReference,
  runFailure,
  runFinish,
  runName,
  runNotes,
  runTags,
  settableStatus,
} from '#shared/journal-commands.ts'
import { activeStatuses, type RunStatus } from '#shared/journal-types.ts'
import { livingStudies } from '#shared/study.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { headOf } from './event-commands.ts'
import { newId } from './ids.ts'
import { jsonText } from './json-text.ts'
import { refuse, refuseUnknownRun } from './problems.ts'
import { all, first, run, sqlFor } from './query.ts'
import { assertCanFollow, isAtRest } from './run-status.ts'

/** Inserts a run as `queued`, before anything is started for it. Its project, model and data sets must be known. */
export function createRun({ db, now, ownRuns }: WriterContext, input: unknown): { id: string } {
  const wanted = checkInput(newRun, input, 'run')
  const { recipe } = wanted
  assertKnown(db, 'projects', 'id', wanted.projectId, 'project')
  assertKnown(db, 'models', 'id', recipe.model.id, 'model')
  assertKnown(db, 'datasets', 'fingerprint', recipe.data.fingerprint, 'data set')
  if (recipe.before !== null)
    assertKnown(db, 'datasets', 'fingerprint', recipe.before.fingerprint, 'data set')
  const id = wanted.id ?? newId('run', now())
  if (first(db, sqlFor.selectFrom('runs').select('id').where('id', '=', id)))
    refuse('journal.conflict', 'There already is a run with this id.', `run ${id}`, 'Leave the id out.')
  run(
    db,
    sqlFor.insertInto('runs').values({
      id,
      project_id: wanted.projectId,
      name: wanted.name,
      status: 'queued',
      scenario: recipe.scenario,
      recipe: jsonText(recipe, 'run.recipe'),
      model_id: recipe.model.id,
      dataset_fingerprint: recipe.data.fingerprint,
      seed: recipe.seed,
      backend: wanted.backend,
      device: jsonText(wanted.device, 'run.device'),
      versions: jsonText(wanted.versions, 'run.versions'),
      determinism: wanted.determinism,
      created_at_ms: now(),
      started_at_ms: null,
      ended_at_ms: null,
      attempts: 0,
      total_steps: null,
      last_step: null,
      best_step: null,
      best_loss_nats: null,
      end_reason: null,
      adapter_sha256: null,
      failure: null,
      notes: wanted.notes,
      tags: jsonText(wanted.tags, 'run.tags'),
      removed_at_ms: null,
      rating: null,
      pinned_at_ms: null,
      archived_at_ms: null,
    }),
  )
  ownRuns.add(id)
  return { id }
}

export interface StartedAttempt {
  /** 1 for the first start, one more for each resume. */
  readonly attempt: number
  /** Sequence number that the next event must have. */
  readonly firstSeq: number
}

/** The run goes (on) as `running` with a new attempt; what it failed with before is forgotten, its events are not. */
export function startAttempt(
  { db, now, ownRuns }: WriterContext,
  runId: unknown,
  facts: unknown,
): StartedAttempt {
  const id = checkInput(rowReference, runId, 'run id')
  const given = checkInput(attemptFacts, facts, `run ${id}`)
  const known = readRun(db, id)
  assertCanFollow(id, known.status, 'running')
  const attempt = known.attempts + 1
  run(
    db,
    sqlFor
      .updateTable('runs')
      .set({
        status: 'running',
        attempts: attempt,
        started_at_ms: known.started_at_ms ?? now(),
        ended_at_ms: null,
        end_reason: null,
        failure: null,
        ...(given.backend === undefined ? {} : { backend: given.backend }),
        ...(given.device === undefined ? {} : { device: jsonText(given.device, 'attempt.device') }),
        ...(given.versions === undefined ? {} : { versions: jsonText(given.versions, 'attempt.versions') }),
      })
      .where('id', '=', id),
  )
  ownRuns.add(id)
  return { attempt, firstSeq: headOf(db, id).seq + 1 }
}

/** A run under way goes on by itself with a new attempt, after one that came to nothing: it is `running` throughout. */
export function nextAttempt({ db }: WriterContext, runId: unknown): StartedAttempt {
  const id = checkInput(rowReference, runId, 'run id')
  const { status, attempts } = readRun(db, id)
  if (status !== 'running' && status !== 'paused')
    refuse(
      'journal.transition',
      `A run that is ${status} does not go on by itself.`,
      `run ${id}`,
      'Use startAttempt.',
    )
  const attempt = attempts + 1
  run(db, sqlFor.updateTable('runs').set({ status: 'running', attempts: attempt }).where('id', '=', id))
  return { attempt, firstSeq: headOf(db, id).seq + 1 }
}

/** Any legal change but starting and finishing, which have commands of their own. */
export function setRunStatus({ db, now }: WriterContext, runId: unknown, status: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  const wanted = checkInput(settableStatus, status, `status of run ${id}`)
  const known = readRun(db, id)
  if (known.status === wanted) return
  if (wanted === 'finished' || (wanted === 'running' && known.status !== 'paused'))
    refuse(
      'journal.transition',
      `A run does not become ${wanted} by itself.`,
      `run ${id}`,
      wanted === 'finished' ? 'Use finishRun.' : 'Use startAttempt.',
    )
  assertCanFollow(id, known.status, wanted)
  run(
    db,
    sqlFor
      .updateTable('runs')
      .set({ status: wanted, ended_at_ms: isAtRest(wanted) ? now() : null })
      .where('id', '=', id),
  )
}

/** The trainer said how it ended: `finished`, or `cancelled` where the person asked for it. */
export function finishRun({ db, now }: WriterContext, runId: unknown, finish: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  const end = checkInput(runFinish, finish, `end of run ${id}`)
  const status: RunStatus = end.reason === 'cancelled' ? 'cancelled' : 'finished'
  assertCanFollow(id, readRun(db, id).status, status)
  run(
    db,
    sqlFor
      .updateTable('runs')
      .set({
        status,
        end_reason: end.reason,
        ended_at_ms: now(),
        best_step: end.bestStep,
        best_loss_nats: end.bestLossNats,
        adapter_sha256: end.adapterSha256,
        failure: null,
      })
      .where('id', '=', id),
  )
}

/** The run stopped against its will; the Problem is kept with it. */
export function failRun({ db, now }: WriterContext, runId: unknown, failure: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  const { status, problem } = checkInput(runFailure, failure, `failure of run ${id}`)
  assertCanFollow(id, readRun(db, id).status, status)
  run(
    db,
    sqlFor
      .updateTable('runs')
      .set({ status, ended_at_ms: now(), failure: jsonText(problem, `failure of run ${id}`) })
      .where('id', '=', id),
  )
}

/**
 * Runs that another process left queued, running or paused become `interrupted`: that process is gone, for this one
 * holds the journal's only writer. Those that wait for their turn, in the queue or as the next trial of a living study,
 * stay `queued`. Returns the ids of the others, oldest first.
 */
export function markOrphansInterrupted({ db, now, ownRuns }: WriterContext): string[] {
  const active = sqlFor
    .selectFrom('runs')
    .select('id')
    .where('status', 'in', activeStatuses)
    .where((build) => build.or([build('status', '<>', 'queued'), build.not(hasTurnToCome)]))
    .orderBy('created_at_ms')
    .orderBy('id')
  const orphans = all(db, active)
    .map((row) => row.id)
    .filter((id) => !ownRuns.has(id))
  for (const id of orphans)
    run(
      db,
      sqlFor.updateTable('runs').set({ status: 'interrupted', ended_at_ms: now() }).where('id', '=', id),
    )
  return orphans
}

/** A run that waits in the queue, or that a study which goes on by itself will start. */
const hasTurnToCome = sql<boolean>`(EXISTS (SELECT 1 FROM queue WHERE kind = 'run' AND queue.id = runs.id)
  OR EXISTS (SELECT 1 FROM trials JOIN studies ON studies.id = trials.study_id
    WHERE trials.run_id = runs.id AND trials.status = 'planned' AND studies.removed_at_ms IS NULL
      AND studies.status IN (${sql.join(livingStudies.map((status) => sql.lit(status)))})))`

export function renameRun({ db }: WriterContext, runId: unknown, name: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  readRun(db, id)
  const set = { name: checkInput(runName, name, `name of run ${id}`) }
  run(db, sqlFor.updateTable('runs').set(set).where('id', '=', id))
}

export function setNotes({ db }: WriterContext, runId: unknown, notes: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  readRun(db, id)
  const set = { notes: checkInput(runNotes, notes, `notes of run ${id}`) }
  run(db, sqlFor.updateTable('runs').set(set).where('id', '=', id))
}

/** Replaces the run's tags. */
export function setTags({ db }: WriterContext, runId: unknown, tags: unknown): void {
  const id = checkInput(rowReference, runId, 'run id')
  readRun(db, id)
  const set = { tags: jsonText(checkInput(runTags, tags, `tags of run ${id}`), 'tags') }
  run(db, sqlFor.updateTable('runs').set(set).where('id', '=', id))
}

/** Status, attempts and start of a known run; throws run.unknown. */
export function readRun(db: WriterContext['db'], id: string) {
  const row = first(
    db,
    sqlFor.selectFrom('runs').select(['status', 'attempts', 'started_at_ms']).where('id', '=', id),
  )
  return row ?? refuseUnknownRun(id)
}

type KeyTable = { projects: 'id'; models: 'id'; datasets: 'fingerprint' }

/** Throws journal.unknown where the row that is referred to is not there. */
export function assertKnown<T extends keyof KeyTable>(
  db: WriterContext['db'],
  table: T,
  column: KeyTable[T],
  key: string,
  what: string,
): void {
  const found = db.prepare(`SELECT 1 FROM ${table} WHERE ${column} = ?`).get(key)
  if (!found)
    refuse(
      'journal.unknown',
      `The journal does not know this ${what} yet.`,
      `${what} ${key}`,
      `Add the ${what} first.`,
    )
}
