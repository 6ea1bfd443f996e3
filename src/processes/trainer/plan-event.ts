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
    trainRows: trainRows.length,
    validationRows: validationRows.length,
    trainableParameters: layout.length,
    leftOut: [...(before?.rows.leftOut ?? []), ...main.rows.leftOut],
    resumedAtStep: state.step,
    determinism: backend.determinism,
    backend: backend.name,
  }
}
