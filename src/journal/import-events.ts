// What happened in a run and what was measured of it, taken over from another journal: every hash is computed anew on the
// way, and what does not fit it is refused.
import { newComparison, newEvaluation, newOpening } from '#shared/journal-commands.ts'
import { chainStart, hashEvent, hashTexts } from './hash-chain.ts'
import {
  type Copy,
  checkFits,
  insertRow,
  isSameRow,
  type Row,
  rowOf,
  rowsOf,
  statement,
} from './import-rows.ts'
import { refuse } from './problems.ts'
import { hashEvaluation } from './proof-commands.ts'
import { readJson } from './read-json.ts'

interface EventRow extends Row {
  readonly seq: number
  readonly attempt: number
  readonly at_ms: number
  readonly kind: string
  readonly body: string
  readonly prev_hash: Uint8Array
  readonly hash: Uint8Array
}

export interface EventsChoice {
  readonly isWithoutTexts: boolean
  /** Their chain was computed before and is sound. */
  readonly isTried: boolean
}

/**
 * Adds the events that are not here yet; how many. Throws journal.conflict where an event is another one here, and
 * journal.invalid where the other journal's chain is broken.
 */
export function addEvents(copy: Copy, runId: string, { isWithoutTexts, isTried }: EventsChoice): number {
  let theirs: Uint8Array = chainStart
  let ours: Uint8Array = chainStart
  let seq = 0
  let added = 0
  const rows = rowsOf(copy.from, 'events', 'run_id = ? ORDER BY seq', [runId]) as IterableIterator<EventRow>
  for (const row of rows) {
    const event = { runId, seq: row.seq, attempt: row.attempt, atMs: row.at_ms, kind: row.kind }
    const hash: Uint8Array = isTried ? row.hash : hashEvent(theirs, { ...event, bodyText: row.body })
    const isWhole = row.seq === seq + 1 && isSame(row.prev_hash, theirs) && isSame(row.hash, hash)
    if (!isWhole || row.kind.length > 100) refuseBroken(runId, seq + 1)
    theirs = hash
    seq = row.seq
    const bodyText = isWithoutTexts ? withoutTexts(row) : row.body
    const isKept = bodyText === row.body && isSame(ours, row.prev_hash)
    const ourHash: Uint8Array = isKept ? hash : hashEvent(ours, { ...event, bodyText })
    const known = statement(copy.to, 'SELECT hash FROM events WHERE run_id = ? AND seq = ?').get(
      runId,
      row.seq,
    ) as { hash: Uint8Array } | undefined
    if (known === undefined) {
      insertRow(copy, 'events', { ...row, body: bodyText, prev_hash: ours, hash: ourHash })
      added += 1
    } else if (!isSame(known.hash, ourHash)) refuseOtherEvent(runId, row.seq)
    ours = ourHash
  }
  return added
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** Sample answers hold rows of the data set; every other event is figures and sentences of ours. */
function withoutTexts({ kind, body }: EventRow): string {
  if (kind !== 'samples') return body
  const samples = readJson(body) as Record<string, unknown>
  return JSON.stringify({ ...samples, answers: [] })
}

/**
 * Adds evaluations, comparisons and openings of the test set that are not here yet; how many. `ensureDataset` is told of
 * each data set that is measured on.
 */
export function addMeasurements(
  copy: Copy,
  runId: string,
  isWithoutTexts: boolean,
  ensureDataset: (fingerprint: string) => void,
): number {
  let added = 0
  const add = (table: 'comparisons' | 'test_set_openings', row: Row): void => {
    const known = rowOf(copy.to, table, 'id', row.id)
    if (known === undefined) insertRow(copy, table, row)
    else if (!isSameRow(known, row)) refuseOtherMeasurement(runId)
    added += known === undefined ? 1 : 0
  }
  if (!isWithoutTexts)
    for (const row of rowsOf(copy.from, 'evaluations', 'run_id = ? ORDER BY created_at_ms, id', [runId])) {
      ensureDataset(String(row.dataset_fingerprint))
      added += addEvaluation(copy, runId, row)
    }
  for (const row of rowsOf(copy.from, 'comparisons', 'run_id = ? ORDER BY created_at_ms, id', [runId])) {
    const { body, created_at_ms: atMs } = row
    checkFits(newComparison, { runId, body: readJson(String(body)) }, `comparison of run ${runId}`)
    if (hashTexts([runId, atMs as number, String(body)]) !== row.sha256) refuseChanged(runId)
    add('comparisons', row)
  }
  for (const row of rowsOf(copy.from, 'test_set_openings', 'run_id = ?', [runId])) {
    const { dataset_fingerprint: datasetFingerprint, purpose } = row
    checkFits(newOpening, { datasetFingerprint, runId, purpose }, `opening of run ${runId}`)
    ensureDataset(String(datasetFingerprint))
    add('test_set_openings', row)
  }
  return added
}

interface AnswerRow extends Row {
  readonly row_id: string
  readonly expected: string
  readonly answer: string
  readonly scores: string
}

function addEvaluation(copy: Copy, runId: string, row: Row): 0 | 1 {
  const answers = [
    ...(rowsOf(copy.from, 'answers', 'evaluation_id = ? ORDER BY position', [row.id]) as Iterable<AnswerRow>),
  ]
  const { subject, kind, dataset_fingerprint: datasetFingerprint } = row
  checkFits(
    newEvaluation,
    {
      ...{ runId, kind, subject, datasetFingerprint, metrics: readJson(String(row.metrics)) },
      answers: answers.map(({ row_id: rowId, expected, answer, scores }) => ({
        ...{ rowId, expected, answer, scores: readJson(scores) },
      })),
    },
    `measurement of run ${runId}`,
  )
  const head = {
    run_id: runId,
    kind: String(kind),
    subject: String(subject),
    created_at_ms: row.created_at_ms as number,
    dataset_fingerprint: String(datasetFingerprint),
    metrics: String(row.metrics),
  }
  if (answers.length !== row.answer_count || hashEvaluation(head, answers) !== row.sha256)
    refuseChanged(runId)
  const known = rowOf(copy.to, 'evaluations', 'id', row.id)
  if (known !== undefined) {
    if (!isSameRow(known, row)) refuseOtherMeasurement(runId)
    return 0
  }
  insertRow(copy, 'evaluations', row)
  for (const answer of answers) insertRow(copy, 'answers', answer)
  return 1
}

function refuseBroken(runId: string, seq: number): never {
  refuse(
    'journal.invalid',
    `Event ${seq} of this run is not what was written there.`,
    `run ${runId}`,
    'It was left out. A backup of that journal may have it whole.',
  )
}

function refuseOtherEvent(runId: string, seq: number): never {
  refuse(
    'journal.conflict',
    `This run is here already, with another story from event ${seq} on.`,
    `run ${runId}`,
    'What is here stays as it is.',
  )
}

function refuseChanged(runId: string): never {
  refuse(
    'journal.invalid',
    'A measurement of this run is not what was written there.',
    `run ${runId}`,
    'It was left out. A backup of that journal may have it whole.',
  )
}

function refuseOtherMeasurement(runId: string): never {
  refuse(
    'journal.conflict',
    'A measurement of this run is another one here.',
    `run ${runId}`,
    'What is here stays as it is.',
  )
}
