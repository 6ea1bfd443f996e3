// Commands about what was measured and made: evaluations with their answers, comparisons, openings of a locked test set,
// files. All but the removal of a file are written once.
import {
  newArtifact,
  newComparison,
  newEvaluation,
  newOpening,
  newProof,
  rowReference,
} from '#shared/journal-commands.ts'
import { checkInput } from './check-input.ts'
import type { WriterContext } from './command.ts'
import { hashTexts } from './hash-chain.ts'
import { newId } from './ids.ts'
import { jsonText } from './json-text.ts'
import { refuse } from './problems.ts'
import { first, run, sqlFor } from './query.ts'
import { assertKnown, readRun } from './run-commands.ts'

/** One subject's answers to every row of a test set, with what they scored. */
export function addEvaluation(context: WriterContext, input: unknown): { id: string } {
  return insertEvaluation(context, checkInput(newEvaluation, input, 'evaluation'))
}

function insertEvaluation(
  { db, now }: WriterContext,
  given: ReturnType<typeof newEvaluation.parse>,
): { id: string } {
  readRun(db, given.runId)
  assertKnown(db, 'datasets', 'fingerprint', given.datasetFingerprint, 'data set')
  const createdAtMs = now()
  const id = newId('evaluation', createdAtMs)
  const metrics = jsonText(given.metrics, 'evaluation.metrics')
  const answers = given.answers.map((answer, position) => ({
    evaluation_id: id,
    position,
    row_id: answer.rowId,
    expected: answer.expected,
    answer: answer.answer,
    scores: jsonText(answer.scores, `evaluation.answers[${position}].scores`),
  }))
  assertRowsOnce(answers.map((answer) => answer.row_id))
  const head = {
    run_id: given.runId,
    kind: given.kind,
    subject: given.subject,
    created_at_ms: createdAtMs,
    dataset_fingerprint: given.datasetFingerprint,
    metrics,
  }
  run(
    db,
    sqlFor
      .insertInto('evaluations')
      .values({ id, ...head, answer_count: answers.length, sha256: hashEvaluation(head, answers) }),
  )
  for (const answer of answers) run(db, sqlFor.insertInto('answers').values(answer))
  return { id }
}

/** A whole proof: both subjects' answers and the comparison. A reader sees all of it or nothing. */
export function addProof(context: WriterContext, input: unknown): { id: string } {
  const { base, tuned, comparison } = checkInput(newProof, input, 'proof')
  insertEvaluation(context, base)
  insertEvaluation(context, tuned)
  return insertComparison(context, comparison)
}

interface EvaluationHead {
  run_id: string
  kind: string
  subject: string
  created_at_ms: number
  dataset_fingerprint: string
  metrics: string
}

interface AnswerCells {
  row_id: string
  expected: string
  answer: string
  scores: string
}

/** SHA-256 over an evaluation and its answers in order, as they are stored. */
export function hashEvaluation(head: EvaluationHead, answers: readonly AnswerCells[]): string {
  return hashTexts([
    head.run_id,
    head.kind,
    head.subject,
    head.created_at_ms,
    head.dataset_fingerprint,
    head.metrics,
    ...answers.flatMap((a) => [a.row_id, a.expected, a.answer, a.scores]),
  ])
}

function assertRowsOnce(rowIds: readonly string[]): void {
  const seen = new Set<string>()
  for (const rowId of rowIds) {
    if (seen.has(rowId))
      refuse(
        'journal.invalid',
        `The row "${rowId}" was answered twice in one evaluation.`,
        'evaluation.answers',
        'Answer every row once.',
      )
    seen.add(rowId)
  }
}

/** The verdict of base against tuned, with difference and intervals. */
export function addComparison(context: WriterContext, input: unknown): { id: string } {
  return insertComparison(context, checkInput(newComparison, input, 'comparison'))
}

function insertComparison(
  { db, now }: WriterContext,
  given: ReturnType<typeof newComparison.parse>,
): { id: string } {
  readRun(db, given.runId)
  const createdAtMs = now()
  const id = newId('comparison', createdAtMs)
  const body = jsonText(given.body, 'comparison.body')
  run(
    db,
    sqlFor.insertInto('comparisons').values({
      id,
      run_id: given.runId,
      created_at_ms: createdAtMs,
      body,
      sha256: hashTexts([given.runId, createdAtMs, body]),
    }),
  )
  return { id }
}

/** Must be committed before a locked test set is read. */
export function recordTestSetOpening({ db, now }: WriterContext, input: unknown): { id: string } {
  const given = checkInput(newOpening, input, 'opening of a test set')
  if (given.runId !== null) readRun(db, given.runId)
  assertKnown(db, 'datasets', 'fingerprint', given.datasetFingerprint, 'data set')
  const openedAtMs = now()
  const id = newId('opening', openedAtMs)
  run(
    db,
    sqlFor.insertInto('test_set_openings').values({
      id,
      dataset_fingerprint: given.datasetFingerprint,
      run_id: given.runId,
      purpose: given.purpose,
      opened_at_ms: openedAtMs,
    }),
  )
  return { id }
}

/**
 * A file that the run made. Record it after it is safely on disk under its final name. One that it made before under the
 * same path went when this one came.
 */
export function addArtifact({ db, now }: WriterContext, input: unknown): { id: string } {
  const given = checkInput(newArtifact, input, 'artifact')
  readRun(db, given.runId)
  const createdAtMs = now()
  const id = newId('artifact', createdAtMs)
  const before = sqlFor
    .updateTable('artifacts')
    .where('run_id', '=', given.runId)
    .where('path', '=', given.path)
  run(db, before.where('removed_at_ms', 'is', null).set({ removed_at_ms: createdAtMs }))
  run(
    db,
    sqlFor.insertInto('artifacts').values({
      id,
      run_id: given.runId,
      kind: given.kind,
      path: given.path,
      bytes: given.bytes,
      sha256: given.sha256,
      created_at_ms: createdAtMs,
      removed_at_ms: null,
    }),
  )
  return { id }
}

/** The file is gone (pruned, or moved to the system's bin); its row stays. Saying it twice keeps the first time. */
export function markArtifactRemoved({ db, now }: WriterContext, artifactId: unknown): void {
  const id = checkInput(rowReference, artifactId, 'artifact id')
  const known = first(db, sqlFor.selectFrom('artifacts').select('removed_at_ms').where('id', '=', id))
  if (!known)
    refuse(
      'journal.unknown',
      'The journal does not know this file.',
      `artifact ${id}`,
      'List the files of the run.',
    )
  if (known.removed_at_ms !== null) return
  run(db, sqlFor.updateTable('artifacts').set({ removed_at_ms: now() }).where('id', '=', id))
}
