// What is said of a proof where a new last layer names classes, of texts or of words: for the terminal and for what is taken
// away.
import type { MetricName } from './metrics.ts'
import type { ProofSummary } from './proof-protocol.ts'

/** Both sides name classes, and their loss is one of labels. */
export const isOfClasses = ({ beside }: Pick<ProofSummary, 'beside'>): boolean => beside === 'nearest-class'

/** How the side without training names; `metric` is the deciding one. */
export const nearestWords = (metric: MetricName): string =>
  metric === 'entityF1'
    ? 'each word is taken for a name of the kind, or for no name, whose words in the training rows it is closest to on average'
    : 'each text has the label whose training rows it is closest to on average'
