// From scores and answers to the report of a proof: every metric for both models with intervals, the table of labels,
// the verdict. Pure: the same inputs give the same report, to the bit.
import { isHigherBetter, type MetricName } from '#shared/metrics.ts'
import type {
  Comparison,
  GeneratedAnswer,
  ProofReport,
  ProofSide,
  RowAnswer,
  RowScore,
} from '#shared/proof-protocol.ts'
import type { PromptedExample } from '#shared/rows.ts'
import {
  confidenceLevel,
  defaultResamples,
  intervalMethod,
  labelMetric,
  meanMetric,
  type PairedMetric,
  pairedBootstrap,
  ratioMetric,
} from './bootstrap.ts'
import { confusionMatrix, macroF1Of, scoresPerLabel } from './metrics/label-metrics.ts'
import { exactMatch, tokenF1 } from './metrics/text-metrics.ts'
import { judge } from './verdict.ts'

export interface Measured {
  /** The first decides the verdict. */
  readonly metrics: readonly MetricName[]
  /** The rows that were scored, with what both models think of them. */
  readonly rows: readonly { readonly example: PromptedExample; readonly score: RowScore }[]
  /** The labels to choose from; null where answers are free text. */
  readonly labels: readonly string[] | null
  /** Written answers of both sides; empty where the answer is a label. */
  readonly answers: readonly GeneratedAnswer[]
  readonly leftOut: ProofReport['leftOut']
  readonly seed: number
  readonly backend: string
  readonly seconds: Pick<ProofReport, 'seconds' | 'scoringSeconds' | 'answeringSeconds'>
}

export function buildReport(measured: Measured): ProofReport {
  const answers = answerRows(measured)
  const compared = measured.metrics.map((metric) => compare(metric, measured, answers))
  const [main] = compared
  if (!main) throw new Error('a scenario has at least one metric')
  const { metric } = main
  return {
    version: 1,
    rows: answers.length,
    leftOut: measured.leftOut,
    metric,
    baseline: { metric, ...main.base },
    tuned: { metric, ...main.tuned },
    difference: main.difference,
    verdict: judge({ ...main, rows: answers.length }),
    comparisons: compared.map(({ differenceStandardError: _, ...comparison }) => comparison),
    labels: measured.labels ? tableOf(measured.labels, answers) : null,
    answers,
    intervals: {
      method: intervalMethod,
      resamples: defaultResamples,
      seed: measured.seed,
      level: confidenceLevel,
    },
    backend: measured.backend,
    ...measured.seconds,
  }
}

// ---- rows -----------------------------------------------------------------------------------------------------------

function answerRows(measured: Measured): RowAnswer[] {
  const written = new Map(measured.answers.map((answer) => [`${answer.side} ${answer.rowId}`, answer]))
  return measured.rows.map(({ example, score }) => {
    const side = (name: ProofSide): RowAnswer['base'] => {
      const sideScore = score[name]
      if (!sideScore) throw new Error(`row ${example.rowId} was not scored as ${name}`)
      const answer = written.get(`${name} ${example.rowId}`)
      const { labelLogProbs } = sideScore
      const text = measured.labels
        ? measured.labels[labelLogProbs ? argmax(labelLogProbs) : 0]!
        : (answer?.text ?? null)
      return {
        text,
        lossNats: sideScore.lossNats,
        scores: scoreRow(measured.metrics, text, example.answer),
        labelLogProbs,
        labelLogProbsPerToken: labelLogProbs?.map((sum, label) => sum / score.labelTokens![label]!) ?? null,
        isCut: answer?.ended === 'token-limit',
      }
    }
    return {
      rowId: example.rowId,
      prompt: [...example.prompt],
      expected: example.answer,
      answerTokens: score.answerTokens,
      base: side('base'),
      tuned: side('tuned'),
    }
  })
}

/** Index of the largest value; the first of equals. */
export function argmax(values: readonly number[]): number {
  let best = 0
  for (let index = 1; index < values.length; index += 1) if (values[index]! > values[best]!) best = index
  return best
}

/** Scores that a row has by itself. A label is compared as it is, free text after normalisation. */
function scoreRow(
  metrics: readonly MetricName[],
  text: string | null,
  expected: string,
): Partial<Record<MetricName, number>> {
  if (text === null) return {}
  const scores: Partial<Record<MetricName, number>> = {}
  for (const metric of metrics) {
    if (metric === 'accuracy') scores[metric] = text === expected ? 1 : 0
    if (metric === 'exactMatch') scores[metric] = exactMatch(text, expected)
    if (metric === 'tokenF1') scores[metric] = tokenF1(text, expected)
  }
  return scores
}

// ---- metrics --------------------------------------------------------------------------------------------------------

function compare(
  metric: MetricName,
  { labels, seed }: Measured,
  answers: readonly RowAnswer[],
): Comparison & { readonly differenceStandardError: number } {
  const intervals = pairedBootstrap(pairedMetric(metric, labels, answers), { seed })
  return { metric, isHigherBetter: isHigherBetter(metric), ...intervals }
}

function pairedMetric(
  metric: MetricName,
  labels: readonly string[] | null,
  answers: readonly RowAnswer[],
): PairedMetric {
  const column = (side: ProofSide, pick: (answer: RowAnswer['base']) => number): number[] =>
    answers.map((answer) => pick(answer[side]))
  if (metric === 'lossNats' || metric === 'perplexity') {
    const finish = metric === 'perplexity' ? Math.exp : undefined
    const tokens = answers.map((answer) => answer.answerTokens)
    const nats = (side: ProofSide) => column(side, (answer) => answer.lossNats)
    return ratioMetric(nats('base'), nats('tuned'), tokens, finish)
  }
  if (metric === 'macroF1') {
    const { expected, base, tuned } = labelColumns(labels ?? [], answers)
    return labelMetric(expected, base, tuned, labels?.length ?? 0, macroF1Of)
  }
  const score = ({ scores }: RowAnswer['base']): number => {
    const found = scores[metric]
    if (found === undefined) throw new Error(`a row was not scored by ${metric}`)
    return found
  }
  return meanMetric(column('base', score), column('tuned', score))
}

function labelColumns(labels: readonly string[], answers: readonly RowAnswer[]) {
  const indexOf = new Map(labels.map((label, index) => [label, index]))
  const column = (pick: (answer: RowAnswer) => string | null) =>
    answers.map((answer) => {
      const index = indexOf.get(pick(answer) ?? '')
      if (index === undefined) throw new Error(`row ${answer.rowId} has an unknown label`)
      return index
    })
  return {
    expected: column((answer) => answer.expected),
    base: column((answer) => answer.base.text),
    tuned: column((answer) => answer.tuned.text),
  }
}

function tableOf(labels: readonly string[], answers: readonly RowAnswer[]): ProofReport['labels'] {
  const { expected, base, tuned } = labelColumns(labels, answers)
  const matrices = {
    base: confusionMatrix(expected, base, labels.length),
    tuned: confusionMatrix(expected, tuned, labels.length),
  }
  const lines = { base: scoresPerLabel(matrices.base), tuned: scoresPerLabel(matrices.tuned) }
  const line = (side: ProofSide, label: number) => {
    const { precision, recall, f1, predicted } = lines[side][label]!
    return { precision, recall, f1, predicted }
  }
  return {
    labels: [...labels],
    rows: labels.map((label, index) => ({
      label,
      support: lines.base[index]!.support,
      base: line('base', index),
      tuned: line('tuned', index),
    })),
    ...matrices,
  }
}
