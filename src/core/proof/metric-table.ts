// Every metric that rows bring sums to, by name: what a row adds, what pseudo rows of the resamples add, and
// what the sums end in. Macro F1 is not here: it needs the whole table of labels.
import type { MetricName } from '#shared/metrics.ts'
import { programOf } from './measure-programs.ts'
import type { AskedRow, SubjectAnswer } from './measured-answers.ts'
import type { DataFacts } from './metric-facts.ts'
import { bleuOf, bleuStatistics, bleuWidth } from './metrics/bleu.ts'
import {
  calibrationErrorOf,
  calibrationStatistics,
  calibrationWidth,
  confidenceOf,
} from './metrics/calibration.ts'
import { chrfOf, chrfStatistics, chrfWidth } from './metrics/chrf.ts'
import { countEntities, entityScores, keepsEntityForm } from './metrics/entities.ts'
import { type RougeScore, type RougeTokenizer, rougeLsum, rougeN } from './metrics/rouge.ts'
import { copiedSpans, distinctSpans, memorisedSpans, spansOf } from './metrics/spans.ts'
import { terOf, terStatistics, terWidth } from './metrics/ter.ts'
import { exactMatch, tokenF1 } from './metrics/text-metrics.ts'

type Sums = ArrayLike<number>

interface Ideal {
  right(row: AskedRow): Sums
  wrong(row: AskedRow): Sums
}

export interface MetricDefinition {
  readonly width: number
  /** What each row adds, in their order; null where the metric says nothing about a row. */
  columns(
    rows: readonly AskedRow[],
    answers: readonly SubjectAnswer[],
    facts: DataFacts,
  ): Iterable<Sums | null>
  /**
   * Pseudo rows of the resamples: what a wholly right and a wholly wrong answer bring, where rows are often one or the
   * other; `swapped` for scores of long answers (see withSwappedRow); null for metrics without a best value.
   */
  readonly pseudo: 'swapped' | Ideal | null
  finish(sums: Sums): number
  /** True where the value of one row by itself means something. */
  readonly hasRowScore: boolean
}

type OneRow = (row: AskedRow, answer: SubjectAnswer, facts: DataFacts) => Sums | null
type OneText = (text: string, row: AskedRow, facts: DataFacts) => Sums

/** Rows by themselves, one after another. */
const byRow = (one: OneRow): MetricDefinition['columns'] =>
  function* (rows, answers, facts) {
    for (const [at, row] of rows.entries()) yield one(row, answers[at]!, facts)
  }
/** Written answers by themselves; a row without one says nothing. */
const byText = (one: OneText): MetricDefinition['columns'] =>
  byRow((row, { text }, facts) => (text === null ? null : one(text, row, facts)))

const ratio = (sums: Sums): number => (sums[1] === 0 ? 0 : sums[0]! / sums[1]!)

const rightOrWrong = { right: () => [1, 1], wrong: () => [0, 1] }

/** The mean of a score from 0 to 1. */
const mean = (
  columns: MetricDefinition['columns'],
  pseudo: MetricDefinition['pseudo'] = rightOrWrong,
): MetricDefinition => ({
  width: 2,
  columns,
  pseudo,
  finish: ratio,
  hasRowScore: true,
})
type TextScore = (text: string, row: AskedRow, facts: DataFacts) => number
const meanOfText = (score: TextScore, pseudo?: MetricDefinition['pseudo']): MetricDefinition =>
  mean(
    byText((text, row, facts) => [score(text, row, facts), 1]),
    pseudo,
  )

const rouge = (score: (answer: string, expected: string, tokenizer: RougeTokenizer) => RougeScore) =>
  meanOfText((text, { expected }, facts) => score(text, expected, facts.rougeTokenizer).f, 'swapped')

const sumRatio = (
  columns: MetricDefinition['columns'],
  finish: (sums: Sums) => number = ratio,
  hasRowScore = true,
): MetricDefinition => ({ width: 2, columns, pseudo: null, finish, hasRowScore })

const nats = (finish: (sums: Sums) => number): MetricDefinition =>
  sumRatio(
    byRow((_, { lossNats, answerTokens }) => [lossNats, answerTokens]),
    finish,
    false,
  )

const characters = (text: string): number => [...text].length
const bytes = (text: string): number => new TextEncoder().encode(text).length

/** Programs are compared as they are written, but for the white space at the ends of lines and around them. */
function sameProgram(text: string, expected: string): number {
  const lines = (code: string): string =>
    programOf(code)
      .replace(/[ \t\r]+$/gmu, '')
      .trim()
  return lines(text) === lines(expected) ? 1 : 0
}

const entities = (finish: (sums: Sums) => number): MetricDefinition => ({
  width: 3,
  columns: byText((text, { expected }) => {
    const counts = countEntities(text, expected)
    return [counts.right, counts.named, counts.expected]
  }),
  pseudo: {
    right({ expected }) {
      const count = countEntities(expected, expected).expected
      return [count, count, count]
    },
    wrong({ expected }) {
      const count = countEntities('', expected).expected
      return [0, Math.max(1, count), count]
    },
  },
  finish,
  hasRowScore: true,
})
const entityMean = (key: 'precision' | 'recall' | 'f1') =>
  entities((sums) => entityScores({ right: sums[0]!, named: sums[1]!, expected: sums[2]! })[key])

const copiedWords = 4
const memorisedWords = 8

export const metricTable: Readonly<Record<Exclude<MetricName, 'macroF1'>, MetricDefinition>> = {
  accuracy: meanOfText((text, { expected }) => (text === expected ? 1 : 0)),
  calibrationError: {
    width: calibrationWidth,
    columns: byRow(
      ({ expected }, { text, labelLogProbs }) =>
        labelLogProbs && calibrationStatistics(confidenceOf(labelLogProbs), text === expected),
    ),
    pseudo: null,
    finish: calibrationErrorOf,
    hasRowScore: false,
  },
  exactMatch: meanOfText((text, { expected }, { scenario }) =>
    scenario === 'code' ? sameProgram(text, expected) : exactMatch(text, expected),
  ),
  tokenF1: meanOfText((text, { expected }) => tokenF1(text, expected)),
  chrF: {
    width: chrfWidth,
    columns: byText((text, { expected }) => chrfStatistics(text, expected)),
    pseudo: 'swapped',
    finish: (sums) => chrfOf(sums),
    hasRowScore: true,
  },
  bleu: {
    width: bleuWidth,
    columns: byText((text, { expected }, facts) => bleuStatistics(text, expected, facts.bleuTokenizer)),
    pseudo: 'swapped',
    finish: (sums) => bleuOf(sums),
    hasRowScore: false,
  },
  ter: {
    width: terWidth,
    columns: byText((text, { expected }, facts) => terStatistics(text, expected, facts.terTokenizer)),
    pseudo: 'swapped',
    finish: terOf,
    hasRowScore: true,
  },
  rouge1: rouge((answer, expected, tokenizer) => rougeN(answer, expected, 1, tokenizer)),
  rouge2: rouge((answer, expected, tokenizer) => rougeN(answer, expected, 2, tokenizer)),
  rougeLsum: rouge(rougeLsum),
  lengthRatio: sumRatio(byText((text, { expected }) => [characters(text), characters(expected)])),
  copiedNgrams: sumRatio(byText((text, { fields }) => copiedSpans(text, fields.document ?? '', copiedWords))),
  distinct2: sumRatio(
    (_, answers) =>
      distinctSpans(
        answers.map(({ text }) => text ?? ''),
        2,
      ),
    ratio,
    false,
  ),
  memorisedSpans: sumRatio(function* (_, answers, { trainingTexts }) {
    const texts = answers.map(({ text }) => text ?? '')
    const known = memorisedSpans(texts, trainingTexts, memorisedWords)
    for (const text of texts) {
      const spans = spansOf(text, memorisedWords)
      yield [spans.filter((span) => known.has(span)).length, spans.length]
    }
  }),
  entityF1: entityMean('f1'),
  entityPrecision: entityMean('precision'),
  entityRecall: entityMean('recall'),
  formKept: meanOfText((text, _, { kinds }) => (keepsEntityForm(text, kinds) ? 1 : 0)),
  passAt1: mean(
    byRow((_, { run }) => (run === null || run.end === 'no-tests' ? null : [run.passed ? 1 : 0, 1])),
  ),
  bitsPerByte: sumRatio(
    byRow(({ expected }, { lossNats }) => [lossNats, bytes(expected)]),
    (sums) => ratio(sums) / Math.LN2,
  ),
  lossNats: nats(ratio),
  perplexity: nats((sums) => Math.exp(ratio(sums))),
}
