// Whether training a model fits into this computer's memory: counted from its sizes by a formula that was set against
// measurements (docs/figures.md, "Speed of a training step"), never tried out. Pure but for `availableMemory`.
import { freemem, platform, totalmem } from 'node:os'
import type { ModelConfig } from '#engine/index.ts'
import type { Fit } from '#shared/contract/index.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { formatBytes } from '#shared/units.ts'

/** What of a model decides how much memory its training takes. */
export type ModelSizes = Pick<ModelConfig, 'hidden' | 'intermediate' | 'layers' | 'heads'> & {
  readonly parameters: number
}

export interface TrainingSizes {
  /** Rows that go through the model at once, and the longest of them in tokens. */
  readonly microRows: number
  readonly maxTokens: number
  readonly rank: number
  readonly gradientCheckpointing: boolean
}

const mib = 1024 * 1024
/** Programs' own pages 78, session 47, JavaScript heap 25, C library and threads 56 MiB (docs/backends.md). */
const fixedBytes = 206 * mib
/** The loss's chunks of logits (engine/train/loss-chunks.ts), as far as they lie beside a block's tensors. */
const lossBytes = 10e6

/** The sizes of the recipe's own defaults. */
export function defaultTrainingSizes(): TrainingSizes {
  const { batch, method, gradientCheckpointing } = recipeDraft.parse({
    model: '-',
    data: { path: '-' },
    scenario: 'classification',
  })
  const { microRows, maxTokens } = batch
  return { microRows, maxTokens, rank: method.rank, gradientCheckpointing }
}

/**
 * Peak resident memory of the trainer in bytes, LoRA on all linear layers, every row as long as the longest. Of what was
 * measured for SmolLM2-135M at 4x256, 2x512, 8x128 and 1x1024 within 3 % with checkpointing, within 12 % without.
 */
export function estimateTrainingBytes(model: ModelSizes, training: TrainingSizes): number {
  const { hidden, intermediate, layers, heads } = model
  const tokens = training.microRows * training.maxTokens
  const attention = heads * tokens * training.maxTokens
  const blockInputs = 4 * layers * tokens * hidden
  const oneBlock = 4 * (tokens * (7 * intermediate + 9 * hidden) + 4 * attention)
  // Without checkpointing every block keeps what its gradient needs.
  const kept = 4 * layers * (tokens * (2.7 * intermediate + 6 * hidden) + attention)
  const activations = training.gradientCheckpointing ? blockInputs + oneBlock : kept + oneBlock
  // Adapter, two moments, gradient and result, float32.
  const adapter = 5 * 4 * adapterParameters(model, training.rank)
  return Math.round(4 * model.parameters + fixedBytes + lossBytes + activations + adapter)
}

/** Weights of an adapter of this rank on all seven linears of every block, each of about (hidden + intermediate) a side. */
export const adapterParameters = ({ hidden, intermediate, layers }: ModelSizes, rank: number): number =>
  rank * layers * (11 * hidden + 3 * intermediate)

/** Memory that other programs leave free, in bytes. macOS keeps little free on purpose: there a share of all of it. */
const availableMemory = (): number =>
  platform() === 'darwin' ? Math.max(freemem(), Math.round(0.6 * totalmem())) : freemem()

export function judgeFit(
  neededBytes: number,
  availableBytes: number = availableMemory(),
  totalBytes: number = totalmem(),
): Fit {
  const needed = formatBytes(neededBytes)
  const numbers = { neededBytes, availableBytes }
  if (neededBytes <= 0.8 * availableBytes)
    return {
      kind: 'fits',
      ...numbers,
      reason: `Training takes about ${needed}; ${formatBytes(availableBytes)} are free.`,
    }
  if (neededBytes <= 0.85 * totalBytes)
    return {
      kind: 'tight',
      ...numbers,
      reason: `Training takes about ${needed}, and ${formatBytes(availableBytes)} are free now. Close other programs first, or use shorter rows.`,
    }
  return {
    kind: 'does-not-fit',
    ...numbers,
    reason: `Training takes about ${needed}, but this computer has ${formatBytes(totalBytes)} of memory.`,
  }
}
