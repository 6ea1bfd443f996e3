// The writer's commands, each typed, checked and committed when it returns, over a connection that is open for writing.
import type {
  AttemptFacts,
  NewArtifact,
  NewComparison,
  NewDataset,
  NewEvaluation,
  NewEvent,
  NewLink,
  NewModel,
  NewOpening,
  NewProject,
  NewProof,
  NewRun,
  NewStudy,
  NewTrial,
  QueueEntry,
  RunFailure,
  RunFinish,
  RunMarks,
  SavedView,
  StudyChange,
  TrialEnd,
} from '#shared/journal-commands.ts'
import type { JournalDataset, JournalModel, JournalProject, RunStatus } from '#shared/journal-types.ts'
import type { Result } from '#shared/result.ts'
import { type BackupReport, backUp, isBackupDue } from './backup.ts'
import { commit, type WriterContext } from './command.ts'
import { type Appended, appendEvents } from './event-commands.ts'
import { importInto, type JournalImport } from './import-commands.ts'
import type { ImportChoice, ImportSource } from './import-rows.ts'
import { addDataset, addModel, addProject, ensureProject } from './library-commands.ts'
import { addLink, markRun, noteCheck, removeView, saveView } from './mark-commands.ts'
import { attemptOn } from './problems.ts'
import {
  addArtifact,
  addComparison,
  addEvaluation,
  addProof,
  markArtifactRemoved,
  recordTestSetOpening,
} from './proof-commands.ts'
import { dequeue, enqueue, moveInQueue } from './queue-commands.ts'
import type { CheckReport } from './read-studies.ts'
import { removeProject, removeRuns, renameProject } from './removal-commands.ts'
import {
  createRun,
  failRun,
  finishRun,
  markOrphansInterrupted,
  nextAttempt,
  renameRun,
  type StartedAttempt,
  setNotes,
  setRunStatus,
  setTags,
  startAttempt,
} from './run-commands.ts'
import { addTrial, changeStudy, createStudy, endTrial, removeStudy } from './study-commands.ts'

/** What was found when the journal was opened. */
export interface OpenReport {
  readonly isNew: boolean
  /** Schema version that was found and upgraded; null where nothing had to be done. */
  readonly upgradedFrom: number | null
  /** The last process did not close the journal; it was checked and is sound. */
  readonly afterUncleanExit: boolean
  /** Sentences for the person, e.g. that the newest entries may be missing because only one of the files was copied. */
  readonly notices: readonly string[]
}

export interface JournalWriter {
  readonly path: string
  readonly opened: OpenReport

  addProject(project: NewProject): Result<JournalProject>
  /** The project of this name, made where there is none. */
  ensureProject(project: NewProject): Result<JournalProject>
  renameProject(projectId: string, name: string, goal: string): Result<JournalProject>
  /** Hides a project and its runs from every list; refused (`run.active`) while one of them is under way. */
  removeProject(projectId: string): Result<{ runIds: string[] }>
  addModel(model: NewModel): Result<JournalModel>
  addDataset(dataset: NewDataset): Result<JournalDataset>

  createRun(run: NewRun): Result<{ id: string }>
  startAttempt(runId: string, facts?: AttemptFacts): Result<StartedAttempt>
  /** For a run that goes on by itself after an attempt that came to nothing. */
  nextAttempt(runId: string): Result<StartedAttempt>
  appendEvents(runId: string, attempt: number, events: readonly NewEvent[]): Result<Appended>
  setRunStatus(runId: string, status: RunStatus): Result<void>
  finishRun(runId: string, finish: RunFinish): Result<void>
  failRun(runId: string, failure: RunFailure): Result<void>
  markOrphansInterrupted(): Result<string[]>
  renameRun(runId: string, name: string): Result<void>
  setNotes(runId: string, notes: string): Result<void>
  setTags(runId: string, tags: readonly string[]): Result<void>
  /** Hides runs at rest from every list; `run.active` for one that is under way, and then none is hidden. */
  removeRuns(runIds: readonly string[]): Result<{ removed: number }>

  /** Stars, pin and archive; what is left out stays. */
  markRun(runId: string, marks: RunMarks): Result<void>

  createStudy(study: NewStudy): Result<{ id: string }>
  changeStudy(studyId: string, change: StudyChange): Result<void>
  /** The trial and its run as `queued`, or neither; the same trial once more is no error and names the run it has. */
  addTrial(trial: NewTrial, run: NewRun | null): Result<{ runId: string | null }>
  endTrial(end: TrialEnd): Result<void>
  /** Hides a study at its end and its trials' runs; refused (`run.active`) while it goes on by itself. */
  removeStudy(studyId: string): Result<{ runIds: string[] }>
  enqueue(entry: QueueEntry): Result<void>
  dequeue(kind: QueueEntry['kind'], id: string): Result<void>
  /** 1 up, -1 down. */
  moveInQueue(kind: QueueEntry['kind'], id: string, by: 1 | -1): Result<void>
  addLink(link: NewLink): Result<void>
  saveView(view: SavedView): Result<void>
  removeView(name: string): Result<void>
  noteCheck(report: CheckReport): Result<void>

  addEvaluation(evaluation: NewEvaluation): Result<{ id: string }>
  addComparison(comparison: NewComparison): Result<{ id: string }>
  /** Both evaluations and the comparison in one commit; the id is the comparison's. */
  addProof(proof: NewProof): Result<{ id: string }>
  /** Commit this before the locked test set is read. */
  recordTestSetOpening(opening: NewOpening): Result<{ id: string }>
  addArtifact(artifact: NewArtifact): Result<{ id: string }>
  markArtifactRemoved(artifactId: string): Result<void>

  /** Takes projects, runs and studies of another journal over, each in one commit. */
  importing(source: ImportSource, choice: ImportChoice): Result<JournalImport>

  /**
   * A verified backup; the folder is `backups` beside the journal where none is given. Older ones are pruned, but never
   * the one named `spared`.
   */
  backup(folder?: string, spared?: string): Result<BackupReport>
  /** A backup where the newest one is older than that; null where none was due. For the start of a working day. */
  backupIfOlderThan(ageMs: number): Result<BackupReport | null>
  /** Folds the log into the main file and releases the lock. */
  close(): Result<void>
}

export function writerOver(
  context: WriterContext,
  opened: OpenReport,
  backupsFolder: string,
  close: () => void,
): JournalWriter {
  const { db, path, now } = context
  return {
    path,
    opened,
    addProject: (project) => commit(context, () => addProject(context, project)),
    ensureProject: (project) => commit(context, () => ensureProject(context, project)),
    renameProject: (projectId, name, goal) =>
      commit(context, () => renameProject(context, projectId, { name, goal })),
    removeProject: (projectId) => commit(context, () => removeProject(context, projectId)),
    addModel: (model) => commit(context, () => addModel(context, model)),
    addDataset: (dataset) => commit(context, () => addDataset(context, dataset)),
    createRun: (newRun) => commit(context, () => createRun(context, newRun)),
    startAttempt: (runId, facts = {}) => commit(context, () => startAttempt(context, runId, facts)),
    nextAttempt: (runId) => commit(context, () => nextAttempt(context, runId)),
    appendEvents: (runId, attempt, events) =>
      commit(context, () => appendEvents(context, runId, attempt, events)),
    setRunStatus: (runId, status) => commit(context, () => setRunStatus(context, runId, status)),
    finishRun: (runId, finish) => commit(context, () => finishRun(context, runId, finish)),
    failRun: (runId, failure) => commit(context, () => failRun(context, runId, failure)),
    markOrphansInterrupted: () => commit(context, () => markOrphansInterrupted(context)),
    renameRun: (runId, name) => commit(context, () => renameRun(context, runId, name)),
    setNotes: (runId, notes) => commit(context, () => setNotes(context, runId, notes)),
    setTags: (runId, tags) => commit(context, () => setTags(context, runId, tags)),
    removeRuns: (runIds) => commit(context, () => removeRuns(context, runIds)),
    markRun: (runId, marks) => commit(context, () => markRun(context, runId, marks)),
    createStudy: (study) => commit(context, () => createStudy(context, study)),
    changeStudy: (studyId, change) => commit(context, () => changeStudy(context, studyId, change)),
    addTrial: (trial, itsRun) => commit(context, () => addTrial(context, trial, itsRun)),
    endTrial: (end) => commit(context, () => endTrial(context, end)),
    removeStudy: (studyId) => commit(context, () => removeStudy(context, studyId)),
    enqueue: (entry) => commit(context, () => enqueue(context, entry)),
    dequeue: (kind, id) => commit(context, () => dequeue(context, kind, id)),
    moveInQueue: (kind, id, by) => commit(context, () => moveInQueue(context, kind, id, by)),
    addLink: (link) => commit(context, () => addLink(context, link)),
    saveView: (view) => commit(context, () => saveView(context, view)),
    removeView: (name) => commit(context, () => removeView(context, name)),
    noteCheck: (report) => commit(context, () => noteCheck(context, report)),
    addEvaluation: (evaluation) => commit(context, () => addEvaluation(context, evaluation)),
    addComparison: (comparison) => commit(context, () => addComparison(context, comparison)),
    addProof: (proof) => commit(context, () => addProof(context, proof)),
    recordTestSetOpening: (opening) => commit(context, () => recordTestSetOpening(context, opening)),
    addArtifact: (artifact) => commit(context, () => addArtifact(context, artifact)),
    markArtifactRemoved: (artifactId) => commit(context, () => markArtifactRemoved(context, artifactId)),
    importing: (source, choice) => attemptOn(path, () => importInto(context, source, choice)),
    backup: (folder = backupsFolder, spared) =>
      attemptOn(path, () => backUp(db, path, folder, now(), { spared })),
    backupIfOlderThan: (ageMs) =>
      attemptOn(path, () =>
        isBackupDue(backupsFolder, ageMs, now()) ? backUp(db, path, backupsFolder, now()) : null,
      ),
    close: () => attemptOn(path, close),
  }
}
