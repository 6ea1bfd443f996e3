// The metrics by name: what unit a value has, which direction is better, and what each is called. Computes nothing.
import { z } from 'zod'

export const metricNames = [
  'accuracy',
  'macroF1',
  'calibrationError',
  'exactMatch',
  'tokenF1',
  'chrF',
  'bleu',
  'ter',
  'rouge1',
  'rouge2',
  'rougeLsum',
  'lengthRatio',
  'copiedNgrams',
  'distinct2',
  'memorisedSpans',
  'entityF1',
  'entityPrecision',
  'entityRecall',
  'formKept',
  'passAt1',
  'bitsPerByte',
  'lossNats',
  'perplexity',
] as const
export const metricName = z.enum(metricNames)
export type MetricName = z.output<typeof metricName>

export interface MetricFacts {
  /**
   * `share`: from 0 to 1, shown as per cent. `score`: kept as a share of 1 too, but shown times 100 without a sign, as its
   * field writes it (BLEU 31.2). `nats`, `bits`, `number`: shown as they are.
   */
  readonly unit: 'share' | 'score' | 'nats' | 'bits' | 'number'
  /** null where neither direction is better in itself: such a metric is reported and never judged. */
  readonly better: 'higher' | 'lower' | null
  /** The plain word, with the field's term beside it. */
  readonly title: string
}

const fact = (unit: MetricFacts['unit'], better: MetricFacts['better'], title: string): MetricFacts => ({
  unit,
  better,
  title,
})

export const metricFacts: Readonly<Record<MetricName, MetricFacts>> = {
  accuracy: fact('share', 'higher', 'right answers (accuracy)'),
  macroF1: fact('share', 'higher', 'balance over the labels (macro F1)'),
  calibrationError: fact('share', 'lower', 'misplaced confidence (expected calibration error)'),
  exactMatch: fact('share', 'higher', 'word for word (exact match)'),
  tokenF1: fact('share', 'higher', 'words in common (token F1)'),
  chrF: fact('score', 'higher', 'letters and words in common (chrF++)'),
  bleu: fact('score', 'higher', 'phrases in common (BLEU)'),
  ter: fact('score', 'lower', 'edits needed (TER)'),
  rouge1: fact('score', 'higher', 'words in common (ROUGE-1)'),
  rouge2: fact('score', 'higher', 'word pairs in common (ROUGE-2)'),
  rougeLsum: fact('score', 'higher', 'lines in common (ROUGE-Lsum)'),
  lengthRatio: fact('number', null, 'length against what was expected (length ratio)'),
  copiedNgrams: fact('share', null, 'taken over word for word (copied 4-grams)'),
  distinct2: fact('share', null, 'variety of the wording (distinct-2)'),
  memorisedSpans: fact('share', 'lower', 'repeated from the training texts (memorised 8-grams)'),
  entityF1: fact('share', 'higher', 'found and right (entity F1)'),
  entityPrecision: fact('share', 'higher', 'right among those named (precision)'),
  entityRecall: fact('share', 'higher', 'found among those expected (recall)'),
  formKept: fact('share', 'higher', 'answers in the agreed form'),
  passAt1: fact('share', 'higher', 'programs that pass their tests (pass@1)'),
  bitsPerByte: fact('bits', 'lower', 'surprise by text (bits per byte)'),
  lossNats: fact('nats', 'lower', 'surprise (loss, nats a token)'),
  perplexity: fact('number', 'lower', 'perplexity'),
}

/** A layer that names classes is surprised by labels, not by tokens. */
const classTitles: Partial<Record<MetricName, string>> = {
  lossNats: 'surprise by the right label (loss, nats a label)',
  perplexity: 'labels it hesitates between (perplexity)',
}

/** The title of a figure, of a model that writes or of a layer that names classes. */
export const metricTitle = (metric: MetricName, isOfClasses: boolean): string =>
  (isOfClasses ? classTitles[metric] : undefined) ?? metricFacts[metric].title

/** True for metrics that are kept as a share of 1 and shown in hundredths; a change of them is in points. */
export const isShare = (metric: MetricName): boolean =>
  metricFacts[metric].unit === 'share' || metricFacts[metric].unit === 'score'

/** True, false, or null where neither direction is better in itself. */
export const isHigherBetter = (metric: MetricName): boolean | null => {
  const { better } = metricFacts[metric]
  return better === null ? null : better === 'higher'
}
