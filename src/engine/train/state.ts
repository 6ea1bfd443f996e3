// Everything a run must remember to go on bit for bit. Epoch and cursor follow from `step`; random numbers are functions
// of (seed, purpose, index), so no generator has a state.
import type { Recipe } from '#shared/recipe.ts'
import type { Tensor } from '../backend-port.ts'
import { blankMemory, clearMemory, type OptimizerMemory } from '../optim/optimizer.ts'
import type { TensorPlace } from '../optim/optimizer-rule.ts'

/** Where each trained tensor lies in the flat buffers. Order and shapes are the graph's. */
export interface ParameterLayout {
  readonly entries: readonly TensorPlace[]
  readonly length: number
}

/** 1: texts of the field, where the recipe has such a stage. 2: the rows that the run is for. */
export type Stage = 1 | 2

export interface TrainState {
  stage: Stage
  /** Optimizer steps done, of both stages together. */
  step: number
  /** Tokens without padding that went through training. */
  tokensSeen: number
  readonly parameters: Float32Array
  /** What the optimizer remembers. */
  readonly memory: OptimizerMemory
  /** Moving average of the parameters, where the recipe wants one: it is what is measured and kept. */
  readonly average: Float32Array | null
  /** Step at which validation rows were last measured; -1 before the first time. */
  evaluatedAtStep: number
  best: { readonly step: number; readonly lossNats: number; readonly parameters: Float32Array } | null
  /** The loss that patience compares with: moves only by more than the recipe's least improvement. */
  patienceLossNats: number | null
  evaluationsWithoutImprovement: number
  /** Set once training is over; a run resumed after that only has its adapter to write. */
  ending: 'completed' | 'stopped-early' | null
}

export function layoutOf(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
): ParameterLayout {
  let length = 0
  const entries = parameters.map(({ name, shape }) => {
    const entry = { name, shape, offset: length, length: shape.reduce((product, size) => product * size, 1) }
    length += entry.length
    return entry
  })
  return { entries, length }
}

/** Named views on a flat buffer: no copy, they follow its changes. */
export function viewsOf(layout: ParameterLayout, flat: Float32Array): Map<string, Tensor> {
  return new Map(
    layout.entries.map(({ name, shape, offset, length }) => [
      name,
      { dtype: 'float32', shape, data: flat.subarray(offset, offset + length) },
    ]),
  )
}

/** A run before its first step. `initial` holds each trained tensor of the layout. */
export function initialState(
  layout: ParameterLayout,
  initial: ReadonlyMap<string, Float32Array>,
  recipe: Pick<Recipe, 'optimizer' | 'regularisation'>,
  stage: Stage = 2,
): TrainState {
  const state = blankState(layout, recipe)
  state.stage = stage
  for (const { name, offset, length } of layout.entries) {
    const values = initial.get(name)
    if (values?.length !== length) throw new Error(`initial value of ${name}: expected ${length} entries`)
    state.parameters.set(values, offset)
  }
  state.average?.set(state.parameters)
  return state
}

/**
 * The second stage begins with what the first one trained, an optimizer that remembers nothing and an average that begins
 * anew. Nothing was measured yet.
 */
export function enterSecondStage(state: TrainState): void {
  state.stage = 2
  clearMemory(state.memory)
  state.average?.set(state.parameters)
}

/** Zeros everywhere. */
export function blankState(
  layout: ParameterLayout,
  { optimizer, regularisation }: Pick<Recipe, 'optimizer' | 'regularisation'>,
): TrainState {
  return {
    stage: 2,
    step: 0,
    tokensSeen: 0,
    parameters: new Float32Array(layout.length),
    memory: blankMemory(optimizer.kind, layout.entries),
    average: regularisation.averaging === null ? null : new Float32Array(layout.length),
    evaluatedAtStep: -1,
    best: null,
    patienceLossNats: null,
    evaluationsWithoutImprovement: 0,
    ending: null,
  }
}

/** What stands for the model as it is: the average where there is one, else the parameters themselves. */
export function measuredParameters(state: TrainState): Float32Array {
  return state.average ?? state.parameters
}

/** What is kept when a run ends: the parameters of the best measurement, or the last ones where none was made. */
export function keptParameters(state: TrainState): Float32Array {
  return state.best ? state.best.parameters : measuredParameters(state)
}
