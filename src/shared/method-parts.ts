// What of a model each way of training trains: the one table that rules, words, exports and screens ask.
import { methodKinds, type Recipe } from './recipe.ts'

type MethodKind = Recipe['method']['kind']

export interface MethodParts {
  /** A small adapter beside weights that stay as they are. */
  readonly adapter: boolean
  /** The model's own weights. */
  readonly weights: boolean
  /** A new last layer that names classes, in place of the one that writes. */
  readonly head: boolean
}

export const methodParts: Readonly<Record<MethodKind, MethodParts>> = {
  lora: { adapter: true, weights: false, head: false },
  full: { adapter: false, weights: true, head: false },
  head: { adapter: false, weights: false, head: true },
  'lora-head': { adapter: true, weights: false, head: true },
  'full-head': { adapter: false, weights: true, head: true },
}

/** The kinds that train this part, in the order of the schema. */
export const kindsThatTrain = (part: keyof MethodParts): readonly MethodKind[] =>
  methodKinds.filter((kind) => methodParts[kind][part])

/** Whether something is trained that lies inside the model's blocks: a new last layer alone is not. */
export const trainsBlocks = (kind: MethodKind): boolean => kind !== 'head'
