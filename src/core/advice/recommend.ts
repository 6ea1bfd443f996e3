// From two measured ways of asking to one sentence of advice. Decides by intervals: what they do not show is called
// unclear, and few rows are called few. Pure.
import type { Advice } from '#shared/contract/index.ts'
import { isShare, type MetricName, metricFacts } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'

export interface Measured {
  readonly metric: MetricName
  readonly rows: number
  /** False for plain texts, which are read on without being told anything. */
  readonly hasInstruction: boolean
  readonly plain: Interval
  /** null where examples were not tried. */
  readonly fewShot: Interval | null
  /** Few-shot minus plain on the same rows. */
  readonly difference: Interval
}

/** Below this many rows no advice but to measure or bring more. */
export const fewestRows = 20
/** A share from which training has little left to win. */
const nearlyAll = 0.9

export function recommend(measured: Measured): Pick<Advice, 'kind' | 'sentence' | 'reasons'> {
  const { metric, rows, hasInstruction, plain, fewShot, difference } = measured
  const reasons = reasonsOf(measured)
  if (rows < fewestRows)
    return {
      kind: 'bring-more-rows',
      sentence: `With ${rows} rows nothing can be said for sure: bring more rows, then measure again.`,
      reasons,
    }
  if (!isShare(metric))
    return {
      kind: 'train',
      sentence: `Train: this goal is measured by how well the model expects your texts${hasInstruction ? ', and examples in the prompt change that little' : ''}.`,
      reasons,
    }
  if (plain.low >= nearlyAll)
    return {
      kind: 'prompt-may-do',
      sentence: 'Perhaps you need not train: the instruction alone already answers almost everything right.',
      reasons,
    }
  if (fewShot !== null && fewShot.low >= nearlyAll && difference.low > 0)
    return {
      kind: 'examples-may-do',
      sentence:
        'Perhaps you need not train: with a few of your examples in the prompt it answers almost everything right.',
      reasons,
    }
  const best = Math.max(plain.high, fewShot?.high ?? 0)
  if (best < nearlyAll)
    return {
      kind: 'train',
      sentence:
        'Training is worth a try: neither the instruction nor examples in the prompt come close to what you want.',
      reasons,
    }
  return {
    kind: 'unclear',
    sentence:
      'It is not clear yet: these rows cannot tell whether training would add much. A quick look costs little.',
    reasons,
  }
}

function reasonsOf({ metric, rows, hasInstruction, plain, fewShot, difference }: Measured): string[] {
  const { title } = metricFacts[metric]
  const say = ({ value, low, high }: Interval): string =>
    isShare(metric)
      ? `${points(value)} % (${points(low)} to ${points(high)})`
      : `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
  const seen = difference.low > 0 || difference.high < 0
  return [
    `${hasInstruction ? 'With the instruction alone' : 'As it is'}, ${title}: ${say(plain)} on ${rows} rows.`,
    ...(fewShot === null ? [] : [`With a few examples in the prompt: ${say(fewShot)}.`]),
    ...(fewShot === null
      ? []
      : [seen ? 'The difference is larger than chance.' : 'The difference may be chance.']),
  ]
}

const points = (share: number): string => (100 * share).toFixed(0)
