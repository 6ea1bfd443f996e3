// From measured answers to the report of a proof: every metric for both models with intervals, tables of labels, kinds and
// lengths, the verdict. The same inputs give the same report, to the bit.
import { isHigherBetter, type MetricName } from '#shared/metrics.ts'
import type { Comparison, ProofReport, RowAnswer } from '#shared/proof-protocol.ts'
import { confidenceLevel, defaultResamples, intervalMethod } from './bootstrap.ts'
import {
  type Evaluation,
  type EvaluationSpec,
  evaluateAnswers,
  evaluatePart,
  type MetricResult,
} from './evaluate-answers.ts'
import type { MeasuredAnswers, Subject, SubjectAnswer } from './measured-answers.ts'
import { type DataFacts, methodsOf } from './metric-facts.ts'
import { confidenceTable, kindTable, labelTable, lengthBuckets } from './report-tables.ts'
import { type TrivialWay, trivialAnswers } from './trivial-answers.ts'
import { judge } from './verdict.ts'

export interface ReportSpec extends Omit<EvaluationSpec, 'resamples'> {
  /** What can be answered without a model; left out where nothing can. */
  readonly trivial?: TrivialWay | null
}

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
  const trivial = spec.trivial ? await measureTrivial(spec.trivial, metric, measured, facts, spec.seed) : null
  return {
    version: 1,
    rows,
    leftOut: [...measured.leftOut],
    ...(trivial && { trivial }),
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

async function measureTrivial(
  way: TrivialWay,
  metric: MetricName,
  { rows }: MeasuredAnswers,
  facts: DataFacts,
  seed: number,
): Promise<ProofReport['trivial'] | null> {
  const subject: Subject = { way: way.kind, side: 'base', answers: trivialAnswers(way, rows) }
  const found = await evaluatePart(metric, { rows, subjects: [subject] }, facts, seed)
  return found && { kind: way.kind, label: way.label, ...found.values[0]! }
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
