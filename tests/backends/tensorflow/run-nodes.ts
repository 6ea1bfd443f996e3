// A lowered TensorFlow graph computed node by node: single operators by the kernels of some runtime, loops and pieces of
// loops by JavaScript. Slow, and nothing but a yardstick.
import {
  type DataType,
  integer,
  type TfAttribute,
  type TfConstant,
  type TfNode,
  type,
} from '#backends/tensorflow/graph-def.ts'
import type { LoweredGraph } from '#backends/tensorflow/lower.ts'
import type { Tensor } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'

export type Attributes = Readonly<Record<string, TfAttribute>>
export type Numbers = Float32Array | Int32Array | Uint8Array

/** A runtime that computes single operators; `T` is a tensor of its. */
export interface NodeKernels<T> {
  create(dataType: DataType, shape: readonly number[], numbers: Numbers): T
  /** All results of an operator that is none of loops or of pieces. */
  execute(operator: string, attributes: Attributes, inputs: readonly T[]): readonly T[]
  /** Row-major, in an array that is the runtime's own. */
  numbersOf(tensor: T): Numbers
  shapeOf(tensor: T): readonly number[]
}

/** Operators that are computed here, without a kernel. */
export const walkedOperators: readonly string[] = [
  ...['Placeholder', 'Const', 'Enter', 'Merge', 'Switch', 'LoopCond', 'NextIteration', 'Exit'],
  ...['TensorArrayV3', 'TensorArrayWriteV3', 'TensorArrayConcatV3'],
]

/** The flow of a TensorArray: the tensors that were written. */
class Pieces<T> {
  readonly written: readonly T[]
  constructor(written: readonly T[]) {
    this.written = written
  }
}

type Held<T> = T | Pieces<T>
/** What nodes gave, by name. A loop's body has one of its own each time. */
type Known<T> = Map<string, readonly Held<T>[]>

/** Results by the graph's names, in arrays of their own, of a graph without variables. */
export function runNodes<T>(
  graph: Graph,
  { nodes, feeds, fetches }: LoweredGraph,
  given: ReadonlyMap<string, Tensor>,
  kernels: NodeKernels<T>,
): ReadonlyMap<string, Tensor> {
  const fed = new Map([...feeds].map(([name, node]) => [node, given.get(name)!]))
  const runner = new NodeRunner(kernels, nodes, fed)
  return new Map(
    graph.outputs.map(({ name, dtype }, index) => [name, runner.read(fetches[index]!, dtype)] as const),
  )
}

class NodeRunner<T> {
  readonly #kernels: NodeKernels<T>
  readonly #nodes: ReadonlyMap<string, TfNode>
  readonly #fed: ReadonlyMap<string, Tensor>
  readonly #around: Known<T> = new Map()
  /** What loops carried in the end, by their Merge nodes. */
  readonly #ended = new Map<string, ReadonlyMap<string, Held<T>>>()

  constructor(kernels: NodeKernels<T>, nodes: readonly TfNode[], fed: ReadonlyMap<string, Tensor>) {
    this.#kernels = kernels
    this.#nodes = new Map(nodes.map((node) => [node.name, node]))
    this.#fed = fed
  }

  read(name: string, dtype: Tensor['dtype']): Tensor {
    const tensor = one(this.#valueOf(name, this.#around))
    const [shape, numbers] = [this.#kernels.shapeOf(tensor), this.#kernels.numbersOf(tensor)]
    if (dtype === 'float32') return { dtype, shape, data: Float32Array.from(numbers) }
    return { dtype, shape, data: BigInt64Array.from(numbers, BigInt) }
  }

  #valueOf(tensor: string, known: Known<T>): Held<T> {
    const [name, index = '0'] = tensor.split(':')
    const found = known.get(name!) ?? this.#resultsOf(this.#nodes.get(name!)!, known)
    known.set(name!, found)
    return found[Number(index)]!
  }

  #resultsOf(node: TfNode, known: Known<T>): readonly Held<T>[] {
    const input = (index: number): Held<T> => this.#valueOf(node.inputs[index]!, known)
    switch (node.operator) {
      case 'Placeholder':
        return [this.#give(this.#fed.get(node.name)!)]
      case 'Const':
        return [this.#constant((node.attributes.value as { readonly value: TfConstant }).value)]
      case 'Enter':
        return [this.#valueOf(node.inputs[0]!, this.#around)]
      case 'Switch':
        // Of its two results a body reads the second.
        return [input(0), input(0)]
      case 'Exit':
        return [this.#carriedBy(node)]
      case 'TensorArrayV3':
        return [new Pieces([]), new Pieces([])]
      case 'TensorArrayWriteV3':
        return [written(input(3), this.#numberOf(input(1)), one(input(2)))]
      case 'TensorArrayConcatV3':
        return [this.#joined(input(1))]
      default: {
        const inputs = node.inputs.map((_, index) => one(input(index)))
        return this.#kernels.execute(node.operator, node.attributes, inputs)
      }
    }
  }

  /** Exit reads Switch, which reads Merge, which has what the loop carried. */
  #carriedBy(exit: TfNode): Held<T> {
    const inputOf = (node: TfNode, index = 0): TfNode =>
      this.#nodes.get(node.inputs[index]!.split(':', 1)[0]!)!
    const merge = inputOf(inputOf(exit))
    const frame = JSON.stringify(inputOf(merge).attributes.frame_name)
    const ended = this.#ended.get(frame) ?? this.#runLoop(frame)
    this.#ended.set(frame, ended)
    return ended.get(merge.name)!
  }

  /** LoopCond and NextIteration are passed over: what they read is looked at. */
  #runLoop(frame: string): ReadonlyMap<string, Held<T>> {
    const nodes = [...this.#nodes.values()]
    const enters = new Set(
      nodes
        .filter(
          ({ operator, attributes }) =>
            operator === 'Enter' && JSON.stringify(attributes.frame_name) === frame,
        )
        .map(({ name }) => name),
    )
    const merges = nodes.filter(({ operator, inputs }) => operator === 'Merge' && enters.has(inputs[0]!))
    const names = new Set(merges.map(({ name }) => name))
    const someSwitch = nodes.find(({ operator, inputs }) => operator === 'Switch' && names.has(inputs[0]!))!
    const [condition] = this.#nodes.get(someSwitch.inputs[1]!)!.inputs
    let carried = merges.map(({ inputs }) => this.#valueOf(inputs[0]!, this.#around))
    for (;;) {
      const known: Known<T> = new Map(merges.map(({ name }, index) => [name, [carried[index]!]]))
      if (this.#numberOf(this.#valueOf(condition!, known)) === 0)
        return new Map(merges.map(({ name }, index) => [name, carried[index]!]))
      carried = merges.map(({ inputs }) => this.#valueOf(this.#nodes.get(inputs[1]!)!.inputs[0]!, known))
    }
  }

  #numberOf(scalar: Held<T>): number {
    return this.#kernels.numbersOf(one(scalar))[0]!
  }

  #joined(pieces: Held<T>): T {
    if (!(pieces instanceof Pieces)) throw new Error('No pieces.')
    if (pieces.written.length === 1) return pieces.written[0]!
    const axis = this.#kernels.create('int32', [], Int32Array.of(0))
    const attributes = { N: integer(pieces.written.length), T: type('float32'), Tidx: type('int32') }
    return this.#kernels.execute('ConcatV2', attributes, [...pieces.written, axis])[0]!
  }

  #give({ dtype, shape, data }: Tensor): T {
    return data instanceof Float32Array
      ? this.#kernels.create('float32', shape, data.slice())
      : this.#kernels.create(dtype === 'int64' ? 'int32' : dtype, shape, Int32Array.from(data, Number))
  }

  #constant({ dataType, dims, bytes }: TfConstant): T {
    const { buffer } = bytes.slice()
    const isWhole = dataType === 'int32' || dataType === 'int64'
    const array = dataType === 'float32' ? Float32Array : isWhole ? Int32Array : Uint8Array
    return this.#kernels.create(dataType, dims, new array(buffer))
  }
}

function one<T>(held: Held<T>): T {
  if (held instanceof Pieces) throw new Error('Pieces are no tensor.')
  return held
}

function written<T>(flow: Held<T>, index: number, piece: T): Pieces<T> {
  if (!(flow instanceof Pieces)) throw new Error('A tensor has no pieces.')
  return new Pieces(flow.written.toSpliced(index, 1, piece))
}
