// Has a model, and what a run made of it, answer given rows in one or several ways of asking: likelihoods by the scorer
// process, written answers by the generator process, programs in the sandbox. Opens no test set, judges nothing.
import type { MetricName } from '#shared/metrics.ts'
import type { GeneratedAnswer, ProofSide, RowScore } from '#shared/proof-protocol.ts'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { runPrograms } from './measure-programs.ts'
import { scoreRows } from './measure-scores.ts'
import { writeAnswers } from './measure-texts.ts'
import type {
  AskedRow,
  MeasuredAnswers,
  MeasurePorts,
  MeasureSpec,
  Question,
  SubjectAnswer,
  WayOfAsking,
} from './measured-answers.ts'

export const plainWay: WayOfAsking = { name: 'plain', prompt: (example) => example.prompt }

/** Metrics that likelihoods alone tell; for every other one an answer is written. */
const likelihoodMetrics: ReadonlySet<MetricName> = new Set([
  'accuracy',
  'macroF1',
  'calibrationError',
  'bitsPerByte',
  'lossNats',
  'perplexity',
])
/** A written text of a genre needs no end to be looked at: so many tokens tell how it is written. */
const continuationTokens = 96

/** True where the answer is one of the labels, so that their likelihoods are compared and nothing is written. */
const isChoice = (metrics: readonly MetricName[]): boolean => metrics.includes('accuracy')

/**
 * Problems: proof.cancelled, scorer.failed, generator.failed, sandbox.failed, data.too-few-rows, model.damaged,
 * checkpoint.damaged, disk.full.
 */
export function measureAnswers(spec: MeasureSpec, ports: MeasurePorts): Promise<Result<MeasuredAnswers>> {
  return attemptAsync(async () => {
    const { metrics } = scenarioOf(spec.scenario)
    const labels = isChoice(metrics) ? spec.labels : null
    const asked = askedRows(spec)
    const idOf = (way: number, row: AskedRow): string => `${way}:${row.rowId}`
    const ask = (rows: readonly AskedRow[]): Question[] =>
      spec.ways.flatMap((way, at) =>
        rows.map((row) => ({
          id: idOf(at, row),
          prompt: way.prompt({ rowId: row.rowId, prompt: row.prompt, answer: row.expected }),
          answer: row.expected,
        })),
      )
    const startMs = performance.now()
    const scored = await scoreRows(spec, ports, ask(asked), labels)
    const rows = asked.filter((row) => spec.ways.every((_, at) => scored.scores.has(idOf(at, row))))
    const leftOut = leftOutRows(spec, scored.leftOut)
    if (rows.length === 0) throw noRow(leftOut[0]?.reason)
    const scoredMs = performance.now()
    const isWritten = labels === null && metrics.some((metric) => !likelihoodMetrics.has(metric))
    const limit = isWritten ? answerLimit(spec, metrics, [...scored.scores.values()]) : 0
    const texts = isWritten ? await writeAnswers(spec, ports, ask(rows), limit) : new Map()
    const sides: readonly ProofSide[] = spec.tuned ? ['base', 'tuned'] : ['base']
    const answers = spec.ways.flatMap((way, at) =>
      sides.map((side) => ({
        way: way.name,
        side,
        answers: rows.map((row) => {
          const id = idOf(at, row)
          return subjectAnswer(scored.scores.get(id)!, side, labels, texts.get(`${side} ${id}`))
        }),
      })),
    )
    const subjects = metrics.includes('passAt1') ? await runPrograms(rows, answers, ports) : answers
    const endMs = performance.now()
    return {
      rows,
      subjects,
      leftOut,
      backend: scored.backend,
      scoringSeconds: (scoredMs - startMs) / 1000,
      answeringSeconds: (endMs - scoredMs) / 1000,
    }
  })
}

export function askedRows({
  scenario,
  rows,
  instruction,
}: Pick<MeasureSpec, 'scenario' | 'rows' | 'instruction'>): AskedRow[] {
  const { toExamples } = scenarioOf(scenario)
  return rows.flatMap((row) =>
    toExamples(row, instruction).map(({ rowId, prompt, answer }) => ({
      rowId,
      group: row.rowId,
      prompt,
      expected: answer,
      fields: row.fields,
    })),
  )
}

/** A row that fell out in one way of asking is left out of all, so that every way is measured on the same rows. */
function leftOutRows(
  { ways }: MeasureSpec,
  found: readonly { readonly id: string; readonly reason: string }[],
): { rowId: string; reason: string }[] {
  const reasons = new Map<string, string>()
  for (const { id, reason } of found) {
    const [, at = '', rowId = ''] = /^(\d+):(.*)$/su.exec(id) ?? []
    const words = ways.length === 1 ? reason : `${ways[Number(at)]?.name}: ${reason}`
    if (!reasons.has(rowId)) reasons.set(rowId, words)
  }
  return [...reasons].map(([rowId, reason]) => ({ rowId, reason }))
}

export const noRow = (reason = 'none was scored'): ProblemError =>
  new ProblemError({
    code: 'data.too-few-rows',
    message: `No row could be measured: ${reason}.`,
    where: 'the rows to measure',
    remedy: 'Bring more rows, allow longer ones, or set a larger share of them aside for the test.',
  })

function answerLimit(
  { maxAnswerTokens }: MeasureSpec,
  metrics: readonly MetricName[],
  scores: readonly RowScore[],
): number {
  if (maxAnswerTokens !== undefined) return maxAnswerTokens
  const longest = scores.reduce((most, score) => Math.max(most, score.answerTokens), 0)
  const limit = Math.max(32, 2 * longest)
  return metrics.includes('distinct2') ? Math.min(limit, continuationTokens) : limit
}

function subjectAnswer(
  score: RowScore,
  side: ProofSide,
  labels: readonly string[] | null,
  written: GeneratedAnswer | undefined,
): SubjectAnswer {
  const own = score[side]
  if (!own) throw new Error(`row ${score.rowId} was not scored as ${side}`)
  const { lossNats, labelLogProbs } = own
  return {
    text: labels ? labels[labelLogProbs ? argmax(labelLogProbs) : 0]! : (written?.text ?? null),
    lossNats,
    answerTokens: score.answerTokens,
    labelLogProbs,
    labelTokens: score.labelTokens,
    isCut: written?.ended === 'token-limit',
    run: null,
  }
}

/** Index of the largest value; the first of equals. */
export function argmax(values: readonly number[]): number {
  let best = 0
  for (let index = 1; index < values.length; index += 1) if (values[index]! > values[best]!) best = index
  return best
}
