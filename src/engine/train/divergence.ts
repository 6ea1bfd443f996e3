// A loss or gradient that is no longer a finite number: the run stops before it can spoil the parameters.
import type { Interruption, Run } from './run.ts'

/** The Problem for `what` ("The loss") having become NaN or infinite at the step under way. */
export function diverged({ setup, state, saved }: Run, what: string): Interruption {
  const kept =
    saved.step < 0 ? 'No checkpoint was made yet.' : `The checkpoint of step ${saved.step} is kept.`
  const { learningRate } = setup.recipe.optimizer
  return {
    kind: 'failed',
    problem: {
      code: 'training.diverged',
      message: `${what} is no longer a finite number, so training was stopped. ${kept}`,
      where: `step ${state.step + 1}`,
      remedy: `Start again with a lower learning rate (optimizer.learningRate is ${learningRate}; try ${learningRate / 10}).`,
    },
  }
}
