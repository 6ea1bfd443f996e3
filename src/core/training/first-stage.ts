// The first stage of a run, for its plan: texts of the field, read on as the domain scenario does, packed, before the
// examples. Pure; the trainer does it (processes/trainer).
import type { RecipeDraft } from '#shared/recipe.ts'

/** The stage as a recipe of its own; null where there is none. A limit of steps is for the examples. */
export function firstStageOf<R extends RecipeDraft>(recipe: R): R | null {
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
