// Learning rate over a run: warm-up from 0, then constant, linear to 0 or a half cosine to 0. A pure function of the step.

export type ScheduleKind = 'constant' | 'linear' | 'cosine'

export interface Schedule {
  readonly kind: ScheduleKind
  readonly totalSteps: number
  readonly warmupSteps: number
}

/** ceil(share * totalSteps), the rule of transformers' TrainingArguments.warmup_ratio. */
export function warmupStepsFor(warmupShare: number, totalSteps: number): number {
  return Math.ceil(warmupShare * totalSteps)
}

/**
 * The factor on the peak learning rate in force during optimizer step `index`, counted from 0 (transformers'
 * get_{constant,linear,cosine}_schedule_with_warmup): with warm-up the first step has factor 0 and changes no weight,
 * only the moments; linear and cosine reach 0 just after the last step.
 */
export function learningRateFactor(schedule: Schedule, index: number): number {
  const { kind, totalSteps, warmupSteps } = schedule
  if (index < warmupSteps) return index / Math.max(1, warmupSteps)
  if (kind === 'constant') return 1
  const progress = (index - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
  const factor = kind === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress))
  return Math.max(0, factor)
}
