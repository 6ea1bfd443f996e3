// What of a proof stands in the README of an export.
import { isOfClasses, nearestWords } from '#shared/class-proof.ts'
import { isShare, type MetricName, metricFacts, metricTitle } from '#shared/metrics.ts'
import type { Interval, ProofSummary } from '#shared/proof-protocol.ts'
import { formatChange } from '#shared/units.ts'
import { escapeMarkdown } from './escape-markdown.ts'

/** The title with a capital, and the direction where less is better. */
const titleOf = (metric: MetricName, areClasses: boolean): string => {
  const { better } = metricFacts[metric]
  const words = escapeMarkdown(metricTitle(metric, areClasses))
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${better === 'lower' ? ', lower is better' : ''}`
}

function figure(metric: MetricName, value: number): string {
  const sign = metricFacts[metric].unit === 'share' ? ' %' : ''
  return isShare(metric) ? `${(100 * value).toFixed(1)}${sign}` : value.toFixed(3)
}

/** A change of a share is in points (hundredths of the whole), never in per cent. */
const change = (metric: MetricName, value: number): string =>
  isShare(metric) ? formatChange(100 * value, 1) : formatChange(value, 3)

const cell = (metric: MetricName, { value, low, high }: Interval): string =>
  `${figure(metric, value)} (${figure(metric, low)} to ${figure(metric, high)})`

const changeCell = (metric: MetricName, { value, low, high }: Interval): string =>
  `${change(metric, value)}${isShare(metric) ? ' points' : ''} (${change(metric, low)} to ${change(metric, high)})`

export function proofSection(proof: ProofSummary): string {
  const areClasses = isOfClasses(proof)
  return [
    proof.verdict.sentence,
    '',
    `Measured on ${proof.rows} test rows that were locked away from training. In brackets: 95 % intervals (${proof.intervals.method}).`,
    '',
    '| | before training | after training | difference |',
    '| --- | --- | --- | --- |',
    ...proof.comparisons.map(
      ({ metric, base, tuned, difference }) =>
        `| ${titleOf(metric, areClasses)} | ${cell(metric, base)} | ${cell(metric, tuned)} | ${changeCell(metric, difference)} |`,
    ),
    ...(areClasses ? ['', nearestLine(proof.metric)] : []),
    ...(proof.trivial ? ['', trivialLine(proof.trivial, proof.metric)] : []),
  ].join('\n')
}

const nearestLine = (metric: MetricName): string =>
  `A last layer that was never trained says nothing. "Before training" is what the model knows by itself: ${nearestWords(metric)}.`

function trivialLine(
  { kind, label, ...reached }: NonNullable<ProofSummary['trivial']>,
  metric: MetricName,
): string {
  const how =
    kind === 'known-names'
      ? 'looking up the names that training rows marked'
      : `always answering "${escapeMarkdown(label ?? '')}", the label that most training rows have,`
  return `Without any model: ${how} reaches ${cell(metric, reached)}.`
}
