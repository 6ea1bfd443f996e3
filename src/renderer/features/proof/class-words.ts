// What a proof says where a new last layer names classes, of texts or of words: other things than of a model that writes.
import { isOfClasses } from '#shared/class-proof.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'
import { namesClasses } from '../../metric-words.ts'
import { t } from '../../words/index.ts'

type Proved = Pick<ProofSummary, 'beside' | 'metric'>

/** Names are found word by word. */
export const classedParts = ({ metric }: Proved): 'texts' | 'words' =>
  metric === 'entityF1' ? 'words' : 'texts'

export const meaningOf = (summary: Proved, metric: MetricName): string =>
  isOfClasses(summary) && (metric === 'lossNats' || metric === 'perplexity')
    ? t(`proof.meaningOfClasses.${classedParts(summary)}.${metric}`)
    : t(`proof.meaning.${metric}`)

const isLoss = (metric: MetricName): boolean => metric === 'lossNats' || metric === 'perplexity'

/**
 * Every figure whose two sides compare. Proofs of before set the surprise of a model that writes, by words, beside that of
 * its new last layer, by labels.
 */
export const comparableFigures = (
  summary: Pick<ProofSummary, 'beside' | 'metric' | 'comparisons'>,
  method: string | null,
): ProofSummary['comparisons'] =>
  method !== null && namesClasses(method) && !isOfClasses(summary)
    ? summary.comparisons.filter(({ metric }) => !isLoss(metric))
    : summary.comparisons
