// Whether a part of what a proof measured got worse, or only seems to: a few rows tell nothing. Pure.
import type { Interval } from '#shared/proof-protocol.ts'
import { wilsonInterval } from '#shared/wilson-interval.ts'

/** `worse`: beyond chance; `unclear`: lower on these rows, which chance explains. */
export type Fall = 'worse' | 'unclear'

interface F1Side {
  readonly f1: number
  readonly recall: number
  readonly predicted: number
}
export interface PartF1 {
  readonly support: number
  readonly base: F1Side
  readonly tuned: F1Side
}

/** null where it did not fall. By 95 % intervals that do not meet, which is strict: both sides answered the same rows. */
export function fallOfF1({ support, base, tuned }: PartF1): Fall | null {
  if (tuned.f1 >= base.f1) return null
  return intervalOf(tuned, support).high < intervalOf(base, support).low ? 'worse' : 'unclear'
}

/** F1 rises with right / (right + missed + wrongly named), and that is a share of so many, as Wilson's interval needs. */
function intervalOf({ recall, predicted }: F1Side, support: number): { low: number; high: number } {
  const right = Math.round(recall * support)
  const all = support + predicted - right
  return wilsonInterval(all === 0 ? 0 : right / all, all)
}

/** By the interval of the difference, tuned minus base on the same rows. */
export function fallOf({ value, low, high }: Interval, isMoreBetter: boolean): Fall | null {
  if (isMoreBetter ? value >= 0 : value <= 0) return null
  return (isMoreBetter ? high < 0 : low > 0) ? 'worse' : 'unclear'
}
