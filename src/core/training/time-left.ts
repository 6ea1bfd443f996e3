// How long a run still takes, from what its steps and evaluations took so far. Pure: fed with events, asked for a number.
import type { TrainerEvent } from '#shared/trainer-protocol.ts'

export interface TimeLeft {
  follow(event: TrainerEvent): void
  /** Milliseconds until the last planned step and evaluation; null before the first step was measured. */
  estimateMs(): number | null
  /** Share of the planned steps that are done, 0 to 1. */
  doneShare(): number
}

/** Steps that count: enough to smooth rows of different length, few enough to follow a machine that gets busy. */
const windowSteps = 24

export function createTimeLeft(): TimeLeft {
  let plan: { totalSteps: number; evaluateEverySteps: number } | null = null
  let step = 0
  let evaluationMs = 0
  const recentMs: number[] = []

  return {
    follow(event) {
      if (event.kind === 'plan') {
        plan = event
        step = event.resumedAtStep
      }
      if (event.kind === 'step') {
        step = event.step
        recentMs.push(event.durationMs)
        if (recentMs.length > windowSteps) recentMs.shift()
      }
      if (event.kind === 'evaluation') evaluationMs = event.durationMs
    },
    estimateMs() {
      if (plan === null || recentMs.length === 0) return null
      const meanMs = recentMs.reduce((sum, ms) => sum + ms, 0) / recentMs.length
      const { totalSteps, evaluateEverySteps } = plan
      const stepsLeft = Math.max(0, totalSteps - step)
      if (evaluateEverySteps === 0) return stepsLeft * meanMs
      const evaluationsLeft =
        Math.ceil(totalSteps / evaluateEverySteps) - Math.floor(step / evaluateEverySteps)
      return stepsLeft * meanMs + Math.max(0, evaluationsLeft) * evaluationMs
    },
    doneShare: () => (plan === null || plan.totalSteps === 0 ? 0 : Math.min(1, step / plan.totalSteps)),
  }
}
