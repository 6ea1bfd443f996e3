// What the training loop needs from outside: sums run, checkpoints kept, commands heard, time told. Nothing else.
import type { Recipe } from '#shared/recipe.ts'
import type { Result } from '#shared/result.ts'
import type { PruneRung } from '#shared/study.ts'
import type { ResidentTraining, Tensor } from '../backend-port.ts'
import type { Collation, EncodedRow, MicroBatch } from './collate.ts'
import type { TrainingPlan } from './plan.ts'
import type { ParameterLayout, TrainState } from './state.ts'

type Run = (feeds: ReadonlyMap<string, Tensor>) => Promise<ReadonlyMap<string, Tensor>>

export interface TrainingPorts {
  /**
   * Runs the training graph: outputs 'losses.<chunk>' and 'grad.<parameter>', sums over labelled tokens. With `onDevice` it
   * is fed no trained weights and returns losses only.
   */
  readonly forwardBackward: Run
  /** Where the training graph's session sums gradients and moves parameters itself: for adamw without averaging. */
  readonly onDevice?: ResidentTraining | undefined
  /** Runs the scoring graph: outputs 'losses.<chunk>'. */
  readonly score: Run
  /**
   * What graphs are fed instead of tokens where they begin above frozen blocks: 'hidden' of these rows. Left out where
   * they begin with the tokens.
   */
  readonly hiddenStates?: (rows: readonly EncodedRow[], batch: MicroBatch) => Promise<Tensor>
  /** A monotonic clock in milliseconds. */
  readonly nowMs: () => number
  /** Asked between micro-batches; lets the host hear its messages first. */
  readonly nextCommand: () => Promise<'continue' | 'pause' | 'cancel'>
  /** The run pauses of itself: from now on only a later `resume` or `cancel` ends the waiting. */
  readonly holdYourself: () => void
  /** Resolves when a paused run is told to go on or to end. */
  readonly waitWhilePaused: () => Promise<'resume' | 'cancel'>
  /** Makes the state durable before it resolves. A failed Result pauses the run; it is asked again on resume. */
  readonly saveCheckpoint: (state: TrainState) => Promise<Result<SavedCheckpoint>>
}

export interface SavedCheckpoint {
  readonly folder: string
  readonly manifestSha256: string
  readonly bytes: number
}

export interface TrainingSetup {
  readonly recipe: Pick<
    Recipe,
    'optimizer' | 'regularisation' | 'batch' | 'evaluation' | 'checkpoints' | 'seed'
  >
  readonly plan: TrainingPlan
  readonly layout: ParameterLayout
  /** Factors on the learning rate, one for each entry of the layout (layer-wise decay). */
  readonly rates: readonly number[]
  readonly trainRows: readonly EncodedRow[]
  readonly validationRows: readonly EncodedRow[]
  /** How training and scoring graph are fed. */
  readonly collation: Collation
  /** NEFTune: width of the embeddings that the training graph adds 'embedding.noise' to; null without. */
  readonly noise: { readonly alpha: number; readonly width: number } | null
  /** Where a trial of a study is given up; left out, nowhere. */
  readonly pruneAt?: readonly PruneRung[] | undefined
}
