// How much time sample answers may take, so that they stay about a twentieth of a run. Pure: fed with events.
import type { TrainingPlan } from '#engine/train/plan.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'

const share = 0.05
/** What the first and the last answers of a run may take however short it is: they show what changed. */
const endsMs = 2_000
/** A step takes about so many times as long as measuring as many tokens: forward and back, and recomputed. */
const stepFactor = 2.5

export interface SampleTime {
  follow(event: TrainerEvent): void
  /** Milliseconds that the answers at this step of the plan may take. */
  allowedMs(step: number): number
}

/** `intervalTokens`, `validationTokens`: trained on between two measurements, and measured in one. */
export function createSampleTime(
  { totalSteps, evaluateEverySteps }: Pick<TrainingPlan, 'totalSteps' | 'evaluateEverySteps'>,
  {
    intervalTokens,
    validationTokens,
  }: { readonly intervalTokens: number; readonly validationTokens: number },
): SampleTime {
  let stepsMs = 0
  let steps = 0
  let evaluationsMs = 0
  let evaluationMs = 0
  let spentMs = 0
  const nextStepsMs = (): number =>
    steps > 0
      ? (stepsMs / steps) * evaluateEverySteps
      : (evaluationMs * stepFactor * intervalTokens) / Math.max(1, validationTokens)
  return {
    follow(event) {
      if (event.kind === 'step') {
        stepsMs += event.durationMs
        steps += 1
      }
      if (event.kind === 'evaluation') {
        evaluationMs = event.durationMs
        evaluationsMs += event.durationMs
      }
      if (event.kind === 'samples') spentMs += event.durationMs
    },
    allowedMs(step) {
      const leftMs = share * (stepsMs + evaluationsMs + nextStepsMs()) - spentMs
      return step === 0 || step >= totalSteps ? Math.max(leftMs, endsMs) : leftMs
    },
  }
}
