// What of a proof stands in the README of an export.
import { isShare, type MetricName, metricFacts, metricTitle } from '#shared/metrics.ts'
import type { Interval, ProofSummary } from '#shared/proof-protocol.ts'
import { formatChange } from '#shared/units.ts'
import { escapeMarkdown } from './escape-markdown.ts'

/** The title with a capital, and the direction where less is better. */
const titleOf = (metric: MetricName, isOfClasses: boolean): string => {
  const { better } = metricFacts[metric]
  const words = escapeMarkdown(metricTitle(metric, isOfClasses))
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
  const isOfClasses = proof.beside === 'nearest-class'
  return [
    proof.verdict.sentence,
    '',
    `Measured on ${proof.rows} test rows that were locked away from training. In brackets: 95 % intervals (${proof.intervals.method}).`,
    '',
    '| | before training | after training | difference |',
    '| --- | --- | --- | --- |',
    ...proof.comparisons.map(
      ({ metric, base, tuned, difference }) =>
        `| ${titleOf(metric, isOfClasses)} | ${cell(metric, base)} | ${cell(metric, tuned)} | ${changeCell(metric, difference)} |`,
    ),
    ...(isOfClasses ? ['', nearestLine(proof.metric)] : []),
    ...(proof.trivial ? ['', trivialLine(proof.trivial, proof.metric)] : []),
  ].join('\n')
}

const nearestLine = (metric: MetricName): string =>
  `A last layer that was never trained says nothing. "Before training" is what the model knows by itself: ${
    metric === 'entityF1'
      ? 'each word is taken for a name of the kind, or for no name, whose words in the training rows it is closest to on average.'
      : 'each text has the label whose training rows it is closest to on average.'
  }`

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
