// Whether a trial of a study is given up. It looks at what was measured and nothing else, so that the same trial ends at the
// same step however often it was killed and gone on with.
import type { PruneRung } from '#shared/study.ts'
import { lastStepOf, stepAtShare } from './plan.ts'
import type { TrainingSetup } from './ports.ts'
import type { TrainState } from './state.ts'

/**
 * The rung at which a run is given up: one that it was measured at with no loss so far at or below the limit. Null where it
 * goes on, and at its end. A run that goes on from a state behind a rung looks at that one too.
 */
export function rungThatPrunes(
  { plan, pruneAt = [] }: Pick<TrainingSetup, 'plan' | 'pruneAt'>,
  { step, evaluatedAtStep, best }: Pick<TrainState, 'step' | 'evaluatedAtStep' | 'best'>,
): PruneRung | null {
  if (best === null || step >= lastStepOf(plan)) return null
  const isAbove = ({ share, aboveNats }: PruneRung): boolean =>
    evaluatedAtStep >= plan.firstStep + stepAtShare(share, plan.totalSteps) &&
    aboveNats !== null &&
    // Where training made nothing better so far, what was measured before its first step is no result of it.
    (best.lossNats > aboveNats || best.step <= plan.firstStep)
  return pruneAt.find(isAbove) ?? null
}
