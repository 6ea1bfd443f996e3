// What a proof says where a new last layer names classes, of texts or of words: other things than of a model that writes.
import type { MetricName } from '#shared/metrics.ts'
import type { ProofSummary } from '#shared/proof-protocol.ts'
import { t } from '../../words/index.ts'

type Proved = Pick<ProofSummary, 'beside' | 'metric'>

/** Both sides name classes, and their loss is one of labels. */
export const isOfClasses = ({ beside }: Proved): boolean => beside === 'nearest-class'

/** Names are found word by word. */
export const classedParts = ({ metric }: Proved): 'texts' | 'words' =>
  metric === 'entityF1' ? 'words' : 'texts'

export const meaningOf = (summary: Proved, metric: MetricName): string =>
  isOfClasses(summary) && (metric === 'lossNats' || metric === 'perplexity')
    ? t(`proof.meaningOfClasses.${classedParts(summary)}.${metric}`)
    : t(`proof.meaning.${metric}`)
