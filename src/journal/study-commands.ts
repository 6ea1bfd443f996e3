// Commands about searches over settings. A study and each of its trials are decided in writing before anything of them
// begins: a trial stands in the journal with its run, or neither does. What was decided, and an end, never change.
import { isDeepStrictEqual } from 'node:util'
import { newStudy, newTrial, rowReference, studyChange, trialEnd } from '#shared/journal-commands.ts'
import { livingStudies, type StudyStatus } from '#shared/study.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { newId } from './ids.ts'
import { jsonText } from './json-text.ts'
import { refuse } from './problems.ts'
import { all, first, run, sqlFor } from './query.ts'
import { leaveQueue } from './queue-commands.ts'
import { readJson } from './read-json.ts'
import { requireProject } from './read-projects.ts'
import { requireStudy } from './read-studies.ts'
import { refuseActive, refuseLiving } from './removal-commands.ts'
import { assertKnown, createRun } from './run-commands.ts'

/** Inserts a study as `waiting`. Its project, model and data sets must be known. */
export function createStudy({ db, now }: WriterContext, input: unknown): { id: string } {
  const wanted = checkInput(newStudy, input, 'study')
  const { base } = wanted.spec
  requireProject(db, wanted.projectId)
  assertKnown(db, 'models', 'id', base.model.id, 'model')
  for (const { fingerprint } of [base.data, ...(base.before === null ? [] : [base.before])])
    assertKnown(db, 'datasets', 'fingerprint', fingerprint, 'data set')
  const id = wanted.id ?? newId('study', now())
  if (first(db, sqlFor.selectFrom('studies').select('id').where('id', '=', id)))
    refuse('journal.conflict', 'There already is a study with this id.', `study ${id}`, 'Leave the id out.')
  run(
    db,
    sqlFor.insertInto('studies').values({
      id,
      project_id: wanted.projectId,
      name: wanted.name,
      status: 'waiting',
      spec: jsonText(wanted.spec, 'study.spec'),
      schedule: wanted.schedule === null ? null : jsonText(wanted.schedule, 'study.schedule'),
      priority: wanted.priority,
      notes: '',
      reason: null,
      worked_ms: 0,
      created_at_ms: now(),
      started_at_ms: null,
      ended_at_ms: null,
      removed_at_ms: null,
    }),
  )
  return { id }
}

/** Which status may follow which: what was stopped or came to its end stays so, what failed can be tried again. */
const nextStatuses: Readonly<Record<StudyStatus, readonly StudyStatus[]>> = {
  waiting: ['running', 'paused', 'finished', 'stopped', 'failed'],
  running: ['waiting', 'paused', 'finished', 'stopped', 'failed'],
  paused: ['waiting', 'running', 'finished', 'stopped', 'failed'],
  failed: ['waiting', 'running', 'paused', 'stopped'],
  finished: [],
  stopped: [],
}

/** Changes what of a study may change; what is left out stays. A study that ends leaves the queue. */
export function changeStudy({ db, now }: WriterContext, studyId: unknown, change: unknown): void {
  const id = checkInput(rowReference, studyId, 'study id')
  const wanted = checkInput(studyChange, change, `study ${id}`)
  const known = requireStudy(db, id)
  const { name, notes, schedule, status, reason, workedMs } = wanted
  const set = {
    ...(name === undefined ? {} : { name }),
    ...(notes === undefined ? {} : { notes }),
    ...(schedule === undefined
      ? {}
      : { schedule: schedule === null ? null : jsonText(schedule, 'study.schedule') }),
    ...(reason === undefined ? {} : { reason }),
    ...(workedMs === undefined ? {} : { worked_ms: workedMs }),
    ...(status === undefined || status === known.status ? {} : stepTo(id, known, status, now())),
  }
  if (Object.keys(set).length > 0) run(db, sqlFor.updateTable('studies').set(set).where('id', '=', id))
  if (status !== undefined && !livingStudies.includes(status)) leaveQueue(db, 'study', id)
}

function stepTo(
  id: string,
  known: { readonly status: StudyStatus; readonly started_at_ms: number | null },
  status: StudyStatus,
  nowMs: number,
) {
  if (!nextStatuses[known.status].includes(status))
    refuse(
      'journal.transition',
      `A study that is ${known.status} cannot become ${status}.`,
      `study ${id}`,
      'Start a new study.',
    )
  return {
    status,
    started_at_ms: status === 'running' ? (known.started_at_ms ?? nowMs) : known.started_at_ms,
    ended_at_ms: livingStudies.includes(status) ? null : nowMs,
  }
}

/**
 * Writes what was decided for the next trial, and its run as `queued`; `run` null for a trial that never gets one. Exactly
 * the same trial once more is no error: the answer then names the run that was written before.
 */
export function addTrial(context: WriterContext, input: unknown, run_: unknown): { runId: string | null } {
  const { db, now } = context
  const trial = checkInput(newTrial, input, 'trial')
  const where = `trial ${trial.number} of study ${trial.studyId}`
  const study = requireStudy(db, trial.studyId)
  const known = first(db, trialQuery(trial.studyId, trial.number))
  if (known !== undefined) {
    assertSameTrial(where, trial, known, run_)
    return { runId: known.run_id }
  }
  if (!livingStudies.includes(study.status))
    refuse(
      'journal.transition',
      `A study that is ${study.status} gets no more trials.`,
      where,
      'Start a new study.',
    )
  const next = countTrials(db, trial.studyId)
  if (trial.number !== next)
    refuse(
      'journal.gap',
      `Trial ${trial.number} came, but the next one is ${next}.`,
      where,
      `Number trials one after the other, from ${next} on.`,
    )
  const runId = run_ === null ? null : createRun(context, run_).id
  if (runId !== null) assertProject(db, runId, study.project_id, where)
  run(
    db,
    sqlFor.insertInto('trials').values({
      study_id: trial.studyId,
      number: trial.number,
      purpose: trial.purpose,
      settings: jsonText(trial.settings, `settings of ${where}`),
      seed: trial.seed,
      rungs: jsonText(trial.rungs, `rungs of ${where}`),
      status: 'planned',
      run_id: runId,
      loss_nats: null,
      loss_step: null,
      rung_losses: '[]',
      reason: null,
      work: null,
      created_at_ms: now(),
      ended_at_ms: null,
    }),
  )
  return { runId }
}

const trialQuery = (studyId: string, number: number) =>
  sqlFor.selectFrom('trials').selectAll().where('study_id', '=', studyId).where('number', '=', number)

function countTrials(db: WriterContext['db'], studyId: string): number {
  const last = sqlFor.selectFrom('trials').select('number').where('study_id', '=', studyId)
  return (first(db, last.orderBy('number', 'desc').limit(1))?.number ?? -1) + 1
}

function assertProject(db: WriterContext['db'], runId: string, projectId: string, where: string): void {
  const made = first(db, sqlFor.selectFrom('runs').select('project_id').where('id', '=', runId))
  if (made?.project_id !== projectId)
    refuse('journal.conflict', "A trial's run belongs to another project.", where, "Use the study's project.")
}

type KnownTrial = NonNullable<ReturnType<typeof first<ReturnType<typeof trialQuery>>>>

function assertSameTrial(
  where: string,
  trial: ReturnType<typeof newTrial.parse>,
  known: KnownTrial,
  run_: unknown,
): void {
  const wantedRun = run_ === null ? null : ((run_ as { id?: unknown } | undefined)?.id ?? known.run_id)
  const isSame =
    isDeepStrictEqual(
      [trial.purpose, trial.settings, trial.seed, trial.rungs, wantedRun],
      [known.purpose, readJson(known.settings), known.seed, readJson(known.rungs), known.run_id],
    ) && (run_ === null) === (known.run_id === null)
  if (!isSame)
    refuse(
      'journal.conflict',
      `Trial ${trial.number} is already written, with other contents.`,
      where,
      'Number new trials after the last one written.',
    )
}

/** How a trial ended. A second end is refused unless it says the same. */
export function endTrial({ db, now }: WriterContext, input: unknown): void {
  const end = checkInput(trialEnd, input, 'end of a trial')
  const where = `trial ${end.number} of study ${end.studyId}`
  requireStudy(db, end.studyId)
  const known = first(db, trialQuery(end.studyId, end.number))
  if (known === undefined)
    refuse('journal.unknown', 'The journal knows no such trial.', where, 'Write the trial first.')
  const set = {
    status: end.status,
    loss_nats: end.lossNats,
    loss_step: end.lossStep,
    rung_losses: jsonText(end.rungLosses, `rungs of ${where}`),
    reason: end.reason?.toWellFormed() ?? null,
    work: end.work === null ? null : jsonText(end.work, `work of ${where}`),
  }
  if (known.status !== 'planned') {
    const { status, loss_nats, loss_step, rung_losses, reason, work } = known
    if (isDeepStrictEqual({ status, loss_nats, loss_step, rung_losses, reason, work }, set)) return
    refuse('journal.conflict', 'This trial already came to another end.', where, 'An end is written once.')
  }
  if (known.run_id === null && (end.status === 'complete' || end.status === 'pruned'))
    refuse('journal.conflict', 'A trial without a run was not computed.', where, 'Write it with its run.')
  run(
    db,
    sqlFor
      .updateTable('trials')
      .set({ ...set, ended_at_ms: now() })
      .where('study_id', '=', end.studyId)
      .where('number', '=', end.number),
  )
}

/** Hides a study at its end with all of its trials' runs. Returns the ids of the runs hidden now. */
export function removeStudy({ db, now }: WriterContext, studyId: unknown): { runIds: string[] } {
  const id = checkInput(rowReference, studyId, 'study id')
  const { status } = requireStudy(db, id)
  refuseLiving(id, status)
  const ofTrials = sqlFor
    .selectFrom('trials')
    .innerJoin('runs', 'runs.id', 'trials.run_id')
    .select(['runs.id', 'runs.status'])
    .where('trials.study_id', '=', id)
    .where('runs.removed_at_ms', 'is', null)
  const runs = all(db, ofTrials.orderBy('trials.number'))
  for (const { id: runId, status: runStatus } of runs) refuseActive(runId, runStatus)
  for (const { id: runId } of runs) {
    run(db, sqlFor.updateTable('runs').set({ removed_at_ms: now() }).where('id', '=', runId))
    leaveQueue(db, 'run', runId)
  }
  run(db, sqlFor.updateTable('studies').set({ removed_at_ms: now() }).where('id', '=', id))
  leaveQueue(db, 'study', id)
  return { runIds: runs.map((row) => row.id) }
}
