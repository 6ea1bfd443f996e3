// The training loop: measures, keeps the best, saves, steps, obeys. It yields what happened in the order of the trainer
// protocol and changes `state` only on optimizer-step boundaries. No clock, no file, no graph: those are ports.
import type { Problem } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import { evaluationDue, measure } from './evaluation.ts'
import { lastStepOf } from './plan.ts'
import type { TrainingPorts, TrainingSetup } from './ports.ts'
import { rungThatPrunes } from './pruning.ts'
import { createRun, type Interruption, type Run, save, trySave } from './run.ts'
import { enterSecondStage, type TrainState } from './state.ts'
import { trainStep } from './step.ts'

export type TrainingOutcome =
  | { readonly reason: 'completed' | 'stopped-early' | 'cancelled' | 'pruned' }
  | { readonly reason: 'failed'; readonly problem: Problem }

type Stopped = Extract<TrainingOutcome, { reason: 'failed' }> | { readonly reason: 'cancelled' }

type Events<T> = AsyncGenerator<TrainerEvent, T>

/**
 * Goes on from `state` (a new one or a checkpoint's) until the plan is done, patience is over, it is cancelled or given up
 * at a rung, which leaves no state behind.
 * The same setup and state give the same steps bit for bit where `forwardBackward` does: a state carries all that
 * decides them. `state` holds the result: best.parameters are what to keep.
 */
export async function* train(
  setup: TrainingSetup,
  state: TrainState,
  ports: TrainingPorts,
): Events<TrainingOutcome> {
  const run = createRun(setup, state, ports)
  while (state.ending === null) {
    if (evaluationDue(run)) {
      const stop = yield* measure(run)
      if (stop) return yield* interrupt(run, stop)
    }
    if (rungThatPrunes(setup, state) !== null) return { reason: 'pruned' }
    state.ending = endingOf(run)
    if (state.ending !== null || isSaveDue(run)) {
      const stop = yield* save(run)
      if (stop) return yield* interrupt(run, stop)
    }
    if (state.ending !== null) break
    const stop = yield* trainStep(run)
    if (stop) return yield* interrupt(run, stop)
  }
  return { reason: state.ending }
}

/**
 * The first of two stages, to its end: nothing is measured in it and it never stops early. The change of stage is saved at
 * once, so that what went on from there and what is resumed there are the same. `state` then stands before the second
 * stage, for `train`.
 */
export async function* trainFirstStage(
  setup: TrainingSetup,
  state: TrainState,
  ports: TrainingPorts,
): Events<{ readonly reason: 'next-stage' } | Stopped> {
  const run = createRun(setup, state, ports)
  while (state.step < lastStepOf(setup.plan)) {
    const stop = (isSaveDue(run) ? yield* save(run) : null) ?? (yield* trainStep(run))
    if (stop) return yield* interrupt(run, stop)
  }
  await run.updater.bringBack()
  enterSecondStage(state)
  const stop = yield* save(run)
  return stop ? yield* interrupt(run, stop) : { reason: 'next-stage' }
}

function endingOf({ setup, state }: Run): TrainState['ending'] {
  const { patience } = setup.recipe.evaluation
  if (state.step >= lastStepOf(setup.plan)) return 'completed'
  if (patience !== null && state.evaluationsWithoutImprovement >= patience) return 'stopped-early'
  return null
}

function isSaveDue({ setup, state, ports, saved }: Run): boolean {
  if (state.step <= Math.max(0, saved.step)) return false
  const { everySeconds, everySteps } = setup.recipe.checkpoints
  if (everySteps !== null && state.step % everySteps === 0) return true
  return everySeconds !== null && ports.nowMs() - saved.atMs >= everySeconds * 1000
}

/** A diverged run keeps its last checkpoint; a cancelled one saves where it stands, if the disk lets it. */
async function* interrupt(run: Run, stop: Interruption): Events<Stopped> {
  await run.updater.bringBack()
  if (stop.kind === 'failed') return { reason: 'failed', problem: stop.problem }
  run.state.ending = null
  const problem = yield* trySave(run)
  if (problem)
    yield {
      kind: 'notice',
      text: `Stopped without a new checkpoint: ${problem.message} The run can go on from ${run.saved.step < 0 ? 'its beginning' : `step ${run.saved.step}`}.`,
    }
  return { reason: 'cancelled' }
}
