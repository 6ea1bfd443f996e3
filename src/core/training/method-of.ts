// What a recipe's method asks of the engine: the weights that are trained, and what the model is asked for.
import type { MethodSpec, Task } from '#engine/index.ts'
import type { Recipe } from '#shared/recipe.ts'

type Method = Recipe['method']

export function methodOf({ kind, rank, alpha, targets, topLayers, scaling, decomposed }: Method): MethodSpec {
  if (kind === 'head') return { kind: 'head' }
  if (kind === 'full') return { kind: 'full', topLayers }
  return { kind: 'lora', rank, alpha, targets, topLayers, scaling, decomposed }
}

/** Whether a new last layer names classes, instead of the model writing an answer. */
export const hasClassHead = ({ kind }: Pick<Method, 'kind'>): boolean =>
  kind === 'head' || kind === 'lora-head'

/** `classes` are the labels of the data, in order. */
export function taskOf(method: Pick<Method, 'kind'>, scenario: Recipe['scenario'], classes: number): Task {
  if (!hasClassHead(method)) return { kind: 'language-model' }
  return { kind: scenario === 'entity-recognition' ? 'token-classes' : 'sequence-classes', classes }
}
