// How many steps a run has, when it measures and how its learning rate moves: whole numbers from recipe and row counts.
import type { Recipe } from '#shared/recipe.ts'
import { type Schedule, warmupStepsFor } from '../optim/schedule.ts'

export interface TrainingPlan {
  /** Steps of the run before this stage; steps are counted through all stages. 0 where a run has one stage only. */
  readonly firstStep: number
  readonly microBatchesPerEpoch: number
  readonly stepsPerEpoch: number
  /** Of this stage. */
  readonly totalSteps: number
  /** Optimizer steps between two measurements, about; 0 where there is nothing to measure on. */
  readonly evaluateEverySteps: number
  /** Steps of this stage after which it is measured, rising, the last one among them; null: every so many. */
  readonly evaluateAtSteps: readonly number[] | null
  readonly schedule: Schedule
}

const measurementsPerRun = 8

/**
 * An accumulated batch never crosses the edge of an epoch, so the last step of an epoch may be smaller.
 * Without a wish in the recipe a run is measured about eight times, and at least once an epoch.
 */
export function planTraining(
  recipe: Pick<Recipe, 'batch' | 'duration' | 'evaluation' | 'schedule'>,
  trainRows: number,
  validationRows: number,
  firstStep = 0,
): TrainingPlan {
  const { batch, duration, evaluation, schedule } = recipe
  const microBatchesPerEpoch = Math.ceil(trainRows / batch.microRows)
  const stepsPerEpoch = Math.ceil(microBatchesPerEpoch / batch.accumulation)
  const wanted = Math.max(1, Math.ceil(duration.epochs * stepsPerEpoch - 1e-9))
  const totalSteps = Math.min(wanted, duration.maxSteps ?? wanted)
  const usual = Math.min(stepsPerEpoch, Math.max(1, Math.round(totalSteps / measurementsPerRun)))
  const atSteps = evaluation.atShares && stepsAtShares(evaluation.atShares, totalSteps)
  const every = atSteps ? Math.max(1, Math.round(totalSteps / atSteps.length)) : evaluation.everySteps
  return {
    firstStep,
    microBatchesPerEpoch,
    stepsPerEpoch,
    totalSteps,
    evaluateEverySteps: validationRows === 0 ? 0 : (every ?? usual),
    evaluateAtSteps: atSteps,
    schedule: {
      kind: schedule.kind,
      totalSteps,
      warmupSteps: warmupStepsFor(schedule.warmupShare, totalSteps),
    },
  }
}

/** So many steps are done at this share of `totalSteps`: rounded up, at least one. */
export const stepAtShare = (share: number, totalSteps: number): number =>
  Math.min(totalSteps, Math.max(1, Math.ceil(share * totalSteps - 1e-9)))

function stepsAtShares(shares: readonly number[], totalSteps: number): readonly number[] {
  const steps = new Set([...shares.map((share) => stepAtShare(share, totalSteps)), totalSteps])
  return [...steps].sort((a, b) => a - b)
}

/** The step of the run with which this stage is done. */
export const lastStepOf = ({ firstStep, totalSteps }: TrainingPlan): number => firstStep + totalSteps

/** Where step `step` (of the run, counted from 0) lies: its epoch and the range of that epoch's micro-batches it sums. */
export function cursorOf(
  plan: TrainingPlan,
  accumulation: number,
  step: number,
): { readonly epoch: number; readonly firstBatch: number; readonly endBatch: number } {
  const ofStage = step - plan.firstStep
  const firstBatch = (ofStage % plan.stepsPerEpoch) * accumulation
  return {
    epoch: Math.floor(ofStage / plan.stepsPerEpoch),
    firstBatch,
    endBatch: Math.min(firstBatch + accumulation, plan.microBatchesPerEpoch),
  }
}
