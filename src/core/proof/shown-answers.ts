// The answers of a run's newest proof, for reading: what base and tuned made of each row, side by side. The last run that
// was asked for is kept, so that a page further on reads nothing again.
import type { JournalReader } from '#journal/reader.ts'
import type { answerViews, ProofAnswer } from '#shared/contract/index.ts'
import type { EvaluationAnswer, RunDetail } from '#shared/journal-types.ts'
import { isHigherBetter, type MetricName } from '#shared/metrics.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { datasetFolder, readSplit } from '../data/dataset-folder.ts'
import { openTestSet } from '../data/test-set.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import type { Library } from '../system/library.ts'
import { type ClosestRow, createClosestRows, type ReadRow } from './closest-rows.ts'
import { newestProof } from './proof-journal.ts'

type AnswerView = (typeof answerViews)[number]
type Side = ProofAnswer['base']

export interface ShownAnswers {
  /** In the order of the rows. */
  readonly answers: readonly ProofAnswer[]
  /** False where the deciding metric is better the lower it is. */
  readonly isMoreBetter: boolean
  /** The training row closest to a text; null where there is none, or the data set is not here any more. */
  readonly closestTo: (text: string) => ClosestRow | null
}

const noAnswers: ShownAnswers = { answers: [], isMoreBetter: true, closestTo: () => null }

type AnswersReader = Pick<JournalReader, 'comparisons' | 'newestEvaluation' | 'getRun' | 'openings'>

/** Reads the answers of a run's newest proof; none where there is no proof. What it gives throws a ProblemError. */
export function createAnswersReader(
  library: Library,
): (reader: AnswersReader, runId: string) => Promise<ShownAnswers> {
  let last: {
    readonly proofId: string
    readonly reader: AnswersReader
    readonly shown: Promise<ShownAnswers>
  } | null = null

  async function read(reader: AnswersReader, runId: string, metric: MetricName): Promise<ShownAnswers> {
    const answersOf = (subject: 'base' | 'tuned') =>
      unwrap(reader.newestEvaluation(runId, subject))?.answers ?? []
    const run = unwrap(reader.getRun(runId))
    const prompts = await openedPrompts(library, reader, run)
    const isMoreBetter = isHigherBetter(metric) ?? true
    const pairs = { base: answersOf('base'), tuned: answersOf('tuned') }
    return {
      answers: pairAnswers(pairs, metric, isMoreBetter, prompts),
      isMoreBetter,
      closestTo: prompts.size === 0 ? () => null : createClosestRows(await trainRowsOf(library, run)),
    }
  }

  return async (reader, runId) => {
    const comparisons = unwrap(reader.comparisons(runId))
    const summary = newestProof(comparisons)
    const proofId = comparisons.at(-1)?.id
    if (summary === null || proofId === undefined) return noAnswers
    if (last?.proofId !== proofId || last.reader !== reader)
      last = { proofId, reader, shown: read(reader, runId, summary.metric) }
    const entry = last
    return entry.shown.catch((error: unknown) => {
      if (last === entry) last = null
      throw error
    })
  }
}

type RunData = Pick<RunDetail, 'recipe' | 'datasetFingerprint'>

/** What the model read and should answer, row by row, in the words of the file. */
const readRows = (scenario: ScenarioId, rows: readonly DatasetRow[]): (ReadRow & { rowId: string })[] =>
  rows
    .flatMap((row) => scenarioOf(scenario).toExamples(row, ''))
    .map(({ rowId, prompt, answer }) => ({
      rowId,
      text: prompt.flatMap(({ role, content }) => (role === 'system' ? [] : content)).join('\n\n'),
      answer,
    }))

/** Empty where the data set is not here any more or was changed. Plain text is compared by itself. */
async function trainRowsOf(library: Library, { recipe, datasetFingerprint }: RunData): Promise<ReadRow[]> {
  const read = await readSplit(datasetFolder(library, datasetFingerprint), 'train')
  if (!read.ok) return []
  return readRows(recipe.scenario, read.value).map((row) =>
    row.text === '' ? { text: row.answer, answer: '' } : row,
  )
}

/**
 * What the model read of each locked row, without the instruction; empty where the data set is not here any more or was
 * changed. Records no opening: empty too unless this run's proof has recorded its look at these very rows.
 */
export async function openedPrompts(
  library: Library,
  reader: Pick<JournalReader, 'openings'>,
  { id, recipe, datasetFingerprint }: RunData & Pick<RunDetail, 'id'>,
): Promise<ReadonlyMap<string, string>> {
  if (!unwrap(reader.openings(datasetFingerprint)).some(({ runId }) => runId === id)) return new Map()
  const opened = await openTestSet(datasetFolder(library, datasetFingerprint), async () => {})
  if (!opened.ok) return new Map()
  return new Map(readRows(recipe.scenario, opened.value).map(({ rowId, text }) => [rowId, text]))
}

/** Base and tuned answers of the same rows, with what the deciding metric says of each. */
function pairAnswers(
  { base, tuned }: Readonly<Record<'base' | 'tuned', readonly EvaluationAnswer[]>>,
  metric: MetricName,
  isMoreBetter: boolean,
  prompts: ReadonlyMap<string, string>,
): ProofAnswer[] {
  const byRow = new Map(base.map((answer) => [answer.rowId, answer]))
  return tuned.flatMap((answer) => {
    const other = byRow.get(answer.rowId)
    if (other === undefined) return []
    const sides = { base: sideOf(other, metric), tuned: sideOf(answer, metric) }
    return [
      {
        rowId: answer.rowId,
        prompt: prompts.get(answer.rowId) ?? null,
        expected: answer.expected,
        ...sides,
        gain: gainOf(sides, isMoreBetter),
        closest: null,
      },
    ]
  })
}

const scoresOf = ({ scores }: EvaluationAnswer) =>
  scores !== null && typeof scores === 'object' && !Array.isArray(scores) ? scores : {}

/** A row's figure by its name; null where the row has none by itself. */
export function scoreOfAnswer(answer: EvaluationAnswer, name: MetricName | 'answerTokens'): number | null {
  const value = scoresOf(answer)[name]
  return typeof value === 'number' ? value : null
}

const sideOf = (answer: EvaluationAnswer, metric: MetricName): Side => ({
  text: answer.answer,
  lossNats: scoreOfAnswer(answer, 'lossNats'),
  score: scoreOfAnswer(answer, metric),
  isCut: scoresOf(answer).isCut === true,
})

type Sides = Pick<ProofAnswer, 'base' | 'tuned'>

const differsByScore = ({ base, tuned }: Sides): boolean =>
  base.score !== null && tuned.score !== null && base.score !== tuned.score

/** By the row's own score where the two differ in it, else by the loss; positive is better. */
function gainOf(sides: Sides, isMoreBetter: boolean): number {
  const { base, tuned } = sides
  if (!differsByScore(sides)) return (base.lossNats ?? 0) - (tuned.lossNats ?? 0)
  const more = (tuned.score ?? 0) - (base.score ?? 0)
  return isMoreBetter ? more : -more
}

/** Larger than any loss of a row: a score decides, and the loss only between equal ones. */
const scoreWeight = 1e6

/** Answers with the training row closest to what was read; of plain text, to the text. */
export const withClosest = (
  answers: readonly ProofAnswer[],
  closestTo: ShownAnswers['closestTo'],
): ProofAnswer[] =>
  answers.map((answer) => {
    const closest = answer.prompt === null ? null : closestTo(answer.prompt || answer.expected)
    return { ...answer, closest }
  })

/** Those of the answers that hold the text, in the order of the view. */
export function chooseAnswers(
  { answers, isMoreBetter }: Pick<ShownAnswers, 'answers' | 'isMoreBetter'>,
  view: AnswerView,
  text: string,
): ProofAnswer[] {
  const change = (answer: ProofAnswer): number =>
    Math.abs(answer.gain) * (differsByScore(answer) ? scoreWeight : 1)
  const quality = ({ tuned }: ProofAnswer): number =>
    (isMoreBetter ? 1 : -1) * (tuned.score ?? 0) * scoreWeight - (tuned.lossNats ?? 0)
  const order = {
    changed: (a: ProofAnswer, b: ProofAnswer) => change(b) - change(a),
    worst: (a: ProofAnswer, b: ProofAnswer) => quality(a) - quality(b),
    best: (a: ProofAnswer, b: ProofAnswer) => quality(b) - quality(a),
    all: () => 0,
  }[view]
  const wanted = text.trim().toLowerCase()
  return answers.filter((answer) => holds(answer, wanted)).sort(order)
}

const holds = ({ prompt, expected, base, tuned }: ProofAnswer, wanted: string): boolean =>
  wanted === '' ||
  [prompt ?? '', expected, base.text, tuned.text].some((part) => part.toLowerCase().includes(wanted))
