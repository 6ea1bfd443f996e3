// A lowered TensorFlow graph computed node by node with the binding's executeOp, loops and pieces of loops by JavaScript:
// what the graph's own run must equal. Slow, and nothing but a yardstick.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js'
import {
  type DataType,
  dataTypes,
  integer,
  type TfAttribute,
  type TfConstant,
  type TfNode,
  type,
} from '#backends/tensorflow/graph-def.ts'
import type { LoweredGraph } from '#backends/tensorflow/lower.ts'
import type { Tensor } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'
import { tensorflowFolder } from '../../../scripts/tensorflow-folder.ts'

/** A tensor of the runtime by its number; the flow of a TensorArray as the tensors that were written. */
type Held = number | readonly number[]
/** What nodes gave, by name. A loop's body has one of its own each time. */
type Known = Map<string, readonly Held[]>

/** Of TensorFlow's operators that have more than one; SplitV and Unpack have as many as they say. */
const resultCounts: Readonly<Record<string, number>> = { SparseSoftmaxCrossEntropyWithLogits: 2 }

/** Results by the graph's names, of a graph without variables. The runtime must be loaded already. */
export function runNodes(
  graph: Graph,
  { nodes, feeds, fetches }: LoweredGraph,
  given: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const library = createRequire(import.meta.url)(
    join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node'),
  ) as TFJSBinding
  const fed = new Map([...feeds].map(([name, node]) => [node, given.get(name)!]))
  const runner = new NodeRunner(library, nodes, fed)
  const results = graph.outputs.map(({ name, dtype }, index): [string, Tensor] => [
    name,
    runner.read(fetches[index]!, dtype),
  ])
  runner.dispose()
  return new Map(results)
}

class NodeRunner {
  readonly #library: TFJSBinding
  readonly #nodes: ReadonlyMap<string, TfNode>
  readonly #fed: ReadonlyMap<string, Tensor>
  readonly #around: Known = new Map()
  /** What loops carried in the end, by their Merge nodes. */
  readonly #ended = new Map<string, ReadonlyMap<string, Held>>()
  readonly #made: number[] = []
  readonly #shapes = new Map<number, readonly number[]>()

  constructor(library: TFJSBinding, nodes: readonly TfNode[], fed: ReadonlyMap<string, Tensor>) {
    this.#library = library
    this.#nodes = new Map(nodes.map((node) => [node.name, node]))
    this.#fed = fed
  }

  read(tensor: string, dtype: Tensor['dtype']): Tensor {
    const id = one(this.#valueOf(tensor, this.#around))
    const data = this.#library.tensorDataSync(id)
    const shape = this.#shapes.get(id)!
    if (dtype === 'float32') return { dtype, shape, data: data as Float32Array }
    return { dtype, shape, data: BigInt64Array.from(data, BigInt) }
  }

  dispose(): void {
    for (const id of this.#made) this.#library.deleteTensor(id)
  }

  #valueOf(tensor: string, known: Known): Held {
    const [name, index = '0'] = tensor.split(':')
    const found = known.get(name!) ?? this.#resultsOf(this.#nodes.get(name!)!, known)
    known.set(name!, found)
    return found[Number(index)]!
  }

  #resultsOf(node: TfNode, known: Known): readonly Held[] {
    const input = (index: number): Held => this.#valueOf(node.inputs[index]!, known)
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
        return [[], []]
      case 'TensorArrayWriteV3':
        return [written(input(3), this.#numbers(one(input(1)))[0]!, one(input(2)))]
      case 'TensorArrayConcatV3':
        return [this.#joined(input(1))]
      default:
        return this.#execute(
          node.operator,
          node.attributes,
          node.inputs.map((_, index) => one(input(index))),
        )
    }
  }

  /** Exit reads Switch, which reads Merge, which has what the loop carried. */
  #carriedBy(exit: TfNode): Held {
    const inputOf = (node: TfNode, index = 0): TfNode =>
      this.#nodes.get(node.inputs[index]!.split(':', 1)[0]!)!
    const merge = inputOf(inputOf(exit))
    const frame = JSON.stringify(inputOf(merge).attributes.frame_name)
    const ended = this.#ended.get(frame) ?? this.#runLoop(frame)
    this.#ended.set(frame, ended)
    return ended.get(merge.name)!
  }

  #runLoop(frame: string): ReadonlyMap<string, Held> {
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
      const known: Known = new Map(merges.map(({ name }, index) => [name, [carried[index]!]]))
      if (this.#numbers(one(this.#valueOf(condition!, known)))[0] === 0)
        return new Map(merges.map(({ name }, index) => [name, carried[index]!]))
      carried = merges.map(({ inputs }) => this.#valueOf(this.#nodes.get(inputs[1]!)!.inputs[0]!, known))
    }
  }

  #numbers(id: number): number[] {
    return Array.from(this.#library.tensorDataSync(id))
  }

  #joined(pieces: Held): number {
    if (typeof pieces === 'number') throw new Error('No pieces.')
    if (pieces.length === 1) return pieces[0]!
    const axis = this.#create([], 'int32', Int32Array.of(0))
    const attributes = { N: integer(pieces.length), T: type('float32'), Tidx: type('int32') }
    return this.#execute('ConcatV2', attributes, [...pieces, axis])[0]!
  }

  #give({ dtype, shape, data }: Tensor): number {
    return data instanceof Float32Array
      ? this.#create(shape, 'float32', data.slice())
      : this.#create(shape, dtype === 'int64' ? 'int32' : dtype, Int32Array.from(data, Number))
  }

  #constant({ dataType, dims, bytes }: TfConstant): number {
    const { buffer } = bytes.slice()
    if (dataType === 'float32') return this.#create(dims, dataType, new Float32Array(buffer))
    if (dataType === 'int32' || dataType === 'int64')
      return this.#create(dims, dataType, new Int32Array(buffer))
    return this.#create(dims, dataType, new Uint8Array(buffer))
  }

  #create(
    shape: readonly number[],
    dataType: DataType,
    data: Float32Array | Int32Array | Uint8Array,
  ): number {
    const id = this.#library.createTensor([...shape], dataTypes[dataType], data)
    this.#note(id, shape)
    return id
  }

  #execute(operator: string, attributes: TfNode['attributes'], inputs: readonly number[]): readonly number[] {
    const many = attributes.num_split ?? attributes.num
    const count = many?.kind === 'integer' ? many.value : (resultCounts[operator] ?? 1)
    const given = Object.entries(attributes).map(([name, each]) => ({ name, ...this.#attribute(each) }))
    return this.#library.executeOp(operator, given, [...inputs], count).map(({ id, shape }) => {
      this.#note(id, shape)
      return id
    })
  }

  #note(id: number, shape: readonly number[]): void {
    this.#made.push(id)
    this.#shapes.set(id, shape)
  }

  #attribute(attribute: TfAttribute) {
    const { TF_ATTR_BOOL, TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE } = this.#library
    switch (attribute.kind) {
      case 'type':
        return { type: TF_ATTR_TYPE, value: dataTypes[attribute.value] }
      case 'integer':
        return { type: TF_ATTR_INT, value: attribute.value }
      case 'integers':
        return { type: TF_ATTR_INT, value: [...attribute.value] }
      case 'boolean':
        return { type: TF_ATTR_BOOL, value: attribute.value }
      case 'text':
        return { type: TF_ATTR_STRING, value: attribute.value }
      default:
        throw new Error(`The binding takes no attribute of the kind ${attribute.kind} here.`)
    }
  }
}

function one(held: Held): number {
  if (typeof held !== 'number') throw new Error('Pieces are no tensor.')
  return held
}

function written(flow: Held, index: number, piece: number): Held {
  if (typeof flow === 'number') throw new Error('A tensor has no pieces.')
  return flow.toSpliced(index, 1, piece)
}
