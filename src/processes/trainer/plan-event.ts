// What a run is going to do, as it is told before its first step.
import type { Backend } from '#engine/index.ts'
import { lastStepOf } from '#engine/train/plan.ts'
import type { TrainState } from '#engine/train/state.ts'
import type { TrainerEventOf } from '#shared/trainer-protocol.ts'
import { type PlannedStages, tokensOfStep } from './plan-stages.ts'

export function planEvent(
  { before, main }: PlannedStages,
  state: TrainState,
  backend: Backend,
): TrainerEventOf<'plan'> {
  const { plan, layout, trainRows, validationRows } = main.setup
  return {
    kind: 'plan',
    totalSteps: lastStepOf(plan),
    ...(before && {
      before: {
        steps: before.setup.plan.totalSteps,
        stepsPerEpoch: before.setup.plan.stepsPerEpoch,
        trainRows: before.setup.trainRows.length,
        stepWork: tokensOfStep(before) / tokensOfStep(main),
      },
    }),
    stepsPerEpoch: plan.stepsPerEpoch,
    evaluateEverySteps: plan.evaluateEverySteps,
    ...(plan.evaluateAtSteps && {
      evaluateAtSteps: plan.evaluateAtSteps.map((step) => plan.firstStep + step),
    }),
    trainRows: trainRows.length,
    validationRows: validationRows.length,
    trainableParameters: layout.length,
    leftOut: [...(before?.rows.leftOut ?? []), ...main.rows.leftOut],
    resumedAtStep: state.step,
    determinism: backend.determinism,
    backend: backend.name,
  }
}

/** In words that rows are missing, which nobody expects of rows that were read without a fault. */
export function leftOutNotices({ leftOut }: TrainerEventOf<'plan'>): readonly string[] {
  const [first] = leftOut
  if (first === undefined) return []
  const what = `${first.reason} (${first.rowId}).`
  return [
    leftOut.length === 1
      ? `One row takes no part in training: ${what}`
      : `${leftOut.length} rows take no part in training, the first: ${what}`,
  ]
}
