// Reading what was measured and made, and checking that measurements are what was written.
import type { Database } from 'better-sqlite3'
import { rowReference } from '#shared/journal-commands.ts'
import type {
  EvaluationAnswer,
  JournalArtifact,
  JournalComparison,
  JournalEvaluation,
  TestSetOpening,
} from '#shared/journal-types.ts'
import { checkInput } from './check-input.ts'
import { hashTexts } from './hash-chain.ts'
import { hashEvaluation } from './proof-commands.ts'
import { all, sqlFor } from './query.ts'
import { DamagedValueError, readJson } from './read-json.ts'
import { withReplaced } from './replaced-files.ts'
import { toArtifact } from './rows.ts'

export const evaluationsQuery = (runId: string) =>
  sqlFor
    .selectFrom('evaluations')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('created_at_ms')
    .orderBy('id')

const answersQuery = (evaluationId: string) =>
  sqlFor.selectFrom('answers').selectAll().where('evaluation_id', '=', evaluationId).orderBy('position')

/** The run's evaluations, oldest first, each with every row's answer. */
export function readEvaluations(db: Database, runId: unknown): JournalEvaluation[] {
  const id = checkInput(rowReference, runId, 'run id')
  return db.transaction(() => all(db, evaluationsQuery(id)).map((row) => withAnswers(db, row)))()
}

/** The run's newest evaluation of one subject; the answers of the others are not read. */
export function readNewestEvaluation(
  db: Database,
  runId: unknown,
  subject: JournalEvaluation['subject'],
): JournalEvaluation | null {
  const id = checkInput(rowReference, runId, 'run id')
  return db.transaction(() => {
    const newest = all(db, evaluationsQuery(id)).findLast((row) => row.subject === subject)
    return newest === undefined ? null : withAnswers(db, newest)
  })()
}

type EvaluationRow = ReturnType<typeof all<ReturnType<typeof evaluationsQuery>>>[number]

/** Throws where it is not what its own hash says: an answer that rotted is never shown. */
function withAnswers(db: Database, row: EvaluationRow): JournalEvaluation {
  const answers = all(db, answersQuery(row.id))
  if (!isWritten(row, answers))
    throw new DamagedValueError(`measurement ${row.id} was changed after it was written`)
  return toEvaluation(row, answers)
}

type AnswerRow = ReturnType<typeof all<ReturnType<typeof answersQuery>>>[number]

const isWritten = (row: EvaluationRow, answers: readonly AnswerRow[]): boolean =>
  answers.length === row.answer_count && hashEvaluation(row, answers) === row.sha256

const toEvaluation = (row: EvaluationRow, answers: readonly AnswerRow[]): JournalEvaluation => ({
  id: row.id,
  runId: row.run_id,
  kind: row.kind,
  subject: row.subject,
  createdAtMs: row.created_at_ms,
  datasetFingerprint: row.dataset_fingerprint,
  metrics: readJson(row.metrics),
  answers: answers.map(
    (answer): EvaluationAnswer => ({
      rowId: answer.row_id,
      expected: answer.expected,
      answer: answer.answer,
      scores: readJson(answer.scores) as EvaluationAnswer['scores'],
    }),
  ),
  sha256: row.sha256,
})

export const comparisonsQuery = (runId: string) =>
  sqlFor
    .selectFrom('comparisons')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('created_at_ms')
    .orderBy('id')

export function readComparisons(db: Database, runId: unknown): JournalComparison[] {
  const id = checkInput(rowReference, runId, 'run id')
  return all(db, comparisonsQuery(id)).map((row) => {
    assertWrittenComparison(row)
    return {
      id: row.id,
      runId: row.run_id,
      createdAtMs: row.created_at_ms,
      body: readJson(row.body),
      sha256: row.sha256,
    }
  })
}

export type ComparisonRow = Pick<
  ReturnType<typeof all<ReturnType<typeof comparisonsQuery>>>[number],
  'id' | 'run_id' | 'created_at_ms' | 'body' | 'sha256'
>

const isWrittenComparison = (row: ComparisonRow): boolean =>
  hashTexts([row.run_id, row.created_at_ms, row.body]) === row.sha256

/** Throws where a comparison is not what its own hash says. */
export function assertWrittenComparison(row: ComparisonRow): void {
  if (!isWrittenComparison(row))
    throw new DamagedValueError(`comparison ${row.id} was changed after it was written`)
}

export const openingsQuery = (fingerprint: string) =>
  sqlFor
    .selectFrom('test_set_openings')
    .selectAll()
    .where('dataset_fingerprint', '=', fingerprint)
    .orderBy('opened_at_ms')
    .orderBy('id')

/** Every look into a data set's locked test set, oldest first. */
export function readOpenings(db: Database, fingerprint: unknown): TestSetOpening[] {
  const key = checkInput(rowReference, fingerprint, 'fingerprint')
  return all(db, openingsQuery(key)).map((row) => ({
    id: row.id,
    datasetFingerprint: row.dataset_fingerprint,
    runId: row.run_id,
    purpose: row.purpose,
    openedAtMs: row.opened_at_ms,
  }))
}

export const artifactsQuery = (runId: string) =>
  sqlFor
    .selectFrom('artifacts')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('created_at_ms')
    .orderBy('id')

/** Oldest first. One that the run wrote again later counts as removed from then on. */
export function readArtifacts(db: Database, runId: unknown): JournalArtifact[] {
  const id = checkInput(rowReference, runId, 'run id')
  return withReplaced(all(db, artifactsQuery(id)).map(toArtifact))
}

/** Ids of evaluations and comparisons whose rows are not what was written. */
export function findChangedMeasurements(db: Database): string[] {
  const changed: string[] = []
  for (const row of all(db, sqlFor.selectFrom('evaluations').selectAll())) {
    if (!isWritten(row, all(db, answersQuery(row.id)))) changed.push(row.id)
  }
  for (const row of all(db, sqlFor.selectFrom('comparisons').selectAll()))
    if (!isWrittenComparison(row)) changed.push(row.id)
  return changed
}
