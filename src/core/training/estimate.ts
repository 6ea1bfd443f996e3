// Steps and time of a run before it starts: from runs of this model on this device, else from the device's measured speed,
// else called a guess. Pure. Memory: memory-plan.ts.
import type { DeviceId } from '#shared/devices.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { computedRows, type PlannedRows, placesOf, type RunFigures } from './run-graphs.ts'

type WorkRecipe = Pick<
  RecipeDraft,
  'scenario' | 'method' | 'batch' | 'gradientCheckpointing' | 'reuseFrozenLayers'
> & { readonly device: DeviceId }

/** A run of the past with this model on this computer. */
export interface PastRun {
  readonly recipe: WorkRecipe
  /** How long one row of a step took. */
  readonly msPerRow: number
}

/** What decides how much is computed for a row: the goal stands for rows of like length. */
const workOf = ({
  scenario,
  device,
  method,
  batch,
  gradientCheckpointing,
  reuseFrozenLayers,
}: WorkRecipe): string =>
  JSON.stringify([
    scenario,
    device,
    [method.kind, method.topLayers, method.base, method.decomposed],
    [batch.maxTokens, batch.packing, batch.rowsAtOnce],
    gradientCheckpointing,
    reuseFrozenLayers,
  ])

/** From the newest run that did the same work for a row on the same device: ten blocks tell nothing of thirty. Else null. */
export const msPerRowOf = (recipe: WorkRecipe, past: readonly PastRun[]): number | null =>
  past.find((run) => workOf(run.recipe) === workOf(recipe))?.msPerRow ?? null

/** What the speed is taken from: runs of this model there, else a measured step, else nothing. */
export interface KnownSpeed {
  readonly msPerRow: number | null
  /** Of a whole training step measured on the device: its matrix products in 10^9 operations a second. */
  readonly gflops: number | null
}

/** Floating-point operations, counted from the graphs of the run. */
export interface RowWork {
  /** Of a row of mean length, in a step. */
  readonly flopsPerRow: number
  /** Of such a row the first time, where blocks below are computed once. */
  readonly onceFlopsPerRow: number
}

/** Decoding weights of few bits takes so much more time: int4 1.09 to 1.24, nf4 1.01 to 1.08 (docs/figures.md), int8 1.05 (docs/backends.md). */
const slowdown = { float: 1, int8: 1.05, int4: 1.2, nf4: 1.1 } as const

/** `figures` were counted for rows of the longest length, `rows`; work goes by their mean. */
export function rowWork(
  { training, others }: RunFigures,
  { batch, method }: Pick<RecipeDraft, 'batch' | 'method'>,
  { longestTokens, meanTokens, sharedTokens }: PlannedRows & { readonly meanTokens: number },
): RowWork {
  const places = (tokens: number): number => placesOf(batch, tokens, sharedTokens)
  const share = (slowdown[method.base] * places(meanTokens)) / places(longestTokens) / computedRows(batch)
  const [, prefix] = others
  return { flopsPerRow: training.flops * share, onceFlopsPerRow: (prefix?.flops ?? 0) * share }
}

/** Optimizer steps of a plan. */
export function countSteps(
  trainRows: number,
  { batch, duration }: Pick<RecipeDraft, 'batch' | 'duration'>,
): number {
  const rowsPerStep = batch.microRows * batch.accumulation
  const steps = Math.ceil((trainRows / rowsPerStep) * duration.epochs)
  return Math.max(1, duration.maxSteps === null ? steps : Math.min(steps, duration.maxSteps))
}

/** Of training steps on a processor of which nothing is known. */
const guessedGflops = 30

type Basis = 'runs-here' | 'measured-speed' | 'guess'

/** How far the time may lie from the estimate either way, as a factor. */
const spreads: Readonly<Record<Basis, number>> = { 'runs-here': 1.4, 'measured-speed': 2, guess: 3 }

/** One after the other; as sure as the less sure of the two. */
export function sumOfTimes(
  a: ReturnType<typeof estimateSeconds>,
  b: ReturnType<typeof estimateSeconds>,
): ReturnType<typeof estimateSeconds> {
  const basis = spreads[a.basis] > spreads[b.basis] ? a.basis : b.basis
  return {
    lowSeconds: a.lowSeconds + b.lowSeconds,
    highSeconds: a.highSeconds + b.highSeconds,
    basis,
  }
}

export interface PlannedWork extends RowWork {
  readonly steps: number
  /** Rows of one pass. */
  readonly trainRows: number
  /** Rows that are there to be measured. */
  readonly validationRows: number
}

const usualMeasurements = 8

/** Times that a run of so many steps is measured, its beginning among them; by default about eight. */
function measurementsOf({ everySteps, atShares }: Measuring, steps: number): number {
  const usual = Math.min(steps, usualMeasurements)
  return 1 + (atShares?.length ?? (everySteps === null ? usual : Math.ceil(steps / everySteps)))
}

type Measuring = Pick<RecipeDraft['evaluation'], 'everySteps' | 'atShares' | 'mostRows'>

/** How much is measured beside what is by default: all rows, about eight times. */
function measuredShare(evaluation: Measuring, { steps, validationRows }: PlannedWork): number {
  const usual = { everySteps: null, atShares: null, mostRows: null }
  const rows = Math.min(1, (evaluation.mostRows ?? validationRows) / Math.max(1, validationRows))
  return (rows * measurementsOf(evaluation, steps)) / measurementsOf(usual, steps)
}

export function estimateSeconds(
  { batch, evaluation }: Pick<RecipeDraft, 'batch' | 'evaluation'>,
  work: PlannedWork,
  { msPerRow, gflops }: KnownSpeed,
): { lowSeconds: number; highSeconds: number; basis: Basis } {
  const { steps, trainRows, flopsPerRow, onceFlopsPerRow } = work
  const basis = msPerRow !== null ? 'runs-here' : gflops !== null ? 'measured-speed' : 'guess'
  const rows = steps * batch.microRows * batch.accumulation
  const secondsOf = (flops: number): number => flops / ((gflops ?? guessedGflops) * 1e9)
  const each = msPerRow === null ? secondsOf(flopsPerRow) : msPerRow / 1000
  const seconds = rows * each + Math.min(rows, trainRows) * secondsOf(onceFlopsPerRow)
  // Saving, and measuring as a run does by default, take about a fifth on top.
  const measured = measuredShare(evaluation, work)
  return {
    lowSeconds: ((1.02 + 0.08 * measured) * seconds) / spreads[basis],
    highSeconds: (1.05 + 0.25 * measured) * seconds * spreads[basis],
    basis,
  }
}
