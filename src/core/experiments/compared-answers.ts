// What several runs answered to the same locked rows, from their newest proofs: rows on which the answers differ first. Of
// runs on different rows those stand side by side that are the most on the same ones; among equals those of the first run.
// Many answers are read in several calls, so that none takes long; what was read is kept for a while, so that a page further
// on reads nothing again. Several tabs may ask about different runs at once: none of them costs another what it has read.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput } from '#shared/contract/index.ts'
import type { MetricName } from '#shared/metrics.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { openedPrompts, scoreOfAnswer } from '../proof/shown-answers.ts'
import type { Library } from '../system/library.ts'
import { type AnswerColumn, type AnswersPage, type JoinedAnswers, joinAnswers } from './join-answers.ts'

export type AnswersReader = Pick<JournalReader, 'getRun' | 'comparisons' | 'newestEvaluation' | 'openings'>

type Output = CallOutput<'experiments.answers'>

interface Limits {
  /** About so many answers are read in one call. */
  readonly answersAtOnce: number
  /** What the answers of one question may take in memory. */
  readonly mostBytes: number
  /** What was not asked for so long is let go. */
  readonly keptMs: number
}

const usual: Limits = {
  /** Read in about a seventh of a second. */
  answersAtOnce: 10_000,
  mostBytes: 128 * 2 ** 20,
  keptMs: 2 * 60_000,
}
/** What a run costs besides its answers, counted in answers. */
const answersOfRun = 25
/** Questions whose answers are kept. Further ones take the place of one that is all read, or wait. */
const mostReadings = 4
/** So long after it was last asked nobody waits for the rest of it. */
const leftMs = 10_000
/** Of an answer besides its texts, and of a character. */
const answerBytes = 120
const characterBytes = 2

interface Measured {
  readonly datasetFingerprint: string
  readonly metric: MetricName
  readonly proofId: string | undefined
}

interface Reading {
  readonly key: string
  readonly reader: AnswersReader
  askedAtMs: number
  bytes: number
  /** Texts that were met: most rows are answered alike by several runs, and each text is held once. */
  readonly texts: Map<string, string>
  /** Where the runs were measured, in their order, as far as it was looked up; null of one that was not. */
  readonly standing: (Measured | null)[]
  /** Once all were looked up: the rows of which the answers are read. */
  datasetFingerprint: string | null
  /** Of the runs read so far, in their order: the column, or why there is none. */
  readonly found: ({ readonly column: AnswerColumn } | { readonly leftOut: Output['leftOut'][number] })[]
  /** Once all were read. */
  joined: Promise<JoinedAnswers> | null
}

export function createComparedAnswers(library: Library, limits: Partial<Limits> = {}) {
  const { answersAtOnce, mostBytes, keptMs } = { ...usual, ...limits }
  /** What was asked longest ago first. */
  let kept: Reading[] = []
  let letGo: ReturnType<typeof setTimeout> | undefined

  const drop = (reading: Reading): void => {
    kept = kept.filter((one) => one !== reading)
  }

  /** Null where those that are being read have to be done first. */
  function readingOf(reader: AnswersReader, key: string, page: AnswersPage): Reading | null {
    const askedAtMs = performance.now()
    const known = kept.find((one) => one.key === key && one.reader === reader)
    if (known !== undefined) drop(known)
    const isKnown = known !== undefined && !isOutdated(known, page)
    if (!isKnown && kept.length >= mostReadings) {
      const done = kept.find((one) => one.joined !== null || askedAtMs - one.askedAtMs > leftMs)
      if (done === undefined) return null
      drop(done)
    }
    const fresh = { key, reader, bytes: 0, ...nothingRead() }
    const reading: Reading = isKnown ? known : { ...fresh, askedAtMs }
    reading.askedAtMs = askedAtMs
    kept.push(reading)
    return reading
  }

  function keepForAWhile(): void {
    clearTimeout(letGo)
    letGo = setTimeout(() => {
      kept = []
    }, keptMs)
    letGo.unref()
  }

  async function pageOf(reading: Reading, runIds: readonly string[], page: AnswersPage): Promise<Output> {
    readOn(reading, runIds, answersAtOnce)
    if (reading.bytes > mostBytes) throw new ProblemError(tooMuch(runIds.length, mostBytes))
    const leftOut = reading.found.flatMap((one) => ('leftOut' in one ? [one.leftOut] : []))
    const read = reading.found.length
    if (read < runIds.length) return { ...nothingYet, read, leftOut }
    reading.joined ??= join(library, reading.reader, columnsOf(reading))
    const joined = await reading.joined
    return { read, leftOut, ...joined.page(page) }
  }

  /** Throws a ProblemError of the journal, or limit.exceeded. */
  return async (reader: AnswersReader, runIds: readonly string[], page: AnswersPage): Promise<Output> => {
    const reading = readingOf(reader, JSON.stringify(runIds), page)
    if (reading === null) return nothingYet
    try {
      return await pageOf(reading, runIds, page)
    } catch (error) {
      drop(reading)
      throw error
    } finally {
      keepForAWhile()
    }
  }
}

const nothingYet: Output = { read: 0, answers: [], total: 0, different: 0, leftOut: [] }

const tooMuch = (runs: number, mostBytes: number): Problem => ({
  code: 'limit.exceeded',
  message: `The answers of these runs together take more than ${formatBytes(mostBytes)} of memory, so they cannot be compared at once.`,
  where: `${runs} runs`,
  remedy: 'Compare fewer runs at once.',
})

const columnsOf = ({ found }: Reading): AnswerColumn[] =>
  found.flatMap((one) => ('column' in one ? [one.column] : []))

const newestProofOf = (reader: AnswersReader, runId: string): string | undefined =>
  unwrap(reader.comparisons(runId)).at(-1)?.id

/** Whether one of the runs that the page shows, or that were not measured, has a newer proof than the one that was read. */
function isOutdated(reading: Reading, { columnOffset, columnLimit }: AnswersPage): boolean {
  const shown = columnsOf(reading).slice(columnOffset, columnOffset + columnLimit)
  return (
    shown.some(({ runId, proofId }) => newestProofOf(reading.reader, runId) !== proofId) ||
    reading.found.some(
      (one) =>
        'leftOut' in one &&
        one.leftOut.reason === 'not-measured' &&
        readableProof(unwrap(reading.reader.comparisons(one.leftOut.runId))) !== null,
    )
  )
}

const nothingRead = (): Pick<Reading, 'texts' | 'standing' | 'datasetFingerprint' | 'found' | 'joined'> => ({
  texts: new Map(),
  standing: [],
  datasetFingerprint: null,
  found: [],
  joined: null,
})

function readOn(reading: Reading, runIds: readonly string[], atOnce: number): void {
  const { reader, standing, found } = reading
  let left = atOnce
  while (standing.length < runIds.length && left > 0) {
    standing.push(measuredOf(reader, runIds[standing.length] as string))
    left -= answersOfRun
  }
  if (standing.length < runIds.length) return
  reading.datasetFingerprint ??= rowsOfMost(standing)
  while (found.length < runIds.length && left > 0) {
    const one = readRun(reading, runIds[found.length] as string, standing[found.length] ?? null)
    left -= 1 + ('column' in one ? one.column.answers.length : 0)
    found.push(one)
  }
}

function measuredOf(reader: AnswersReader, runId: string): Measured | null {
  const comparisons = unwrap(reader.comparisons(runId))
  const metric = readableProof(comparisons)?.metric
  if (metric === undefined) return null
  const { datasetFingerprint } = unwrap(reader.getRun(runId))
  return { datasetFingerprint, metric, proofId: comparisons.at(-1)?.id }
}

/** The rows on which most of the runs were measured; among equals those of the first run. */
function rowsOfMost(standing: readonly (Measured | null)[]): string | null {
  const runs = new Map<string, number>()
  for (const one of standing)
    if (one !== null) runs.set(one.datasetFingerprint, (runs.get(one.datasetFingerprint) ?? 0) + 1)
  const most = Math.max(...runs.values())
  return [...runs].find(([, count]) => count === most)?.[0] ?? null
}

function readRun(reading: Reading, runId: string, measured: Measured | null): Reading['found'][number] {
  if (measured === null) return { leftOut: { runId, reason: 'not-measured' } }
  const { datasetFingerprint, metric, proofId } = measured
  if (datasetFingerprint !== reading.datasetFingerprint) return { leftOut: { runId, reason: 'other-rows' } }
  const tuned = unwrap(reading.reader.newestEvaluation(runId, 'tuned'))
  if (!tuned) return { leftOut: { runId, reason: 'not-measured' } }
  reading.bytes += answerBytes * tuned.answers.length
  const answers = tuned.answers.map((answer) => ({
    rowId: held(reading, answer.rowId),
    expected: held(reading, answer.expected),
    text: held(reading, answer.answer),
    score: scoreOfAnswer(answer, metric),
  }))
  return { column: { runId, datasetFingerprint, proofId, answers } }
}

function held(reading: Reading, text: string): string {
  const known = reading.texts.get(text)
  if (known !== undefined) return known
  reading.texts.set(text, text)
  reading.bytes += characterBytes * text.length
  return text
}

async function join(
  library: Library,
  reader: AnswersReader,
  columns: readonly AnswerColumn[],
): Promise<JoinedAnswers> {
  return joinAnswers(columns, await promptsOf(library, reader, columns))
}

/** What was asked, as the first of the runs whose proof opened these rows knows it. */
async function promptsOf(
  library: Library,
  reader: AnswersReader,
  columns: readonly AnswerColumn[],
): Promise<ReadonlyMap<string, string>> {
  for (const { runId } of columns) {
    const prompts = await openedPrompts(library, reader, unwrap(reader.getRun(runId)))
    if (prompts.size > 0) return prompts
  }
  return new Map()
}
