// Two runs by their proofs: whether the later one is better, worse, or not measurably different. Only on the same locked
// rows, and never without an interval. Pure.
import type { EvaluationAnswer } from '#shared/journal-types.ts'
import { isHigherBetter, type MetricName } from '#shared/metrics.ts'
import type { Interval, ProofSummary, Verdict } from '#shared/proof-protocol.ts'
import { scoreOfAnswer } from '../proof/shown-answers.ts'
import { studentQuantile } from '../proof/student-t.ts'

/** A run's newest proof, as far as two of them compare. */
export interface MeasuredRun {
  readonly datasetFingerprint: string
  readonly summary: ProofSummary
  /** Of the trained version. */
  readonly answers: readonly EvaluationAnswer[]
}

export interface ProofDifference {
  readonly kind: Verdict['kind']
  /** What the difference is in: the deciding metric, or the loss where that is what rows bring. */
  readonly metric: MetricName
  /** Now minus before, 95 %; null where rows do not add up to the metric and only both intervals are known. */
  readonly difference: Interval | null
  readonly rows: number
}

/** Which rows a proof is about: equal texts are equal rows. */
export const lockedRowsKey = (
  datasetFingerprint: string,
  { leftOut, rows }: Pick<ProofSummary, 'leftOut' | 'rows'>,
): string => JSON.stringify([datasetFingerprint, rows, leftOut.map(({ rowId }) => rowId).sort()])

/** Means of a score from 0 to 1 that each row has by itself. */
const meanMetrics: ReadonlySet<MetricName> = new Set([
  'accuracy',
  'exactMatch',
  'tokenF1',
  'passAt1',
  'rougeLsum',
])
/** Functions of the loss; the loss itself is what two runs are set beside each other by. */
const lossMetrics: ReadonlySet<MetricName> = new Set(['lossNats', 'perplexity', 'bitsPerByte'])

/** null where the two do not compare: other rows, another metric, losses over other tokens. */
export function compareProofs(before: MeasuredRun, now: MeasuredRun): ProofDifference | null {
  const { metric } = now.summary
  if (before.summary.metric !== metric) return null
  if (
    lockedRowsKey(before.datasetFingerprint, before.summary) !==
    lockedRowsKey(now.datasetFingerprint, now.summary)
  )
    return null
  if (meanMetrics.has(metric)) return byMeans(before, now, metric)
  if (lossMetrics.has(metric)) return byLoss(before, now)
  return byIntervals(before.summary, now.summary, metric)
}

/** What the turns of a conversation, or a row by itself, add to a ratio: now minus before, over so much. */
interface Cluster {
  readonly difference: number
  readonly weight: number
}

/** Turns after the first are named after their row: "row-3#2". */
const rowOf = (rowId: string): string => rowId.replace(/#\d+$/, '')

/** `read` gives what one answer adds, or null where it says nothing. Null where a row counts in one proof only. */
function clustersOf(
  before: readonly EvaluationAnswer[],
  now: readonly EvaluationAnswer[],
  read: (answer: EvaluationAnswer) => { readonly score: number; readonly weight: number } | null,
): Cluster[] | null {
  const earlier = new Map(before.map((answer) => [answer.rowId, read(answer)]))
  const clusters = new Map<string, Cluster>()
  for (const answer of now) {
    const own = read(answer)
    const other = earlier.get(answer.rowId) ?? null
    if (own === null && other === null) continue
    // Another vocabulary cuts the same text into other tokens: a loss for each of them is then about something else.
    if (own === null || other === null || own.weight !== other.weight) return null
    const key = rowOf(answer.rowId)
    const known = clusters.get(key) ?? { difference: 0, weight: 0 }
    const difference = known.difference + own.score - other.score
    clusters.set(key, { difference, weight: known.weight + own.weight })
  }
  return [...clusters.values()]
}

function byMeans(before: MeasuredRun, now: MeasuredRun, metric: MetricName): ProofDifference | null {
  const clusters = clustersOf(before.answers, now.answers, (answer) => {
    const score = scoreOfAnswer(answer, metric)
    return score === null ? null : { score, weight: 1 }
  })
  return clusters && judged(metric, clusters, true)
}

function byLoss(before: MeasuredRun, now: MeasuredRun): ProofDifference | null {
  const clusters = clustersOf(before.answers, now.answers, (answer) => {
    const [score, weight] = [scoreOfAnswer(answer, 'lossNats'), scoreOfAnswer(answer, 'answerTokens')]
    return score === null || weight === null ? null : { score, weight }
  })
  return clusters && judged('lossNats', clusters, false)
}

function judged(
  metric: MetricName,
  clusters: readonly Cluster[],
  isBounded: boolean,
): ProofDifference | null {
  if (clusters.length < 2) return null
  const difference = differenceOfRatios(clusters, isBounded)
  const isUp = difference.low > 0
  const isDown = difference.high < 0
  const kind =
    !isUp && !isDown ? 'no-measurable-difference' : isUp === isHigherBetter(metric) ? 'better' : 'worse'
  return { kind, metric, difference, rows: clusters.length }
}

/**
 * Sum of differences over sum of weights with its 95 % interval: a ratio of two means, its spread by linearisation (Cochran
 * 1977, 2.11), Student's t. Of scores from 0 to 1 (`isBounded`) two rows are added, one wholly better and one wholly worse
 * (Bonett & Price 2012 for shares): without them a few rows without a change would have an interval of width zero.
 */
function differenceOfRatios(clusters: readonly Cluster[], isBounded: boolean): Interval {
  const pseudo = isBounded ? [1, -1].map((difference) => ({ difference, weight: 1 })) : []
  const padded = [...clusters, ...pseudo]
  const value = ratioOf(clusters)
  const middle = ratioOf(padded)
  const meanWeight = sumOf(padded.map(({ weight }) => weight)) / padded.length
  const squares = padded.map(({ difference, weight }) => ((difference - middle * weight) / meanWeight) ** 2)
  const error = Math.sqrt(sumOf(squares) / (padded.length - 1) / padded.length)
  const reach = studentQuantile(0.025, padded.length - 1) * error
  return { value, low: Math.min(value, middle - reach), high: Math.max(value, middle + reach) }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
const ratioOf = (clusters: readonly Cluster[]): number =>
  sumOf(clusters.map(({ difference }) => difference)) / sumOf(clusters.map(({ weight }) => weight))

/** Intervals of both that do not meet are a difference; that they meet is none that was measured. */
function byIntervals(before: ProofSummary, now: ProofSummary, metric: MetricName): ProofDifference {
  const isUp = now.tuned.low > before.tuned.high
  const isDown = now.tuned.high < before.tuned.low
  const rows = now.rows
  if (!isUp && !isDown) return { kind: 'no-measurable-difference', metric, difference: null, rows }
  return {
    kind: isUp === (isHigherBetter(metric) ?? true) ? 'better' : 'worse',
    metric,
    difference: null,
    rows,
  }
}
