// Answers of several runs joined row by row, and pages of them: some of the rows, and of these the answers of some of the
// runs. Pure; knows nothing of the journal.
import type { CallOutput, ComparedAnswer } from '#shared/contract/index.ts'

/** One run's answers to its locked rows. */
export interface AnswerColumn {
  readonly runId: string
  readonly datasetFingerprint: string
  /** Of the proof that they were read from. */
  readonly proofId: string | undefined
  readonly answers: readonly {
    readonly rowId: string
    readonly expected: string
    readonly text: string
    readonly score: number | null
  }[]
}

export interface AnswersPage {
  readonly text: string
  readonly offset: number
  readonly limit: number
  readonly columnOffset: number
  readonly columnLimit: number
}

export interface JoinedAnswers {
  page(page: AnswersPage): Pick<CallOutput<'experiments.answers'>, 'answers' | 'total' | 'different'>
}

type Row = Omit<ComparedAnswer, 'answers'> & {
  readonly texts: ReadonlySet<string>
  /** 0 where all answers are alike; the more, the further in front. */
  readonly interest: number
}

/** Rows that differ in more answers and in their scores come first; among equals they stay in the rows' order. */
export function joinAnswers(
  columns: readonly AnswerColumn[],
  prompts: ReadonlyMap<string, string>,
): JoinedAnswers {
  const byRow = columns.map(({ answers }) => new Map(answers.map((answer) => [answer.rowId, answer])))
  const rowIds = [...new Set(byRow.flatMap((answers) => [...answers.keys()]))]
  const rows = rowIds
    .map((rowId): Row => {
      const found = byRow.flatMap((answers) => answers.get(rowId) ?? [])
      const texts = new Set(found.map(({ text }) => text))
      const scores = new Set(found.flatMap(({ score }) => score ?? []))
      const isDifferent = texts.size > 1
      return {
        rowId,
        prompt: prompts.get(rowId) ?? null,
        expected: found[0]?.expected ?? '',
        texts,
        isDifferent,
        interest: (isDifferent ? 2 : 0) + (scores.size > 1 ? 1 : 0),
      }
    })
    .toSorted((a, b) => b.interest - a.interest)
  const different = rows.filter(({ isDifferent }) => isDifferent).length

  return {
    page({ text, offset, limit, columnOffset, columnLimit }) {
      const found = rowsWith(rows, text.trim().toLowerCase())
      const shown = byRow.slice(columnOffset, columnOffset + columnLimit)
      const answers = found
        .slice(offset, offset + limit)
        .map(({ rowId, prompt, expected, isDifferent }): ComparedAnswer => {
          const cells = shown.map((one) => one.get(rowId) ?? null)
          return {
            rowId,
            prompt,
            expected,
            answers: cells.map((cell) => cell && { text: cell.text, score: cell.score }),
            isDifferent,
          }
        })
      return { answers, total: found.length, different }
    },
  }
}

/** Rows that have the words in what was asked, in what was expected, or in an answer. */
function rowsWith(rows: readonly Row[], wanted: string): readonly Row[] {
  if (wanted === '') return rows
  const has = (part: string): boolean => part.toLowerCase().includes(wanted)
  return rows.filter(
    ({ prompt, expected, texts }) => has(prompt ?? '') || has(expected) || [...texts].some(has),
  )
}
