// What several runs answered to the same locked rows, from their newest proofs: rows on which the answers differ first.
// The last runs that were asked for are kept, so that a page further on reads nothing again.
import type { JournalReader } from '#journal/reader.ts'
import type { CallOutput, ComparedAnswer } from '#shared/contract/index.ts'
import type { EvaluationAnswer } from '#shared/journal-types.ts'
import type { MetricName } from '#shared/metrics.ts'
import { unwrap } from '#shared/result.ts'
import { readableProof } from '../proof/proof-journal.ts'
import { openedPrompts, scoreOfAnswer } from '../proof/shown-answers.ts'
import type { Library } from '../system/library.ts'

export type AnswersReader = Pick<JournalReader, 'getRun' | 'comparisons' | 'newestEvaluation' | 'openings'>

type Output = CallOutput<'experiments.answers'>
interface Compared {
  readonly answers: readonly ComparedAnswer[]
  readonly leftOut: Output['leftOut']
}

interface Measured {
  readonly runId: string
  readonly datasetFingerprint: string
  readonly metric: MetricName
  readonly answers: readonly EvaluationAnswer[]
}

export interface AnswersPage {
  readonly text: string
  readonly offset: number
  readonly limit: number
}

export function createComparedAnswers(library: Library) {
  let last: {
    readonly key: string
    readonly reader: AnswersReader
    readonly compared: Promise<Compared>
  } | null = null

  async function read(reader: AnswersReader, runIds: readonly string[]): Promise<Compared> {
    const measured = runIds.flatMap((runId) => readMeasured(reader, runId) ?? [])
    const first = measured[0]
    const columns = runIds.map(
      (runId) =>
        measured.find((one) => one.runId === runId && one.datasetFingerprint === first?.datasetFingerprint) ??
        null,
    )
    const leftOut = runIds.flatMap((runId, at): Output['leftOut'] => {
      if (columns[at] !== null) return []
      const isMeasured = measured.some((one) => one.runId === runId)
      return [{ runId, reason: isMeasured ? 'other-rows' : 'not-measured' }]
    })
    const prompts = await promptsOf(library, reader, columns)
    return { answers: joinAnswers(columns, prompts), leftOut }
  }

  /** Throws a ProblemError of the journal. */
  return async (reader: AnswersReader, runIds: readonly string[], page: AnswersPage): Promise<Output> => {
    const key = JSON.stringify(runIds.map((runId) => [runId, unwrap(reader.comparisons(runId)).at(-1)?.id]))
    if (last?.key !== key || last.reader !== reader) last = { key, reader, compared: read(reader, runIds) }
    const entry = last
    const { answers, leftOut } = await entry.compared.catch((error: unknown) => {
      if (last === entry) last = null
      throw error
    })
    const found = answers.filter((answer) => holds(answer, page.text.trim().toLowerCase()))
    return {
      answers: found.slice(page.offset, page.offset + page.limit),
      total: found.length,
      different: answers.filter(({ isDifferent }) => isDifferent).length,
      leftOut,
    }
  }
}

function readMeasured(reader: AnswersReader, runId: string): Measured | null {
  const { datasetFingerprint } = unwrap(reader.getRun(runId))
  const summary = readableProof(unwrap(reader.comparisons(runId)))
  const tuned = summary && unwrap(reader.newestEvaluation(runId, 'tuned'))
  if (!summary || !tuned) return null
  return { runId, datasetFingerprint, metric: summary.metric, answers: tuned.answers }
}

/** What was asked, as the first of the runs whose proof opened these rows knows it. */
async function promptsOf(
  library: Library,
  reader: AnswersReader,
  columns: readonly (Measured | null)[],
): Promise<ReadonlyMap<string, string>> {
  for (const column of columns) {
    if (column === null) continue
    const prompts = await openedPrompts(library, reader, unwrap(reader.getRun(column.runId)))
    if (prompts.size > 0) return prompts
  }
  return new Map()
}

/** Rows that differ in more answers and in their scores come first; among equals they stay in the rows' order. */
export function joinAnswers(
  columns: readonly (Measured | null)[],
  prompts: ReadonlyMap<string, string>,
): ComparedAnswer[] {
  const byRow = columns.map(
    (column) => new Map((column?.answers ?? []).map((answer) => [answer.rowId, answer])),
  )
  const rowIds = [...new Set(byRow.flatMap((rows) => [...rows.keys()]))]
  const joined = rowIds.map((rowId): ComparedAnswer => {
    const found = byRow.map((rows) => rows.get(rowId) ?? null)
    const answers = found.map((answer, at) => {
      const metric = columns[at]?.metric
      return answer && metric ? { text: answer.answer, score: scoreOfAnswer(answer, metric) } : null
    })
    const texts = new Set(answers.flatMap((answer) => answer?.text ?? []))
    return {
      rowId,
      prompt: prompts.get(rowId) ?? null,
      expected: found.find((answer) => answer !== null)?.expected ?? '',
      answers,
      isDifferent: texts.size > 1,
    }
  })
  return joined.toSorted((a, b) => interestOf(b) - interestOf(a))
}

const interestOf = ({ answers, isDifferent }: ComparedAnswer): number => {
  const scores = new Set(answers.flatMap((answer) => answer?.score ?? []))
  return (isDifferent ? 2 : 0) + (scores.size > 1 ? 1 : 0)
}

const holds = ({ prompt, expected, answers }: ComparedAnswer, wanted: string): boolean =>
  wanted === '' ||
  [prompt ?? '', expected, ...answers.map((answer) => answer?.text ?? '')].some((part) =>
    part.toLowerCase().includes(wanted),
  )
