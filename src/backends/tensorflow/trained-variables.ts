// What a session trains itself, as variables: parameters, both moments and sums of gradients. Small tensors share flat
// variables, so that one operator moves hundreds of adapters: on a card each operator costs microseconds, however little
// it does. Pure.
import { gradientOutputName } from '#engine/autodiff/differentiate.ts'
import type { ResidentOptimizer } from '#engine/backend-port.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import type { TensorPlace } from '#engine/optim/optimizer-rule.ts'
import type { Emitter } from './emitter.ts'
import { addTo, concat, readVariable, reshape, slice, variable } from './operators.ts'
import type { Tensor } from './tensor.ts'

/** Tensors of one learning rate that lie in the same flat variables, each at its `offset`. */
export interface TrainedGroup {
  readonly rate: number
  readonly places: readonly TensorPlace[]
  /** Numbers in each variable. */
  readonly length: number
}

/** The variables of a group. */
export interface GroupVariables {
  readonly group: TrainedGroup
  readonly parameters: Tensor
  readonly first: Tensor
  readonly second: Tensor
  readonly sums: Tensor
}

/** Larger tensors have variables of their own: their gradients do not wait for others. */
const smallNumbers = 1_000_000
const groupNumbers = 16_000_000
/** Numbers in 64 bytes: a slice that begins and ends at a multiple of them is a view. */
const alignedNumbers = 16

export function groupTrained(
  trainable: readonly Value[],
  rates: ResidentOptimizer['rates'],
): readonly TrainedGroup[] {
  const groups: (TrainedGroup & { places: TensorPlace[]; length: number })[] = []
  const open = new Map<number, (typeof groups)[number]>()
  for (const { name, shape } of trainable) {
    const sizes = shape.map(Number)
    const length = sizes.reduce((product, size) => product * size, 1)
    const rate = rates.get(name) ?? 1
    const isSmall = length <= smallNumbers
    let group = isSmall ? open.get(rate) : undefined
    if (!group || group.length + length > groupNumbers) {
      group = { rate, places: [], length: 0 }
      groups.push(group)
      if (isSmall) open.set(rate, group)
    }
    group.places.push({ name, shape: sizes, offset: group.length, length })
    group.length += alignedNumbers * Math.ceil(length / alignedNumbers)
  }
  return groups
}

/** Declares the variables and what of them the graph's trained weights are. */
export function emitVariables(
  emit: Emitter,
  graph: Graph,
  groups: readonly TrainedGroup[],
): readonly GroupVariables[] {
  const values = new Map(graph.parameters.map(({ value }) => [value.name, value]))
  return groups.map((group, index) => {
    const of = (what: string): Tensor =>
      emit.atLoading(null, () => variable(emit, `trained ${index} ${what}`, 'float32', [group.length]))
    const variables = {
      group,
      parameters: of('parameters'),
      first: of('first'),
      second: of('second'),
      sums: of('sums'),
    }
    const flat = readVariable(emit, variables.parameters, 'float32')
    for (const { name, shape, offset, length } of group.places) {
      const begin = emit.integers([offset])
      const part = length === group.length ? flat : slice(emit, flat, begin, emit.integers([length]))
      emit.setWhole(values.get(name)!, reshape(emit, part, emit.integers(shape)))
    }
    return variables
  })
}

/** Adds gradients to their sums as soon as those of a group are there. */
export class GradientSums {
  /** The nodes that add. */
  readonly additions: Tensor[] = []
  readonly #emit: Emitter
  readonly #gradients: ReadonlyMap<string, Value>
  #waiting: readonly GroupVariables[]

  constructor(emit: Emitter, graph: Graph, variables: readonly GroupVariables[]) {
    this.#emit = emit
    this.#gradients = new Map(graph.outputs.map((value) => [value.name, value]))
    this.#waiting = variables
  }

  /** To be called behind every op of the graph. */
  addWhatIsThere(): void {
    this.#waiting = this.#waiting.filter((variables) => {
      const gradients = variables.group.places.map(({ name }) => this.#gradientOf(name))
      if (!gradients.every((value) => this.#emit.isMade(value))) return true
      this.additions.push(addTo(this.#emit, variables.sums, this.#flat(variables.group, gradients)))
      return false
    })
  }

  #gradientOf(name: string): Value {
    const value = this.#gradients.get(gradientOutputName(name))
    if (!value) throw new Error(`The graph has no gradient of ${name}.`)
    return value
  }

  #flat({ places, length }: TrainedGroup, gradients: readonly Value[]): Tensor {
    const emit = this.#emit
    const parts = gradients.flatMap((value, index) => {
      const place = places[index]!
      const gap = (places[index + 1]?.offset ?? length) - place.offset - place.length
      const part = reshape(emit, emit.whole(value), emit.integers([place.length]))
      return gap === 0 ? [part] : [part, emit.floats([gap], new Float32Array(gap))]
    })
    return concat(emit, parts, 0)
  }
}
