// One sentence in plain words that a comparison ends in. "No measurable difference" is a legal verdict, and a small test
// set is called small: the sentence says what it could have seen.
import { isShare, type MetricName, metricFacts } from '#shared/metrics.ts'
import type { Interval, Verdict } from '#shared/proof-protocol.ts'

export interface VerdictFacts {
  readonly metric: MetricName
  /** Never null here: a metric without a direction decides nothing. */
  readonly isHigherBetter: boolean | null
  readonly rows: number
  readonly base: Interval
  readonly tuned: Interval
  /** Tuned minus base, with its 95 % interval. */
  readonly difference: Interval
  readonly differenceStandardError: number
}

/** Below this many test rows a verdict carries a warning. */
export const smallTestRows = 100
/** z(97.5 %) + z(80 %): a change of so many of its standard errors is seen in four of five test sets. */
const detectableStandardErrors = 1.96 + 0.84
/** Changes below this many points (hundredths of the whole scale) are hardly noticed in use. */
const practicalPoints = 1

export function judge(facts: VerdictFacts): Verdict {
  const { difference, isHigherBetter } = facts
  if (isHigherBetter === null) throw new Error(`${facts.metric} has no direction, so it cannot decide`)
  const isUp = difference.low > 0
  const isDown = difference.high < 0
  if (!isUp && !isDown) return { kind: 'no-measurable-difference', sentence: sayNothingSeen(facts) }
  const kind = isUp === isHigherBetter ? 'better' : 'worse'
  return { kind, sentence: sayChange(facts, kind) }
}

function sayChange(facts: VerdictFacts, kind: 'better' | 'worse'): string {
  const { metric, rows, base, tuned, difference } = facts
  const ends = [Math.abs(difference.low), Math.abs(difference.high)]
  const nearest = Math.min(...ends)
  const farthest = Math.max(...ends)
  const verb = difference.value > 0 ? 'rose' : 'fell'
  const head = `Training made the model ${kind}: ${metricWords[metric]} ${verb} from ${say(metric, base.value)} to ${say(metric, tuned.value)} on ${rows} test rows it had never seen`
  const size = `(the true change is very likely between ${sayNumber(metric, nearest)} and ${sayChangeSize(metric, farthest)})`
  return `${head} ${size}.${practicalNote(metric, farthest)}${smallNote(facts, kind)}`
}

/**
 * The change d that about four of five test sets of this size would show: d = z se(d). The spread of a share grows with
 * the change itself, se(d)^2 = se^2 + d (1 - d) / rows, for every row that changes sides adds to it; solved for d.
 */
function detectableChange({ metric, rows, differenceStandardError }: VerdictFacts): number {
  const plain = detectableStandardErrors * differenceStandardError
  if (metricFacts[metric].unit !== 'share') return plain
  const a = detectableStandardErrors ** 2 / rows
  return Math.min(1, (a + Math.sqrt(a ** 2 + 4 * (1 + a) * plain ** 2)) / (2 * (1 + a)))
}

/** What this test set would have shown; that nothing was seen does not mean that nothing is there. */
function sayNothingSeen(facts: VerdictFacts): string {
  const { metric, rows, base, tuned } = facts
  const start = `No measurable difference: ${metricWords[metric]} was ${say(metric, base.value)} before and ${say(metric, tuned.value)} after training`
  const test = rows < smallTestRows ? 'The test set is small: with' : 'With'
  const seen = sayChangeSize(metric, detectableChange(facts))
  return `${start}. ${test} ${rows} test rows only a change of about ${seen} or more is usually seen; a smaller one may be there. More test rows would tell more.`
}

/** Said only where the whole interval is that small. */
function practicalNote(metric: MetricName, farthest: number): string {
  if (!isShare(metric) || farthest * 100 >= practicalPoints) return ''
  return ' The change is real but smaller than 1 point: hardly anyone will notice it.'
}

function smallNote(facts: VerdictFacts, kind: 'better' | 'worse'): string {
  if (facts.rows >= smallTestRows) return ''
  return ` The test set is small, so how much ${kind} is known only roughly.`
}

/** As the subject of a sentence, in the singular. */
const metricWords: Record<MetricName, string> = {
  accuracy: 'the share of right answers',
  macroF1: 'F1 averaged over the labels',
  calibrationError: 'the gap between how sure it is and how often it is right',
  exactMatch: 'the share of answers that match exactly',
  tokenF1: 'the agreement with the expected answers (word F1)',
  chrF: 'the closeness to the expected translations (chrF++)',
  bleu: 'the share of phrases in common with the expected translations (BLEU)',
  ter: 'the number of edits for a hundred words (TER)',
  rouge1: 'the share of words in common with the expected summaries (ROUGE-1)',
  rouge2: 'the share of word pairs in common with the expected summaries (ROUGE-2)',
  rougeLsum: 'the agreement with the expected summaries (ROUGE-Lsum)',
  lengthRatio: 'the length against the expected length',
  copiedNgrams: 'the share taken over word for word (4 words in a row)',
  distinct2: 'the variety of the wording (distinct-2)',
  memorisedSpans: 'the share repeated from the training texts (8 words in a row)',
  entityF1: 'the agreement on the named things (entity F1)',
  entityPrecision: 'the share of right ones among the things it named (precision)',
  entityRecall: 'the share of expected things that it found (recall)',
  formKept: 'the share of answers in the agreed form',
  passAt1: 'the share of programs that pass their tests (pass@1)',
  bitsPerByte: 'the surprise at unseen text (bits per byte)',
  lossNats: 'the loss',
  perplexity: 'the perplexity',
}

const unitWords = { nats: ' nats', bits: ' bits', share: ' %', score: '', number: '' } as const

/** Shares as per cent, scores as their field writes them, everything else as a number with its unit. */
function say(metric: MetricName, value: number): string {
  return `${sayNumber(metric, value)}${unitWords[metricFacts[metric].unit]}`
}

export const sayNumber = (metric: MetricName, change: number): string =>
  isShare(metric) ? digits(change * 100) : change.toFixed(2)

/** A change of a share is in points (hundredths of the whole), never in per cent. */
export function sayChangeSize(metric: MetricName, change: number): string {
  const text = sayNumber(metric, change)
  if (isShare(metric)) return `${text} ${text === '1' ? 'point' : 'points'}`
  return `${text}${unitWords[metricFacts[metric].unit]}`
}

/** Whole numbers from 10, one decimal below: no more than a test set can know. */
function digits(points: number): string {
  const rounded = Math.abs(points) >= 9.95 ? points.toFixed(0) : points.toFixed(1)
  return rounded.replace(/\.0$/, '')
}
