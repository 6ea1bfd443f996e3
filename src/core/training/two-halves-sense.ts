// What a model that reads with one half and writes with the other (T5) can be taught, and how: the part of recipe-sense.ts
// that is about such models.
import type { ModelConfig } from '#engine/index.ts'
import type { RecipeDraft, ScenarioId } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import { hasClassHead } from './method-of.ts'

/** Goals in which one text is made of another, in a line that such a tokenizer can write: it knows no line breaks. */
const goals: ReadonlySet<ScenarioId> = new Set([
  'translation',
  'summarisation',
  'question-answering',
  'classification',
])

/** Where a first stage's texts are, for a person and in a recipe. */
export const takeOut = 'Take out the file under "Texts of your field first" on the step "Data" (before)'

const name = 'This model reads a text with one half and writes another with its second half (T5)'

/** Null where the recipe fits such a model, and of every other model. */
export function refuseTwoHalves(
  { scenario, method, before, reuseFrozenLayers }: RecipeDraft,
  { kind, layers }: Pick<ModelConfig, 'kind' | 'layers'>,
): Omit<Problem, 'code'> | null {
  if (kind !== 'sequence-to-sequence') return null
  if (!goals.has(scenario))
    return {
      message: `${name}: it makes one text of another, and cannot learn this goal.`,
      where: 'model',
      remedy:
        'Choose a chat model; or translation, summarisation, question answering or classification with this one.',
    }
  if (hasClassHead(method))
    return {
      message: `${name}: it names a label by writing it, and has no last layer for labels.`,
      where: 'method.kind',
      remedy: 'Train a small adapter (lora) or the whole model (full).',
    }
  if (before !== null)
    return {
      message: `${name}: it does not write texts on, so it cannot learn plain texts first.`,
      where: 'before',
      remedy: `${takeOut}, or choose a chat model.`,
    }
  if (reuseFrozenLayers && method.topLayers !== null && method.topLayers < layers)
    return {
      message: `${name}: what its resting layers make of the rows is computed in every pass and is not kept.`,
      where: 'reuseFrozenLayers',
      remedy: 'Set reuseFrozenLayers to false, or leave out method.topLayers.',
    }
  return null
}
