// When a trial is given up: asynchronous successive halving (Li et al. 2020, ASHA) as a rule that stops. The limits are
// set from what is known before a trial begins and stay, so that a trial after a kill ends where it would have ended.
import type { PruneRung, Pruning, StudyTrial } from '#shared/study.ts'

export interface RungsRequest {
  readonly pruning: Pruning
  /** Trials that have ended; those still planned are left out. */
  readonly history: readonly Pick<StudyTrial, 'status' | 'rungLosses'>[]
}

/**
 * The limit at each rung: with the new trial counted in, it must be among the best 1 / reduction that came there, and is
 * if it is alone with a loss as good. Null where fewer than `startupTrials` came there.
 */
export function rungsFor({ pruning, history }: RungsRequest): PruneRung[] {
  const ended = history.filter(({ status }) => status !== 'planned')
  return pruning.rungs.map((share) => {
    const losses = ended
      .flatMap(({ rungLosses }) => rungLosses.filter((one) => isSameShare(one.share, share)))
      .map(({ lossNats }) => (Number.isNaN(lossNats) ? Number.POSITIVE_INFINITY : lossNats))
      .sort((a, b) => (a === b ? 0 : a - b))
    if (losses.length < pruning.startupTrials) return { share, aboveNats: null }
    const places = Math.max(1, Math.floor((losses.length + 1) / pruning.reduction))
    const limit = losses[places - 1] ?? Number.POSITIVE_INFINITY
    return { share, aboveNats: Number.isFinite(limit) ? limit : null }
  })
}

/** Shares go through JSON, and a trainer may reckon them anew from whole steps. */
const isSameShare = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9
