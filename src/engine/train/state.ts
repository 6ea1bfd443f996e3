// Everything a run must remember to go on bit for bit. Epoch and cursor follow from `step`; random numbers are functions
// of (seed, purpose, index), so no generator has a state.
import type { Tensor } from '../backend-port.ts'

/** Where each trained tensor lies in the flat buffers. Order and shapes are the graph's. */
export interface ParameterLayout {
  readonly entries: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly offset: number
    readonly length: number
  }[]
  readonly length: number
}

export interface TrainState {
  /** Optimizer steps done. */
  step: number
  /** Tokens without padding that went through training. */
  tokensSeen: number
  readonly parameters: Float32Array
  readonly firstMoments: Float32Array
  readonly secondMoments: Float32Array
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
): TrainState {
  const parameters = new Float32Array(layout.length)
  for (const { name, offset, length } of layout.entries) {
    const values = initial.get(name)
    if (values?.length !== length) throw new Error(`initial value of ${name}: expected ${length} entries`)
    parameters.set(values, offset)
  }
  return {
    step: 0,
    tokensSeen: 0,
    parameters,
    firstMoments: new Float32Array(layout.length),
    secondMoments: new Float32Array(layout.length),
    evaluatedAtStep: -1,
    best: null,
    patienceLossNats: null,
    evaluationsWithoutImprovement: 0,
    ending: null,
  }
}

/** What is kept when a run ends: the parameters of the best measurement, or the last ones where none was made. */
export function keptParameters(state: TrainState): Float32Array {
  return state.best ? state.best.parameters : state.parameters
}
