// A run's curve as it stood at one step: the levels, the course and the progress that the rules (diagnosis-rules.ts)
// compare. Pure; judges nothing.
import type { DiagnosedPlan } from './finding.ts'
import { median, noiseOf } from './robust.ts'

export interface DiagnosedCurve {
  /** In order of step; may be thinned. */
  readonly train: readonly TrainLoss[]
  readonly validation: readonly ValidationLoss[]
}
export interface ValidationLoss {
  readonly step: number
  readonly lossNats: number
  readonly labelledTokens: number
}
export interface TrainLoss {
  readonly step: number
  readonly lossNats: number
  readonly gradNorm: number
  readonly learningRate: number
}

export interface View {
  readonly step: number
  readonly train: readonly TrainLoss[]
  readonly validation: readonly ValidationLoss[]
  /** Steps at the full learning rate that would move the weights as far: the sum of the rates over the highest one. */
  readonly effective: (step: number) => number
  readonly effectiveTotal: number
  /** Training loss and gradient norm of the first steps and of the last ones. */
  readonly first: Level
  readonly recent: Level
  /** What the training loss differs from step to step, because every step has other rows. */
  readonly noise: number
}
export interface Level {
  readonly loss: number
  readonly gradNorm: number
  /** How far chance may have moved `loss`. */
  readonly error: number
}

/** A training loss has to lie so many chance errors away to count as another one. */
export const surely = 4

/** Steps that have to be seen first: the rate rises from 0, and the moments of AdamW fill. */
const leastSteps = 8
/** Measurements that a statement about rows not seen needs: the base model and two more. */
const leastMeasurements = 3
const leastShareOfPlan = 0.1

/** null before enough of a run is seen to say anything. */
export function viewAt(curve: DiagnosedCurve, plan: DiagnosedPlan, step: number): View | null {
  const train = curve.train.filter((point) => point.step <= step)
  const validation = curve.validation.filter((point) => point.step <= step)
  const hasValidation = curve.validation.length > 0
  const { totalSteps, recipe } = plan
  const { learningRate } = recipe.optimizer
  const effective = effectiveSteps(train, learningRate)
  const { kind, warmupShare } = recipe.schedule
  const effectiveTotal = totalSteps * (warmupShare / 2 + (1 - warmupShare) * (kind === 'constant' ? 1 : 0.5))
  if (train.length < leastSteps || effective(step) < leastShareOfPlan * effectiveTotal) return null
  if (hasValidation && validation.length < leastMeasurements) return null
  const noise = noiseOf(train.map(({ lossNats }) => lossNats))
  const firstCount = Math.max(
    3,
    train.findIndex((point) => effective(point.step) > 0.02 * effectiveTotal),
  )
  return {
    step,
    train,
    validation,
    effective,
    effectiveTotal,
    first: levelOf(train.slice(0, firstCount), noise),
    recent: levelOf(train.slice(-levelSteps(train)), noise),
    noise,
  }
}

/** Steps that make a level: a tenth of those that are there. */
const levelSteps = (train: readonly TrainLoss[]): number => Math.max(6, Math.round(0.1 * train.length))

export function levelOf(points: readonly TrainLoss[], noise: number): Level {
  return {
    loss: median(points.map(({ lossNats }) => lossNats)),
    gradNorm: median(points.map(({ gradNorm }) => gradNorm)),
    // A median's chance error is 1.25 times that of a mean.
    error: (1.25 * noise) / Math.sqrt(Math.max(1, points.length)),
  }
}

/** The lowest level of the training loss before the recent steps, and where it was. */
export function lowestLevel({ train, noise, first }: View): { level: Level; step: number } {
  const count = levelSteps(train)
  let lowest = { level: first, step: train[0]!.step }
  for (let end = train.length - count; end >= count; end -= Math.ceil(count / 2)) {
    const level = levelOf(train.slice(end - count, end), noise)
    if (level.loss < lowest.level.loss) lowest = { level, step: train[end - 1]!.step }
  }
  return lowest
}

/** The level of as many steps as the recent ones, just before them. */
export function levelBefore({ train, noise }: View): Level {
  const count = levelSteps(train)
  return levelOf(train.slice(-2 * count, -count), noise)
}

/** The training loss about a step. */
export function levelNear({ train, noise, first }: View, step: number): Level {
  if (step === 0) return first
  const count = levelSteps(train)
  const at = train.findLastIndex((point) => point.step <= step) + 1
  return levelOf(train.slice(Math.max(0, at - count), at), noise)
}

/** Loss by effective steps: of the rows not seen where they are measured, else of the training rows. */
export function courseOf({ validation, train, effective }: View): (readonly [number, number])[] {
  if (validation.length > 0)
    return validation.map(({ step, lossNats }) => [effective(step), lossNats] as const)
  const size = Math.max(3, Math.round(train.length / 20))
  const blocks: (readonly [number, number])[] = []
  for (let i = 0; i + size <= train.length; i += size) {
    const block = train.slice(i, i + size)
    blocks.push([effective(block[size >> 1]!.step), median(block.map(({ lossNats }) => lossNats))])
  }
  return blocks
}

/** The first loss and the newest: of the rows not seen where they are measured, else of the training rows. */
export const courseEnds = ({ validation, first, recent }: View): readonly [from: number, to: number] =>
  validation.length > 0 ? [validation[0]!.lossNats, validation.at(-1)!.lossNats] : [first.loss, recent.loss]

export const bestOf = (validation: readonly ValidationLoss[]) =>
  validation.reduce<ValidationLoss | null>(
    (best, point) => (best === null || point.lossNats < best.lossNats ? point : best),
    null,
  )

/** Trapezoids over the steps that are there, so that a thinned curve gives the same. */
function effectiveSteps(train: readonly TrainLoss[], learningRate: number): (step: number) => number {
  const steps: number[] = []
  const sums: number[] = []
  let sum = 0
  let before: TrainLoss | null = null
  for (const point of train) {
    const rate = before === null ? point.learningRate : (point.learningRate + before.learningRate) / 2
    sum += ((point.step - (before?.step ?? 0)) * rate) / learningRate
    steps.push(point.step)
    sums.push(sum)
    before = point
  }
  return (step) => sums[steps.findLastIndex((known) => known <= step)] ?? 0
}
