// From measured answers to the report of a proof: every metric for both models with intervals, tables of labels, kinds and
// lengths, the verdict. The same inputs give the same report, to the bit.
import { isHigherBetter } from '#shared/metrics.ts'
import type { Comparison, ProofReport, RowAnswer } from '#shared/proof-protocol.ts'
import { confidenceLevel, defaultResamples, intervalMethod } from './bootstrap.ts'
import {
  type Evaluation,
  type EvaluationSpec,
  evaluateAnswers,
  type MetricResult,
} from './evaluate-answers.ts'
import type { MeasuredAnswers, SubjectAnswer } from './measured-answers.ts'
import { methodsOf } from './metric-facts.ts'
import { confidenceTable, kindTable, labelTable, lengthBuckets } from './report-tables.ts'
import { judge } from './verdict.ts'

export type ReportSpec = Omit<EvaluationSpec, 'resamples'>

/** Base and tuned in one way of asking; `seconds`: the whole proof until now. */
export async function buildReport(
  measured: MeasuredAnswers,
  spec: ReportSpec,
  seconds: number,
): Promise<ProofReport> {
  const evaluation = await evaluateAnswers(measured, spec)
  const { results, facts } = evaluation
  const main = results.find(({ metric }) => isHigherBetter(metric) !== null)
  if (!main) throw new Error('a scenario has a metric that decides')
  const rows = new Set(measured.rows.map(({ group }) => group)).size
  const { metric } = main
  const decided = comparisonOf(main, rows)
  const { standardError } = main.differences[1]!
  return {
    version: 1,
    rows,
    leftOut: [...measured.leftOut],
    metric,
    baseline: { metric, ...decided.base },
    tuned: { metric, ...decided.tuned },
    difference: decided.difference,
    verdict: judge({ ...decided, rows: main.rows, differenceStandardError: standardError }),
    comparisons: results.map((result) => comparisonOf(result, rows)),
    methods: methodsOf(
      results.map((result) => result.metric),
      facts,
    ),
    labels: labelTable(measured, facts),
    kinds: kindTable(measured, facts),
    lengths: await lengthBuckets(metric, measured, facts, spec.seed),
    confidence: confidenceTable(measured, facts),
    answers: answerRows(measured, evaluation),
    intervals: {
      method: intervalMethod,
      resamples: defaultResamples,
      seed: spec.seed,
      level: confidenceLevel,
    },
    backend: measured.backend,
    seconds,
    scoringSeconds: measured.scoringSeconds,
    answeringSeconds: measured.answeringSeconds,
  }
}

function comparisonOf({ metric, rows, values, differences }: MetricResult, all: number): Comparison {
  const [base, tuned, difference] = [values[0], values[1], differences[1]]
  if (!base || !tuned || !difference) throw new Error('a proof compares two models')
  return {
    metric,
    isHigherBetter: isHigherBetter(metric),
    ...(rows === all ? {} : { rows }),
    base,
    tuned,
    difference: difference.interval,
  }
}

function answerRows({ rows, subjects }: MeasuredAnswers, { scores }: Evaluation): RowAnswer[] {
  const answerOf = (subject: number, row: number): RowAnswer['base'] => {
    const answer: SubjectAnswer = subjects[subject]!.answers[row]!
    const { text, lossNats, labelLogProbs, labelTokens, isCut, run } = answer
    return {
      text,
      lossNats,
      scores: scores[subject]![row]!,
      labelLogProbs: labelLogProbs && [...labelLogProbs],
      labelLogProbsPerToken: labelLogProbs?.map((sum, label) => sum / labelTokens![label]!) ?? null,
      isCut,
      run: run && { passed: run.passed, reason: run.reason },
    }
  }
  return rows.map(({ rowId, prompt, expected }, row) => ({
    rowId,
    prompt: [...prompt],
    expected,
    answerTokens: subjects[0]!.answers[row]!.answerTokens,
    base: answerOf(0, row),
    tuned: answerOf(1, row),
  }))
}
