// Collects the nodes of one lowering: fresh names, shared constants and views, loops' frames. It decides nothing about
// operators; operators.ts knows them, and the rules choose. Pure: no file, no runtime.
import type { WeightLocation } from '#engine/backend-port.ts'
import type { Dim, Graph, OpKind, Value } from '#engine/ir/types.ts'
import type { FileLocation } from '../stored-weights.ts'
import { ValueReaders } from '../value-readers.ts'
import { EmittedValues, type UnmadeValues } from './emitted-values.ts'
import {
  boolean,
  type DataType,
  integer,
  shape,
  type TfAttribute,
  type TfConstant,
  text,
  type,
} from './graph-def.ts'
import { concat, sizesOf, slice } from './operators.ts'
import type { Frame, NodeMaker, Tensor } from './tensor.ts'

/** A node and where it stands in the order of the graph. */
export interface EmittedNode {
  readonly name: string
  readonly operator: string
  readonly inputs: readonly Tensor[]
  /** Nodes that must have run before, by one of their results. */
  readonly controls: readonly Tensor[]
  readonly attributes: Readonly<Record<string, TfAttribute>>
  /** Which op of the graph it belongs to, counted from 0; -1 for what is run once, when the graph is loaded. */
  readonly step: number
  readonly device: string | null
  readonly frame: Frame | null
}

interface EmitterOptions {
  readonly weights: ReadonlyMap<string, WeightLocation>
  /** Where the last weight in each file ends, by path. */
  readonly fileEnds: ReadonlyMap<string, number>
  /** What products with frozen weights are computed in. */
  readonly products: Products
  /** Where weights lie as bfloat16 beside their own form, by name. */
  readonly halves: ReadonlyMap<string, FileLocation>
  readonly residence: Residence
}

/** How frozen weights in files are held: mapped where they lie, or copied once into variables, as a card's memory wants. */
export type Residence = 'mapped' | 'resident'

export type Products = 'float32' | 'bfloat16'

export class Emitter implements NodeMaker {
  readonly nodes: EmittedNode[] = []
  /** What is fed, by public name. */
  readonly placeholders = new Map<string, Tensor>()
  readonly products: Products
  readonly residence: Residence
  /** What fills the variables. */
  readonly assignments: Tensor[] = []
  /** Whole files that are mapped, with their sizes as they are read. */
  readonly mapped: { readonly file: Tensor; readonly dims: readonly number[] }[] = []
  readonly #weights: ReadonlyMap<string, WeightLocation>
  readonly #halves: ReadonlyMap<string, FileLocation>
  readonly #fileEnds: ReadonlyMap<string, number>
  readonly #graph: Graph
  readonly #values: EmittedValues
  readonly #shared = new Map<string, Tensor>()
  readonly #readers: ValueReaders
  #counter = 0
  #step = 0
  #region = ''
  #frame: Frame | null = null
  #device: string | null = null

  constructor(graph: Graph, options: EmitterOptions) {
    const { weights, fileEnds, products, halves, residence } = options
    this.#graph = graph
    this.#fileEnds = fileEnds
    this.#weights = weights
    this.products = products
    this.residence = residence
    this.#halves = halves
    this.#readers = new ValueReaders(graph)
    this.#values = new EmittedValues(this)
  }

  /** Whether nothing but ops of these kinds reads the value. */
  isReadOnlyBy(value: Value, ...kinds: readonly OpKind[]): boolean {
    return this.#readers.areOnly(value, kinds)
  }

  /** What is emitted from now on belongs to op number `step` of the graph and to this region. */
  enter(step: number, region: string): void {
    this.#step = step
    this.#region = region
  }

  /** Adds one node; its results have these types. */
  node(
    operator: string,
    inputs: readonly Tensor[],
    attributes: Readonly<Record<string, TfAttribute>>,
    results: readonly DataType[],
  ): readonly Tensor[] {
    return this.#add({ operator, inputs, controls: [], attributes }, results)
  }

  /** `tensor` unchanged, but not before the others are there. Native in TensorFlow: an edge without data. */
  after(tensor: Tensor, others: readonly Tensor[]): Tensor {
    const attributes = { T: type(tensor.dataType) }
    return this.#add({ operator: 'Identity', inputs: [tensor], controls: others, attributes }, [
      tensor.dataType,
    ])[0]!
  }

  /** The name of a node that does nothing but wait. */
  waitingFor(others: readonly Tensor[]): string {
    return this.#add({ operator: 'NoOp', inputs: [], controls: others, attributes: {} }, ['float32'])[0]!.name
  }

  #add(
    node: Pick<EmittedNode, 'operator' | 'inputs' | 'controls' | 'attributes'>,
    results: readonly DataType[],
  ): readonly Tensor[] {
    const name = this.fresh(node.operator)
    const frame = this.#frame
    const inputs = node.inputs.map((input) => this.#inFrame(input))
    this.nodes.push({ ...node, inputs, name, step: this.#step, frame, device: this.#device })
    return results.map((dataType, index) => ({
      name: index === 0 ? name : `${name}:${index}`,
      dataType,
      frame,
    }))
  }

  /** Inside a loop everything from around it must enter its frame; it does so once. */
  #inFrame(tensor: Tensor): Tensor {
    const frame = this.#frame
    if (tensor.frame === frame) return tensor
    if (frame === null) throw new Error(`${tensor.name} is read outside its loop.`)
    const known = frame.entered.get(tensor.name)
    if (known) return known
    const entered = this.enterFrame(frame, tensor, true)
    frame.entered.set(tensor.name, entered)
    return entered
  }

  /** A constant in all iterations, or the first value of something that changes. The node runs around the loop. */
  enterFrame(frame: Frame, tensor: Tensor, isConstant: boolean): Tensor {
    const attributes = {
      T: type(tensor.dataType),
      frame_name: text(frame.name),
      is_constant: boolean(isConstant),
      parallel_iterations: integer(1),
    }
    const name = this.fresh('Enter')
    const node = { name, operator: 'Enter', inputs: [tensor], controls: [], attributes }
    this.nodes.push({ ...node, step: this.#step, frame: null, device: null })
    return { name, dataType: tensor.dataType, frame }
  }

  /** What `make` emits is run once, when the graph is loaded; on the processor, or where the runtime likes. */
  atLoading<T>(device: '/device:CPU:0' | null, make: () => T): T {
    const around = { step: this.#step, frame: this.#frame, device: this.#device }
    this.#step = -1
    this.#frame = null
    this.#device = device
    const made = make()
    this.#step = around.step
    this.#frame = around.frame
    this.#device = around.device
    return made
  }

  /** What `write` emits belongs to a body of its own. */
  inNewFrame<T>(write: (frame: Frame) => T): T {
    if (this.#frame) throw new Error('A loop in a loop.')
    this.#frame = { name: this.fresh('loop'), entered: new Map() }
    const written = write(this.#frame)
    this.#frame = null
    return written
  }

  /** A tensor of a body, as it is when the loop has ended. The node runs around the loop. */
  exitFrame(tensor: Tensor): Tensor {
    const name = this.fresh('Exit')
    const attributes = { T: type(tensor.dataType) }
    const node = { name, operator: 'Exit', inputs: [tensor], controls: [], attributes }
    this.nodes.push({ ...node, step: this.#step, frame: null, device: null })
    return { name, dataType: tensor.dataType, frame: null }
  }

  /** A name that nothing else has. */
  fresh(hint: string): string {
    this.#counter += 1
    return `${hint}.${this.#counter}`
  }

  /** A node under a name that was given out before: what a loop hands to its next time is read before it is made. */
  namedNode(name: string, operator: string, input: Tensor): void {
    const attributes = { T: type(input.dataType) }
    const node = { name, operator, inputs: [this.#inFrame(input)], controls: [], attributes }
    this.nodes.push({ ...node, step: this.#step, frame: this.#frame, device: null })
  }

  /**
   * Makes a result once per key, outside any loop: constants, sizes, views. TensorFlow would merge some of them by
   * itself, but what is shared is our choice: it decides how long something lives.
   */
  share(key: string, make: () => Tensor): Tensor {
    const known = this.#shared.get(key)
    if (known) return known
    const made = this.outsideLoops(make)
    this.#shared.set(key, made)
    return made
  }

  outsideLoops<T>(make: () => T): T {
    const around = this.#frame
    this.#frame = null
    const made = make()
    this.#frame = around
    return made
  }

  /** Shared in this region, or in all loss chunks, which follow each other. */
  shareNearby(key: string, make: () => Tensor): Tensor {
    const scope = this.#region.startsWith('loss.') ? 'loss' : this.#region
    return this.share(`${key} in ${scope}`, make)
  }

  constant(value: TfConstant, key: string): Tensor {
    return this.share(key, () => {
      const attributes = { dtype: type(value.dataType), value: { kind: 'tensor', value } as const }
      return this.node('Const', [], attributes, [value.dataType])[0]!
    })
  }

  integers(values: readonly number[]): Tensor {
    const bytes = new Uint8Array(Int32Array.from(values).buffer)
    return this.constant({ dataType: 'int32', dims: [values.length], bytes }, `int32[${values.join()}]`)
  }

  integer(value: number): Tensor {
    const bytes = new Uint8Array(Int32Array.of(value).buffer)
    return this.constant({ dataType: 'int32', dims: [], bytes }, `int32 ${value}`)
  }

  scalar(value: number): Tensor {
    const bytes = new Uint8Array(Float32Array.of(value).buffer)
    return this.constant({ dataType: 'float32', dims: [], bytes }, `float32 ${value}`)
  }

  longIntegers(values: readonly number[]): Tensor {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    return this.constant({ dataType: 'int64', dims: [values.length], bytes }, `int64[${values.join()}]`)
  }

  byte(value: number): Tensor {
    return this.constant({ dataType: 'uint8', dims: [], bytes: Uint8Array.of(value) }, `uint8 ${value}`)
  }

  floats(dims: readonly number[], values: Float32Array): Tensor {
    const bytes = new Uint8Array(values.slice().buffer)
    return this.constant({ dataType: 'float32', dims, bytes }, `float32[${dims.join()}] ${values.join()}`)
  }

  /** Something that is fed on every run under this name. */
  placeholder(name: string, dataType: DataType, dimensions: readonly Dim[]): Tensor {
    const known = this.placeholders.get(name)
    if (known) return known
    const made = this.share(`placeholder ${name}`, () => {
      const dims = dimensions.map((dim) => (typeof dim === 'number' ? dim : -1))
      const attributes = { dtype: type(dataType), shape: shape(dims) }
      return this.node('Placeholder', [], attributes, [dataType])[0]!
    })
    this.placeholders.set(name, made)
    return made
  }

  /** Where a frozen weight lies; null for everything else. */
  locationOf(value: Value): WeightLocation | null {
    return this.#weights.get(value.name) ?? null
  }

  /** Where a frozen weight lies as bfloat16, beside its own form. */
  halfLocationOf(value: Value): FileLocation | null {
    return this.#halves.get(value.name) ?? null
  }

  endOfFile(path: string): number {
    const end = this.#fileEnds.get(path)
    if (end === undefined) throw new Error(`No weight lies in ${path}.`)
    return end
  }

  /** From now on these values are made when somebody reads them. */
  makeLate(unmade: UnmadeValues): void {
    this.#values.makeLate(unmade)
  }

  /** Declares that this tensor, in its own shape, is the value. */
  setWhole(value: Value, tensor: Tensor): void {
    this.#values.setWhole(value, tensor)
  }

  /** Declares that this tensor [rows, C] is the value [..., C]. */
  setRows(value: Value, tensor: Tensor): void {
    this.#values.setRows(value, tensor)
  }

  /** Declares that this tensor [rows, C] is the value [..., C] rounded to bfloat16. */
  setHalfRows(value: Value, tensor: Tensor): void {
    this.#values.setHalfRows(value, tensor)
  }

  /** Whether something was declared to be the value, or will be made of it. */
  isMade(value: Value): boolean {
    return this.#values.has(value)
  }

  /** The value in its own shape: rows are seen so only where somebody asks. */
  whole(value: Value): Tensor {
    return this.#values.whole(value)
  }

  /** [..., C] as [rows, C]: one form for all that works row by row. Vectors stay what they are. */
  rows(value: Value): Tensor {
    return this.#values.rows(value)
  }

  /** The rows rounded to bfloat16, once for the whole graph. */
  halfRows(value: Value): Tensor {
    return this.#values.halfRows(value)
  }

  /** An int32 vector with the sizes of `shape`, symbols resolved when the graph runs. */
  shapeOf(shape: readonly Dim[]): Tensor {
    if (shape.every((dim) => typeof dim === 'number')) return this.integers(shape)
    return this.share(`shape [${shape.join()}]`, () =>
      concat(
        this,
        shape.map((dim) => this.sizeOf(dim)),
        0,
      ),
    )
  }

  /** One dimension as an int32 vector of length 1; a symbol is read off a tensor that is fed on every run. */
  sizeOf(dim: Dim): Tensor {
    if (typeof dim === 'number') return this.integers([dim])
    return this.share(`size ${dim}`, () => {
      for (const value of this.#graph.inputs) {
        const axis = value.shape.indexOf(dim)
        if (axis < 0) continue
        const sizes = sizesOf(this, this.whole(value))
        return slice(this, sizes, this.integers([axis]), this.integers([1]))
      }
      throw new Error(`No graph input has the dimension ${dim}.`)
    })
  }
}

export function lastOf(shape: readonly Dim[]): number {
  const last = shape.at(-1)
  if (typeof last !== 'number') throw new Error(`The last dimension of [${shape.join()}] must be a number.`)
  return last
}
