// The first stage of a run: texts of the field, read on as the domain scenario does, packed, before the examples. What the
// plan reckons with and the trainer does. Pure.
import type { Recipe } from '#shared/recipe.ts'

type Staged = Pick<Recipe, 'scenario' | 'batch' | 'optimizer' | 'duration'> & {
  readonly before: Pick<NonNullable<Recipe['before']>, 'epochs' | 'learningRate'> | null
}

/** The stage as a recipe of its own; null where there is none. A limit of steps is for the examples. */
export function firstStageOf<R extends Staged>(recipe: R): R | null {
  const { before, batch, optimizer, duration } = recipe
  if (before === null) return null
  return {
    ...recipe,
    before: null,
    scenario: 'domain',
    batch: { ...batch, packing: true },
    optimizer: { ...optimizer, learningRate: before.learningRate ?? optimizer.learningRate },
    duration: { ...duration, epochs: before.epochs, maxSteps: null },
  }
}
