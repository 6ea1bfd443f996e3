// What the screen shows of a text that was named: its marked parts, and how likely a label is in words. Pure.
import type { NamedText } from '#shared/contract/results.ts'
import { doubtOfLabels } from '#shared/label-doubt.ts'
import { nameForeign } from '../../foreign-text.ts'
import { formatPercent } from '../../format.ts'
import { t } from '../../words/index.ts'

/** A part of the text; `kind` is null between names. */
export interface TextPart {
  readonly text: string
  readonly kind: string | null
}

/** The whole text in order, names and what stands between them. */
export function partsOf(text: string, names: NonNullable<NamedText['names']>): TextPart[] {
  const parts: TextPart[] = []
  let at = 0
  for (const { kind, start, end } of names) {
    if (start > at) parts.push({ text: text.slice(at, start), kind: null })
    parts.push({ text: text.slice(start, end), kind })
    at = end
  }
  if (at < text.length) parts.push({ text: text.slice(at), kind: null })
  return parts
}

/** "97 %"; never "0 %" or "100 %" of what is neither. */
export function likelihood(probability: number): string {
  if (probability > 0 && probability < 0.005) return t('use.name.under')
  if (probability < 1 && probability >= 0.995) return t('use.name.over')
  return formatPercent(probability)
}

type Labels = NonNullable<NamedText['labels']>

/** In words why no label is clear; null where one is. */
export function doubtOf(labels: Labels): string | null {
  const doubt = doubtOfLabels(labels)
  const [first, second] = labels
  if (doubt === null || first === undefined) return null
  const likeliest = { label: nameForeign(first.label, 100), share: likelihood(first.probability) }
  if (doubt === 'none-clear' || second === undefined) return t('use.name.noneClear', likeliest)
  const next = { other: nameForeign(second.label, 100), otherShare: likelihood(second.probability) }
  return t('use.name.close', { ...likeliest, ...next })
}

/** Kinds of the names with how often each was found, the most frequent first. */
export function kindsOf(names: NonNullable<NamedText['names']>): { kind: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { kind } of names) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count)
}
