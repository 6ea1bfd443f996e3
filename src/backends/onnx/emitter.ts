// Collects the ONNX nodes of one lowering: fresh names, shared constants, views and casts. It decides nothing about
// operators; the rules do. Pure: no file, no runtime.
import type { QuantisedLocation, WeightLocation } from '#engine/backend-port.ts'
import { splitRegion } from '#engine/ir/region.ts'
import type { Dim, Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import {
  type ElementType,
  elementTypes,
  type OnnxAttribute,
  type OnnxBody,
  type OnnxConstant,
  type OnnxNode,
  type OnnxPort,
} from './model-proto.ts'

export type Attributes = Readonly<Record<string, number | string | readonly number[] | OnnxAttribute>>

export interface NodeOptions {
  readonly domain?: '' | 'com.microsoft'
  /** A whole number becomes an integer attribute; a fraction must be given by `float`. */
  readonly attributes?: Attributes
  /** Names of the results; without it one fresh name is made. */
  readonly outputs?: readonly string[]
  /**
   * Shape of the first result. It may be left out for small or named results only: without a shape the runtime neither
   * works in place nor uses memory again, and planning its memory takes quadratic time.
   */
  readonly shape?: readonly Dim[]
}

export const float = (value: number): OnnxAttribute => ({ kind: 'float', value })

/** Nodes of the graph, or of the body of a loop in it, and what was made there to be shared. */
interface Scope {
  readonly nodes: OnnxNode[]
  readonly shared: Map<string, string>
  /** Behind every symbol of shapes told here: sizes that are equal nowhere else must not be called so. */
  readonly place: string
}

/**
 * 'cpu' is what ONNX Runtime is fastest with on processors: its own fused operators, loops, sequences. 'portable' is what all
 * providers for graphics cards compute themselves and compute right: operators of the standard, no control flow, no
 * whole-number arithmetic on large tensors (docs/backends.md).
 */
export type Dialect = 'cpu' | 'portable'

/** Emits a weight of 4 or 8 bits as float32 and returns its name. */
export type Dequantise = (emit: Emitter, weight: Value, location: QuantisedLocation) => string

interface EmitterOptions {
  readonly dequantise: Dequantise
  readonly dialect: Dialect
  readonly isHalfWidened: boolean
}

export class Emitter {
  readonly nodes: OnnxNode[] = []
  readonly constants = new Map<string, OnnxConstant>()
  /** Shapes of results, as far as they were told. */
  readonly shapes = new Map<string, OnnxPort>()
  readonly dialect: Dialect
  /** Numbers of half precision in files are given as float32 already. */
  readonly isHalfWidened: boolean
  readonly #graph: Graph
  readonly #weights: ReadonlyMap<string, WeightLocation>
  readonly #dequantise: Dequantise
  /** The graph first, the innermost body last. */
  readonly #scopes: Scope[] = [{ nodes: this.nodes, shared: new Map(), place: '' }]
  readonly #producers = new Map<number, OpNode>()
  /** Kinds of the nodes that read a value; 'output' for the graph's results. */
  readonly #readers = new Map<number, Set<OpKind | 'output'>>()
  readonly #rowFactors = new Map<number, string>()
  #counter = 0
  #region = ''

  constructor(
    graph: Graph,
    weights: ReadonlyMap<string, WeightLocation>,
    { dequantise, dialect, isHalfWidened }: EmitterOptions,
  ) {
    this.dialect = dialect
    this.isHalfWidened = isHalfWidened
    this.#graph = graph
    this.#weights = weights
    this.#dequantise = dequantise
    for (const node of graph.nodes) {
      for (const value of node.outputs) {
        this.#producers.set(value.id, node)
        this.#tellShape(value.name, value.dtype, value.shape, node.region)
      }
      for (const value of node.inputs) if (value) this.#noteReader(value, node.kind)
    }
    for (const value of graph.outputs) this.#noteReader(value, 'output')
  }

  #noteReader(value: Value, reader: OpKind | 'output'): void {
    const readers = this.#readers.get(value.id) ?? new Set()
    this.#readers.set(value.id, readers.add(reader))
  }

  /**
   * The runtime lets a result take over the memory of an earlier one whose shape has the same symbols, and holds that
   * memory for it in between. So symbols differ from phase to phase: the forward pass would otherwise hold its last
   * block's memory for the backward pass through the loss, where memory is tightest.
   */
  #tellShape(name: string, elementType: ElementType, shape: readonly Dim[], region: string): void {
    const suffix = `${this.#scopes.at(-1)!.place}${memoryPhaseOf(region)}`
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : `${dim}${suffix}`))
    this.shapes.set(name, { name, elementType, dims })
  }

  /** Whether any node or graph output reads this value. */
  isUsed(value: Value): boolean {
    return this.#readers.has(value.id)
  }

  /** Whether nothing but ops of these kinds reads the value. */
  isReadOnlyBy(value: Value, ...kinds: readonly OpKind[]): boolean {
    return [...(this.#readers.get(value.id) ?? [])].every(
      (reader) => reader !== 'output' && kinds.includes(reader),
    )
  }

  /** Declares that the value is `factors` [rows,1] times the tensor of its name; whoever reads it must ask. */
  oweRowFactors(value: Value, factors: string): void {
    this.#rowFactors.set(value.id, factors)
  }

  rowFactorsOf(value: Value): string | null {
    return this.#rowFactors.get(value.id) ?? null
  }

  producerOf(value: Value): OpNode | undefined {
    return this.#producers.get(value.id)
  }

  /** A name that nothing else has. */
  fresh(hint: string): string {
    this.#counter += 1
    return `${hint}~${this.#counter}`
  }

  /** Adds one node and returns the name of its first result. */
  node(operator: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const outputs = options.outputs ?? [this.fresh(operator)]
    const attributes: Record<string, OnnxAttribute> = {}
    for (const [name, value] of Object.entries(options.attributes ?? {}))
      attributes[name] = asAttribute(value)
    this.#scopes.at(-1)!.nodes.push({ operator, domain: options.domain ?? '', inputs, outputs, attributes })
    if (options.shape) this.#tellShape(outputs[0]!, 'float32', options.shape, this.#region)
    return outputs[0]!
  }

  /** Makes a result once per key: masks, shapes, views. Sharing is by meaning here, since the optimizer stays off. */
  share(key: string, make: () => string): string {
    const known = this.#sharedAs(key)
    if (known !== undefined) return known
    const made = make()
    this.remember(key, made)
    return made
  }

  /** What is shared around a body is known in it, not the other way round. */
  #sharedAs(key: string): string | undefined {
    return this.#scopes.findLast(({ shared }) => shared.has(key))?.shared.get(key)
  }

  /** Makes something in the graph itself, whatever body is being written: it must rest on nothing made there. */
  around<T>(make: () => T): T {
    const bodies = this.#scopes.splice(1)
    const made = make()
    this.#scopes.push(...bodies)
    return made
  }

  /** The body of a loop; `write` names its results. It stands for itself: what is shared in it stays in it. */
  body(inputs: readonly OnnxPort[], write: () => readonly OnnxPort[]): OnnxBody {
    const nodes: OnnxNode[] = []
    this.#scopes.push({ nodes, shared: new Map(), place: '' })
    const outputs = write()
    this.#scopes.pop()
    const made = new Set(nodes.flatMap((node) => node.outputs))
    for (const { name } of outputs) made.delete(name)
    return { nodes, inputs, outputs, between: [...this.shapes.values()].filter(({ name }) => made.has(name)) }
  }

  /**
   * What `make` shares stays there, as in a body, though its nodes lie where all others do. Symbols of shapes told there
   * mean the same sizes only where `place` is the same.
   */
  apart<T>(place: string, make: () => T): T {
    this.#scopes.push({ nodes: this.#scopes.at(-1)!.nodes, shared: new Map(), place: ` of ${place}` })
    const made = make()
    this.#scopes.pop()
    return made
  }

  /** Declares that `name` is what `share(key)` would make. */
  remember(key: string, name: string): void {
    this.#scopes.at(-1)!.shared.set(key, name)
  }

  #shareAround(key: string, make: () => string): string {
    return this.around(() => this.share(key, make))
  }

  integers(values: readonly number[]): string {
    return this.#shareAround(`int64[${values.join()}]`, () =>
      this.#constant('int64', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
    )
  }

  integer(value: number): string {
    return this.#shareAround(`int64 ${value}`, () =>
      this.#constant('int64', [], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)),
    )
  }

  scalar(value: number): string {
    return this.#shareAround(`float32 ${value}`, () =>
      this.#constant('float32', [], new Uint8Array(Float32Array.of(value).buffer)),
    )
  }

  #constant(elementType: ElementType, dims: readonly number[], bytes: Uint8Array): string {
    const name = this.fresh('constant')
    this.constants.set(name, { elementType, dims, bytes })
    return name
  }

  /** A tensor of constants, to be shared by whoever asks. */
  floats(dims: readonly number[], values: Float32Array): string {
    return this.around(() => this.#constant('float32', dims, new Uint8Array(values.slice().buffer)))
  }

  /** Where a frozen weight lies; null for everything else. */
  locationOf(value: Value): WeightLocation | null {
    return this.#weights.get(value.name) ?? null
  }

  /** What is emitted from now on belongs to this region of the graph, e.g. 'layer.3.backward' or 'loss.0'. */
  enter(region: string): void {
    this.#region = region
  }

  /**
   * The name under which a value is read as its own dtype. A weight of fewer bits is made float32 anew in every region,
   * so that the copy lives for one operator only; the loss chunks, which follow each other, share one.
   */
  read(value: Value): string {
    const location = this.locationOf(value)
    if (location?.kind === 'quantised')
      return this.shareNearby(`${value.name} as float32`, () => this.#dequantise(this, value, location))
    if (location?.kind !== 'file' || location.dtype === value.dtype || this.isHalfWidened) return value.name
    return this.shareNearby(`${value.name} as float32`, () =>
      this.castToFloat(value.name, { shape: value.shape }),
    )
  }

  /** Numbers of half precision, as they lie in a file or picked from there. */
  halfToFloat(name: string): string {
    return this.isHalfWidened ? name : this.castToFloat(name, {})
  }

  /** Shared in this region, or in all loss chunks. */
  shareNearby(key: string, make: () => string): string {
    const scope = isLoss(this.#region) ? 'loss' : this.#region
    return this.share(`${key} in ${scope}`, make)
  }

  castToFloat(name: string, options: NodeOptions): string {
    return this.node('Cast', [name], { ...options, attributes: { to: elementTypes.float32 } })
  }

  /** One number everywhere; `target` is an int64 vector. ConstantOfShape would make it on the processor and copy it. */
  filled(value: number, target: string, options: NodeOptions): string {
    if (this.dialect === 'portable') return this.node('Expand', [this.scalar(value), target], options)
    const [dims, bytes] = [[1], new Uint8Array(Float32Array.of(value).buffer)]
    const attributes = { value: { kind: 'tensor', value: { elementType: 'float32', dims, bytes } } } as const
    return this.node('ConstantOfShape', [target], { ...options, attributes })
  }

  /** A view of a tensor with another shape: 0 keeps a dimension, -1 is inferred. ONNX Runtime does not copy. */
  reshape(name: string, target: readonly number[], options: NodeOptions = {}): string {
    return this.node('Reshape', [name, this.integers(target)], options)
  }

  /**
   * [..., C] as [rows, C]; made once per tensor. Everything but attention and rotary embedding works on rows: memory
   * is used again only for results whose shapes match, so one form means fewer buffers (and far fewer views).
   */
  asRows(value: Value): string {
    const name = this.read(value)
    if (value.shape.length < 3) return name
    return this.share(`rows of ${name}`, () =>
      this.reshape(name, [-1, lastOf(value.shape)], { shape: rowsShape(value.shape) }),
    )
  }

  /** Gives `value` its own shape from a [rows, C] tensor; later `asRows` of it finds that tensor again. */
  fromRows(rows: string, value: Value): void {
    this.node('Reshape', [rows, this.shapeOf(value.shape)], { outputs: [value.name] })
    this.remember(`rows of ${value.name}`, rows)
  }

  /** Adds one node whose results [rows, C] are the values' rows. */
  rowsNode(
    operator: string,
    inputs: readonly string[],
    values: readonly Value[],
    options: NodeOptions = {},
  ): void {
    const outputs = values.map((value) => (value.shape.length < 3 ? value.name : this.fresh(operator)))
    this.node(operator, inputs, { ...options, outputs })
    for (const [index, value] of values.entries()) {
      const name = outputs[index]!
      if (name === value.name) continue
      this.#tellShape(name, value.dtype, rowsShape(value.shape), this.#region)
      this.fromRows(name, value)
    }
  }

  /** A value in another shape: a view. */
  viewAs(value: Value, shape: readonly Dim[]): string {
    const name = this.#sharedAs(`rows of ${value.name}`) ?? value.name
    return this.node('Reshape', [name, this.shapeOf(shape)])
  }

  /** An int64 vector with the sizes of `shape`, symbols resolved when the graph runs. */
  shapeOf(shape: readonly Dim[]): string {
    const unknown = shape.filter((dim) => typeof dim === 'string').length
    if (unknown === 0) return this.integers(shape as readonly number[])
    return this.#shareAround(`shape [${shape.join()}]`, () =>
      shape.length === 1
        ? this.sizeOf(shape[0]!)
        : this.node(
            'Concat',
            shape.map((dim) => this.sizeOf(dim)),
            { attributes: { axis: 0 } },
          ),
    )
  }

  /** The shape [rows, C] of [..., C] as an int64 vector. */
  shapeAsRows(shape: readonly Dim[]): string {
    if (shape.length === 2) return this.shapeOf(shape)
    return this.#shareAround(`shape of rows [${shape.join()}]`, () => {
      const leading = shape.slice(0, -1).map((dim) => this.sizeOf(dim))
      const rows = leading.reduce((product, size) => this.node('Mul', [product, size]))
      return this.node('Concat', [rows, this.sizeOf(lastOf(shape))], { attributes: { axis: 0 } })
    })
  }

  /** One dimension as an int64 vector of length 1; a symbol is read off a tensor that is fed on every run. */
  sizeOf(dim: Dim): string {
    if (typeof dim === 'number') return this.integers([dim])
    return this.#shareAround(`size ${dim}`, () => {
      for (const value of this.#graph.inputs) {
        const axis = value.shape.indexOf(dim)
        if (axis >= 0) return this.node('Shape', [value.name], { attributes: { start: axis, end: axis + 1 } })
      }
      throw new Error(`No graph input has the dimension ${dim}.`)
    })
  }

  /**
   * `name` unchanged, but a result of `dependencies` too: a view whose shape [0,0,...] ("keep every dimension") is
   * computed from the last dimensions of the dependencies. The bytes are neither copied nor touched, so bits, NaN and infinity
   * stay as they are. It holds only while the runtime neither folds shapes nor merges nodes: the optimizer is off.
   */
  tie(name: string, shape: readonly Dim[], dependencies: readonly string[]): string {
    const sizes = dependencies.map((dependency) =>
      this.node('Shape', [dependency], { attributes: { start: -1 } }),
    )
    const total = sizes.reduce((sum, size) => this.node('Add', [sum, size]))
    const keepAll = this.node('Mul', [this.integers(shape.map(() => 0)), total])
    return this.node('Reshape', [name, keepAll], { shape })
  }
}

const isLoss = (region: string): boolean => region.startsWith('loss.')

function memoryPhaseOf(region: string): string {
  if (isLoss(region)) return ':loss'
  return splitRegion(region).phase === 'forward' ? '' : ':back'
}

/** The product of sizes: a number, or a symbol of its own such as 'B*S'. Equal symbols are equal sizes. */
export function productOf(dims: readonly Dim[]): Dim {
  const known = dims.filter((dim) => typeof dim === 'number').reduce((product, size) => product * size, 1)
  const symbols = dims.filter((dim) => typeof dim === 'string')
  if (symbols.length === 0) return known
  return known === 1 ? symbols.join('*') : `${known}*${symbols.join('*')}`
}

/** [..., C] -> [rows, C]; vectors stay what they are. */
export const rowsShape = (shape: readonly Dim[]): readonly Dim[] =>
  shape.length < 3 ? shape : [productOf(shape.slice(0, -1)), shape.at(-1)!]

export function lastOf(shape: readonly Dim[]): number {
  const last = shape.at(-1)
  if (typeof last !== 'number') throw new Error(`The last dimension of [${shape.join()}] must be a number.`)
  return last
}

function asAttribute(value: Attributes[string]): OnnxAttribute {
  if (typeof value === 'string') return { kind: 'string', value }
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw new Error(`Attribute ${value} is a fraction: use float().`)
    return { kind: 'int', value }
  }
  return isIntegers(value) ? { kind: 'ints', value } : value
}

const isIntegers = (value: OnnxAttribute | readonly number[]): value is readonly number[] =>
  Array.isArray(value)
