// What the parts of the loop share: setup, state, buffers and what was saved last; and the two ways a run waits,
// obeying a command and saving a checkpoint.
import type { Problem } from '#shared/result.ts'
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'
import type { Tensor } from '../backend-port.ts'
import type { EncodedRow, MicroBatch } from './collate.ts'
import { createDeviceUpdater } from './device-updater.ts'
import { createHostUpdater } from './host-updater.ts'
import { microBatchesByLength } from './order.ts'
import type { TrainingPorts, TrainingSetup } from './ports.ts'
import { measuredParameters, type TrainState, viewsOf } from './state.ts'
import type { Updater } from './updater.ts'

export interface Run {
  readonly setup: TrainingSetup
  readonly state: TrainState
  readonly ports: TrainingPorts
  readonly updater: Updater
  /** Views on what is measured: state.parameters, or their moving average. */
  readonly measuredFeeds: ReadonlyMap<string, Tensor>
  readonly validationBatches: readonly (readonly number[])[]
  readonly trainLengthsTokens: readonly number[]
  /** The micro-batches of the epoch under way; made again when the epoch changes. */
  epochBatches: { epoch: number; batches: readonly (readonly number[])[] }
  /** What the newest checkpoint holds, and when it was made. */
  saved: { step: number; evaluatedAtStep: number; atMs: number }
  phase: Phase | null
}

type Phase = TrainerEventOf<'phase'>['phase']

/** Why a part of the loop came to an end before it was done. */
export type Interruption =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem }

export type Interruptible = AsyncGenerator<TrainerEvent, Interruption | null>

export function createRun(setup: TrainingSetup, state: TrainState, ports: TrainingPorts): Run {
  const isResumed = state.step > 0 || state.evaluatedAtStep >= 0
  const { layout, recipe } = setup
  return {
    setup,
    state,
    ports,
    updater: ports.onDevice
      ? createDeviceUpdater(layout, state, ports.onDevice)
      : createHostUpdater(setup, state),
    measuredFeeds: viewsOf(layout, measuredParameters(state)),
    validationBatches: microBatchesByLength(
      setup.validationRows.map((row) => row.ids.length),
      recipe.batch.rowsAtOnce ?? recipe.batch.microRows,
    ),
    trainLengthsTokens: setup.trainRows.map((row) => row.ids.length),
    epochBatches: { epoch: -1, batches: [] },
    saved: {
      step: isResumed ? state.step : -1,
      evaluatedAtStep: isResumed ? state.evaluatedAtStep : -1,
      atMs: ports.nowMs(),
    },
    phase: null,
  }
}

/** What a graph is fed for a batch: tokens or what the frozen blocks make of them, labelled places, trained weights. */
export async function feedsOf(
  ports: Pick<TrainingPorts, 'hiddenStates'>,
  rows: readonly EncodedRow[],
  batch: MicroBatch,
  weights: ReadonlyMap<string, Tensor>,
): Promise<Map<string, Tensor>> {
  const feeds = new Map([...batch.feeds, ...weights])
  if (ports.hiddenStates) {
    feeds.delete('ids')
    feeds.set('hidden', await ports.hiddenStates(rows, batch))
  }
  return feeds
}

/** Says what the run is doing, once for each change. */
export function* enterPhase(run: Run, phase: Phase, detail: string): Generator<TrainerEvent, void> {
  if (run.phase === phase) return
  run.phase = phase
  yield { kind: 'phase', phase, detail }
}

/**
 * Between micro-batches: hears pause and cancel. A pause saves first, so that it is as safe as a stop; where that fails
 * it says so, and who resumes it only waits for the save.
 */
export async function* obey(run: Run): Interruptible {
  const command = await run.ports.nextCommand()
  if (command === 'continue') return null
  if (command === 'cancel') return { kind: 'cancelled' }
  const problem = yield* trySave(run)
  const stop = yield* pause(run, problem)
  return stop ?? (problem ? yield* save(run) : null)
}

async function* pause(run: Run, problem: Problem | null): Interruptible {
  const { state, ports } = run
  run.phase = 'paused'
  if (problem) ports.holdYourself()
  yield { kind: 'paused', step: state.step, problem }
  const answer = await ports.waitWhilePaused()
  if (answer === 'cancel') return { kind: 'cancelled' }
  yield { kind: 'resumed', step: state.step }
  return null
}

/** Saves the state; while that fails (a full disk) the run is paused and tries again each time it is resumed. */
export async function* save(run: Run): Interruptible {
  for (;;) {
    const problem = yield* trySave(run)
    if (!problem) return null
    const stop = yield* pause(run, problem)
    if (stop) return stop
  }
}

/** One attempt to save, left out where the newest checkpoint already holds this state. */
export async function* trySave(run: Run): AsyncGenerator<TrainerEvent, Problem | null> {
  const { state, ports, saved } = run
  const isHeld = saved.step === state.step && saved.evaluatedAtStep === state.evaluatedAtStep
  if (isHeld && state.ending === null) return null
  yield* enterPhase(run, 'saving', `step ${state.step}`)
  await run.updater.bringBack()
  const result = await ports.saveCheckpoint(state)
  if (!result.ok) return result.problem
  run.saved = { step: state.step, evaluatedAtStep: state.evaluatedAtStep, atMs: ports.nowMs() }
  yield { kind: 'checkpoint', step: state.step, ...result.value }
  return null
}
