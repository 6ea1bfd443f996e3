// Memory, disk and time of a run before it starts. Memory is reckoned from the model's size and the batch; time from runs
// of this model on this computer, and where there are none it is called a guess. Pure.
import type { PlanOption } from '#shared/contract/index.ts'
import type { RecipeDraft } from '#shared/recipe.ts'

type Fit = PlanOption['fit']

export interface ModelSize {
  readonly parameters: number
  readonly weightBytes: number
}

/** A step of the past: how long one row of a micro-batch took with this model here, in milliseconds. */
export type MsPerRow = number | null

/** ONNX Runtime, the tokenizer, the program itself (docs/figures.md: a trainer without weights). */
const processBytes = 350e6
/** Activations of a block for each token, in floats of the model's width; measured on SmolLM2 (docs/figures.md). */
const floatsPerToken = { recomputed: 60, kept: 900 } as const

/** Bytes that the trainer needs at its peak: weights are mapped in two sessions, adapters and their moments are small. */
export function estimateMemory(
  model: ModelSize,
  recipe: Pick<RecipeDraft, 'batch' | 'gradientCheckpointing'>,
): number {
  const { microRows, maxTokens } = recipe.batch
  const width = Math.sqrt(model.parameters / 400)
  const floats = recipe.gradientCheckpointing ? floatsPerToken.recomputed : floatsPerToken.kept
  const activationBytes = 4 * microRows * Math.min(maxTokens, 256) * floats * width
  return Math.round(processBytes + 2 * model.weightBytes + activationBytes)
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

/** Milliseconds for each row of this model where no run tells: 6 operations for each weight and token at 40 GFLOPS. */
const guessedMsPerRow = ({ parameters }: ModelSize): number => ((6 * parameters * 80) / 40e9) * 1000

export function estimateSeconds(
  steps: number,
  recipe: Pick<RecipeDraft, 'batch'>,
  model: ModelSize,
  msPerRow: MsPerRow,
): { lowSeconds: number; highSeconds: number; basis: 'runs-here' | 'guess' } {
  const rows = steps * recipe.batch.microRows * recipe.batch.accumulation
  const seconds = (rows * (msPerRow ?? guessedMsPerRow(model))) / 1000
  const spread = msPerRow === null ? 3 : 1.4
  // Measuring on validation rows and saving take about a fifth on top.
  return {
    lowSeconds: (1.1 * seconds) / spread,
    highSeconds: 1.3 * seconds * spread,
    basis: msPerRow === null ? 'guess' : 'runs-here',
  }
}

/** Share of the memory that is left to the system and other programs. */
const sparedShare = 0.2

export function judgeFit(neededBytes: number, memoryBytes: number): Fit {
  const availableBytes = Math.round(memoryBytes * (1 - sparedShare))
  const kind =
    neededBytes > availableBytes ? 'does-not-fit' : neededBytes > 0.7 * availableBytes ? 'tight' : 'fits'
  const gb = (bytes: number): string => (bytes / 1e9).toFixed(1)
  const reason = {
    fits: `Needs about ${gb(neededBytes)} GB of the ${gb(availableBytes)} GB that this computer can give.`,
    tight: `Needs about ${gb(neededBytes)} GB of ${gb(availableBytes)} GB: close other programs first.`,
    'does-not-fit': `Needs about ${gb(neededBytes)} GB, but this computer can give ${gb(availableBytes)} GB.`,
  }[kind]
  return { kind, neededBytes, availableBytes, reason }
}
