// A metric's value as a person reads it, and the scale on which its bars are drawn.
import { kindsThatTrain } from '#shared/method-parts.ts'
import { isShare, type MetricName, metricFacts, metricTitle } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { formatNumber, formatPercent } from './format.ts'

/** Whose value a bar shows; each has its own colour everywhere. */
export type Subject = 'base' | 'few-shot' | 'retrieval' | 'tuned'

/** "71 %" for shares, "31.2" for scores, the plain number otherwise. */
export function formatMetric(metric: MetricName, value: number): string {
  const { unit } = metricFacts[metric]
  if (unit === 'share') return formatPercent(value)
  return unit === 'score' ? (value * 100).toFixed(1) : formatNumber(value)
}

/** "right answers (accuracy)" as a heading: the plain words with a capital, and the field's term. */
export function metricHeading(
  metric: MetricName,
  isOfClasses = false,
): { readonly plain: string; readonly term: string } {
  const [, plain = '', term = ''] = /^(.*?)(?: \((.*)\))?$/.exec(metricTitle(metric, isOfClasses)) ?? []
  return { plain: plain.charAt(0).toUpperCase() + plain.slice(1), term }
}

/** Shares and scores are drawn on 0 to 1; others from 0 to a little above what was measured. */
export function metricScale(metric: MetricName, values: readonly Interval[]): { min: number; max: number } {
  if (isShare(metric)) return { min: 0, max: 1 }
  return { min: 0, max: Math.max(1e-6, ...values.map(({ high }) => high)) * 1.1 }
}

/** Whether what a method trains names classes: its loss is one of labels, and does not compare with one of words. */
export const namesClasses = (method: string): boolean =>
  kindsThatTrain('head').some((kind) => kind === method)
