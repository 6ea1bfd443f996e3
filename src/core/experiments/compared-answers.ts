// What several runs answered to the same locked rows, from their newest proofs: rows on which the answers differ first.
// Many answers are read in several calls, so that none takes long; what was read is kept until other runs are asked for,
// so that a page further on reads nothing again.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { openedPrompts, scoreOfAnswer } from '../proof/shown-answers.ts'
import type { Library } from '../system/library.ts'
import { type AnswerColumn, type AnswersPage, type JoinedAnswers, joinAnswers } from './join-answers.ts'

export type AnswersReader = Pick<JournalReader, 'getRun' | 'comparisons' | 'newestEvaluation' | 'openings'>

type Output = CallOutput<'experiments.answers'>

/** Read in about a seventh of a second. */
const usualAtOnce = 10_000
/** What a run costs besides its answers, counted in answers. */
const answersOfRun = 25

interface Reading {
  readonly key: string
  readonly reader: AnswersReader
  /** Of the runs read so far, in their order: the column, or why there is none. */
  readonly found: ({ readonly column: AnswerColumn } | { readonly leftOut: Output['leftOut'][number] })[]
  /** Once all were read. */
  joined: Promise<JoinedAnswers> | null
}

/** `answersAtOnce`: about so many answers are read in one call. */
export function createComparedAnswers(library: Library, answersAtOnce = usualAtOnce) {
  let last: Reading | null = null

  /** Throws a ProblemError of the journal. */
  return async (reader: AnswersReader, runIds: readonly string[], page: AnswersPage): Promise<Output> => {
    const key = JSON.stringify(runIds)
    if (last?.key !== key || last.reader !== reader || isOutdated(last, page))
      last = { key, reader, found: [], joined: null }
    const reading = last
    readOn(reading, runIds, answersAtOnce)
    const leftOut = reading.found.flatMap((one) => ('leftOut' in one ? [one.leftOut] : []))
    const read = reading.found.length
    if (read < runIds.length) return { read, answers: [], total: 0, different: 0, leftOut }
    reading.joined ??= join(library, reader, columnsOf(reading))
    const joined = await reading.joined.catch((error: unknown) => {
      if (last === reading) last = null
      throw error
    })
    return { read, leftOut, ...joined.page(page) }
  }
}

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

function readOn({ reader, found }: Reading, runIds: readonly string[], atOnce: number): void {
  let left = atOnce
  while (found.length < runIds.length && left > 0) {
    const runId = runIds[found.length] as string
    const column = readColumn(reader, runId)
    left -= answersOfRun + (column?.answers.length ?? 0)
    const first = found.find((one) => 'column' in one)
    if (column === null) found.push({ leftOut: { runId, reason: 'not-measured' } })
    else if (first && 'column' in first && first.column.datasetFingerprint !== column.datasetFingerprint)
      found.push({ leftOut: { runId, reason: 'other-rows' } })
    else found.push({ column })
  }
}

function readColumn(reader: AnswersReader, runId: string): AnswerColumn | null {
  const { datasetFingerprint } = unwrap(reader.getRun(runId))
  const comparisons = unwrap(reader.comparisons(runId))
  const summary = readableProof(comparisons)
  const tuned = summary && unwrap(reader.newestEvaluation(runId, 'tuned'))
  if (!summary || !tuned) return null
  return {
    runId,
    datasetFingerprint,
    proofId: comparisons.at(-1)?.id,
    answers: tuned.answers.map((answer) => ({
      rowId: answer.rowId,
      expected: answer.expected,
      text: answer.answer,
      score: scoreOfAnswer(answer, summary.metric),
    })),
  }
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
