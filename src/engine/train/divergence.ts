// A loss or gradient that is no longer a finite number: the run stops before it can spoil the parameters.
import type { Interruption, Run } from './run.ts'

/** The Problem for `what` ("The loss") having become NaN or infinite at `where` ("step 12"). */
export function diverged({ setup, state, saved }: Run, what: string, where: string): Interruption {
  const kept =
    saved.step < 0 ? 'No checkpoint was made yet.' : `The checkpoint of step ${saved.step} is kept.`
  return {
    kind: 'failed',
    problem: {
      code: 'training.diverged',
      message: `${what} is no longer a finite number, so training was stopped. ${kept}`,
      where,
      remedy: remedyOf(setup, state),
    },
  }
}

function remedyOf({ plan, recipe }: Run['setup'], { stage, step }: Run['state']): string {
  if (step === 0)
    return 'No weight was changed yet, so it is not the learning rate: add the model again, choose another one, or lower method.alpha if it is huge.'
  if (stage === 2 && step === plan.firstStep)
    return 'Start again with a lower learning rate of the first stage (before.learningRate).'
  const { learningRate } = recipe.optimizer
  const lower = Number((learningRate / 10).toPrecision(2))
  const setting = stage === 1 ? 'before.learningRate' : 'optimizer.learningRate'
  return `Start again with a lower learning rate (${setting} is ${learningRate}; try ${lower}).`
}
