// Steps and time of a run before it starts: from runs of this model on this computer, else from its measured speed, else
// called a guess. Pure. Memory: core/models/model-fit.ts.
import type { RecipeDraft } from '#shared/recipe.ts'

/** A run of the past with this model on this computer. */
export interface PastRun {
  readonly recipe: Pick<RecipeDraft, 'scenario' | 'method' | 'batch' | 'gradientCheckpointing'>
  /** How long one row of a step took. */
  readonly msPerRow: number
}

/**
 * From the newest run that did the same work for a row: the same goal (so rows of like length), the same blocks adapted,
 * recomputed or not. A run of ten blocks tells nothing of one of thirty. Null where there is none.
 */
export const msPerRowOf = (recipe: PastRun['recipe'], past: readonly PastRun[]): number | null =>
  past.find(
    (run) =>
      run.recipe.scenario === recipe.scenario &&
      run.recipe.method.topLayers === recipe.method.topLayers &&
      run.recipe.gradientCheckpointing === recipe.gradientCheckpointing &&
      run.recipe.batch.maxTokens === recipe.batch.maxTokens,
  )?.msPerRow ?? null

/** What the speed is taken from: runs of this model here, else the measured speed of this computer, else nothing. */
export interface KnownSpeed {
  readonly msPerRow: number | null
  /** Matrix products in 10^9 operations a second. */
  readonly gflops: number | null
  /** Mean length of a row that fits; left out where the rows are not known. */
  readonly tokensPerRow?: number
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

/** Tokens of a row where no run tells: a short message with its instruction. */
const guessedTokens = 80
/** A processor of which nothing is known. */
const guessedGflops = 40
/** Share of the plain products' rate that a training step reaches (docs/figures.md: 73 to 82 %). */
const reachedShare = 0.75

/** 6 operations for each weight and token: forward, forward again with checkpointing, backward to the inputs. */
const reckonedMsPerRow = (parameters: number, gflops: number, tokens: number): number =>
  (6 * parameters * tokens) / (gflops * 1e6 * reachedShare)

type Basis = 'runs-here' | 'measured-speed' | 'guess'

/** How far the time may lie from the estimate either way, as a factor. */
const spreads: Readonly<Record<Basis, number>> = { 'runs-here': 1.4, 'measured-speed': 2, guess: 3 }

export function estimateSeconds(
  steps: number,
  { batch }: Pick<RecipeDraft, 'batch'>,
  parameters: number,
  { msPerRow, gflops, tokensPerRow = guessedTokens }: KnownSpeed,
): { lowSeconds: number; highSeconds: number; basis: Basis } {
  const basis = msPerRow !== null ? 'runs-here' : gflops !== null ? 'measured-speed' : 'guess'
  const rows = steps * batch.microRows * batch.accumulation
  const seconds =
    (rows * (msPerRow ?? reckonedMsPerRow(parameters, gflops ?? guessedGflops, tokensPerRow))) / 1000
  // Measuring on validation rows and saving take about a fifth on top.
  return { lowSeconds: (1.1 * seconds) / spreads[basis], highSeconds: 1.3 * seconds * spreads[basis], basis }
}
