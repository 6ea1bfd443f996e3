// A reader of the journal. Its connection cannot change the file, and its type has no way to ask for it. Any number of
// readers work beside the one writer, each question seeing one consistent state.
import { existsSync, statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { type RunQuery, rowReference, type SavedView } from '#shared/journal-commands.ts'
import type {
  ChainReport,
  JournalArtifact,
  JournalComparison,
  JournalDataset,
  JournalEvaluation,
  JournalEvent,
  JournalModel,
  JournalProject,
  RunCurve,
  RunDetail,
  TestSetOpening,
} from '#shared/journal-types.ts'
import { fail, ProblemError, type Result } from '#shared/result.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { checkInput } from './check-input.ts'
import { openForReading } from './connection.ts'
import { assertUnchanged } from './contents-digest.ts'
import { newestVersion, readVersion } from './migrate.ts'
import { attemptOn, refuse } from './problems.ts'
import { all, sqlFor } from './query.ts'
import { hasRunSince } from './read-activity.ts'
import { readCurve, readEvents, readEventsOfKind, readThinCurve, verifyChain } from './read-events.ts'
import { type ExperimentPage, listExperiments, readExperiment, readFacets } from './read-experiments.ts'
import { requireProject } from './read-projects.ts'
import {
  readArtifacts,
  readComparisons,
  readEvaluations,
  readNewestEvaluation,
  readOpenings,
} from './read-proof.ts'
import { readRunNumbers } from './read-run-numbers.ts'
import { getRun, listRuns, type RunPage } from './read-runs.ts'
import {
  type CheckReport,
  type JournalLink,
  type QueuedItem,
  readLastCheck,
  readLinks,
  readQueue,
  readSavedViews,
  readStudies,
  readStudy,
  readTrials,
} from './read-studies.ts'
import { readTimeAtWork } from './read-time-at-work.ts'
import { toDataset, toModel, toProject } from './rows.ts'
import { assertSchema } from './schema-check.ts'
import { assertSound, isSmall } from './sound-file.ts'
import type { ToldAs } from './told-of-copy.ts'
import { type JournalCheck, verifyAll } from './verify-all.ts'

export interface JournalReader {
  readonly path: string
  projects(): Result<JournalProject[]>
  /** project.unknown where there is none with this id, or where it was removed. */
  project(projectId: string): Result<JournalProject>
  models(): Result<JournalModel[]>
  datasets(): Result<JournalDataset[]>
  listRuns(query?: RunQuery): Result<RunPage>
  /** As `listRuns` with pinned runs first, each run with its settings and newest result. */
  experiments(query?: RunQuery): Result<ExperimentPage>
  /** One run as the table of experiments shows it. */
  experiment(runId: string): Result<ExperimentRow>
  /** Numbers in their project of those that share their name with another run there (`runLabel`), by id. */
  runNumbers(runIds: readonly string[]): Result<ReadonlyMap<string, number>>
  /** Tags, projects and models that experiments can be filtered by. */
  facets(): Result<ReturnType<typeof readFacets>>
  /** run.unknown where there is none with this id. */
  getRun(runId: string): Result<RunDetail>
  /** Whether a run computes now, or ended at this time (UTC milliseconds) or later. */
  hasRunSince(sinceMs: number): Result<boolean>
  /** Milliseconds at work over all attempts: pauses, and the time while nothing worked on it, are left out. */
  timeAtWork(runId: string): Result<number>
  /** Empty for a run that the journal does not know. */
  curve(runId: string): Result<RunCurve>
  /** As `curve`, with at most `most` training points: the lowest and highest of each stretch of steps. */
  thinCurve(runId: string, most: number): Result<RunCurve>
  /** Events after `afterSeq` (0: from the first), at most `limit` of them; more than 100,000 are never given. */
  events(runId: string, afterSeq?: number, limit?: number): Result<JournalEvent[]>
  /** The first event of this kind and the newest, in order: at most `most`, 2 or more. */
  eventsOfKind(runId: string, kind: string, most: number): Result<JournalEvent[]>
  evaluations(runId: string): Result<JournalEvaluation[]>
  /** The newest of the run's evaluations of this subject; null where it was not measured. */
  newestEvaluation(runId: string, subject: JournalEvaluation['subject']): Result<JournalEvaluation | null>
  comparisons(runId: string): Result<JournalComparison[]>
  openings(datasetFingerprint: string): Result<TestSetOpening[]>
  artifacts(runId: string): Result<JournalArtifact[]>
  /** Of one project, or all; the newest first. */
  studies(projectId?: string): Result<JournalStudy[]>
  /** study.unknown where there is none with this id, or where it was removed. */
  study(studyId: string): Result<JournalStudy>
  /** By number. */
  trials(studyId: string): Result<StudyTrial[]>
  /** What waits, in the order in which it goes. */
  queue(): Result<QueuedItem[]>
  /** Where this run or study comes from, and what came from it. */
  links(id: string): Result<JournalLink[]>
  /** By name. */
  savedViews(): Result<SavedView[]>
  lastCheck(): Result<CheckReport | null>
  verifyChain(runId: string): Result<ChainReport>
  /** Reads the whole file: integrity, references, every chain, every measurement. Takes seconds on a large journal. */
  verifyAll(): Result<JournalCheck>
  close(): void
}

const asItIs: ToldAs = (problem) => problem

interface ReadingOptions {
  /** Of a copy: what is wrong with it as it is told of the original. */
  readonly toldAs?: ToldAs
  /** Nobody has looked yet whether the file is sound: up to 64 MB it is read whole. Above, what is read is checked alone. */
  readonly isUnchecked?: boolean
}

/** Opens an existing journal of this version's schema for reading. Works while a writer has it open, and without one. */
export function openJournalReader(
  path: string,
  { toldAs = asItIs, isUnchecked = false }: ReadingOptions = {},
): Result<JournalReader> {
  return attemptAs(toldAs, path, () => {
    if (!existsSync(path) || statSync(path).size === 0)
      refuse(
        'journal.missing',
        'There is no journal here yet.',
        path,
        'Start a first run; it makes the journal.',
      )
    const db = openForReading(path)
    try {
      assertCurrent(db, path)
      if (isUnchecked && isSmall(path)) assertSound(db, path)
      return readerOver(db, path, toldAs)
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function assertCurrent(db: Database, path: string): void {
  const version = readVersion(db, path)
  assertSchema(db, path, version)
  if (version < newestVersion) throw tooOld(path, version)
  assertUnchanged(db, path)
}

const tooOld = (path: string, version: number): ProblemError =>
  new ProblemError({
    code: 'journal.too-old',
    message: `This journal was last used by an older Tunewright (schema ${version}; this one reads ${newestVersion}).`,
    where: path,
    remedy:
      'Open it once with this Tunewright for writing; it makes a backup and brings the journal up to date.',
  })

function attemptAs<T>(toldAs: ToldAs, path: string, work: () => T): Result<T> {
  const done = attemptOn(path, work)
  return done.ok ? done : fail(toldAs(done.problem))
}

function readerOver(db: Database, path: string, toldAs: ToldAs): JournalReader {
  const read = <T>(work: () => T): Result<T> => attemptAs(toldAs, path, work)
  /** Where several statements answer: all see one moment, also while a run is being written. */
  const readAtOnce = <T>(work: () => T): Result<T> => read(() => db.transaction(work)())
  return {
    path,
    projects: () =>
      read(() =>
        all(
          db,
          sqlFor
            .selectFrom('projects')
            .selectAll()
            .where('removed_at_ms', 'is', null)
            .orderBy('created_at_ms'),
        ).map(toProject),
      ),
    project: (projectId) =>
      read(() => toProject(requireProject(db, checkInput(rowReference, projectId, 'project id')))),
    models: () =>
      read(() => all(db, sqlFor.selectFrom('models').selectAll().orderBy('added_at_ms')).map(toModel)),
    datasets: () =>
      read(() => all(db, sqlFor.selectFrom('datasets').selectAll().orderBy('added_at_ms')).map(toDataset)),
    listRuns: (query = {}) => read(() => listRuns(db, query)),
    experiments: (query = {}) => read(() => listExperiments(db, query)),
    experiment: (runId) => read(() => readExperiment(db, runId)),
    runNumbers: (runIds) => read(() => readRunNumbers(db, runIds)),
    facets: () => read(() => readFacets(db)),
    getRun: (runId) => read(() => getRun(db, runId)),
    hasRunSince: (sinceMs) => read(() => hasRunSince(db, sinceMs)),
    timeAtWork: (runId) => readAtOnce(() => readTimeAtWork(db, runId)),
    curve: (runId) => readAtOnce(() => readCurve(db, runId)),
    thinCurve: (runId, most) => readAtOnce(() => readThinCurve(db, runId, most)),
    events: (runId, afterSeq, limit) => readAtOnce(() => readEvents(db, runId, { afterSeq, limit })),
    eventsOfKind: (runId, kind, most) => readAtOnce(() => readEventsOfKind(db, runId, kind, most)),
    evaluations: (runId) => read(() => readEvaluations(db, runId)),
    newestEvaluation: (runId, subject) => read(() => readNewestEvaluation(db, runId, subject)),
    comparisons: (runId) => read(() => readComparisons(db, runId)),
    openings: (fingerprint) => read(() => readOpenings(db, fingerprint)),
    artifacts: (runId) => read(() => readArtifacts(db, runId)),
    studies: (projectId) => read(() => readStudies(db, projectId)),
    study: (studyId) => read(() => readStudy(db, studyId)),
    trials: (studyId) => read(() => readTrials(db, studyId)),
    queue: () => read(() => readQueue(db)),
    links: (id) => read(() => readLinks(db, id)),
    savedViews: () => read(() => readSavedViews(db)),
    lastCheck: () => read(() => readLastCheck(db)),
    verifyChain: (runId) => readAtOnce(() => verifyChain(db, runId)),
    verifyAll: () => readAtOnce(() => verifyAll(db)),
    close: () => {
      db.close()
    },
  }
}
