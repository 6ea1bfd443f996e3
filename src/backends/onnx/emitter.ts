// Collects the ONNX nodes of one graph: its values as they are read, their rows, sizes and ties. It decides nothing about
// operators; the rules do. Pure: no file, no runtime.
import type { QuantisedLocation, WeightLocation } from '#engine/backend-port.ts'
import type { Dim, Graph, OpKind, OpNode, Value } from '#engine/ir/types.ts'
import { ValueReaders } from '../value-readers.ts'
import { type Dialect, type NodeOptions, NodeWriter } from './node-writer.ts'
import { lastOf, rowsShape } from './shapes.ts'

/** Emits a weight of 4 or 8 bits as float32 and returns its name. */
export type Dequantise = (emit: Emitter, weight: Value, location: QuantisedLocation) => string

interface EmitterOptions {
  readonly dequantise: Dequantise
  readonly dialect: Dialect
  readonly isHalfWidened: boolean
}

export class Emitter extends NodeWriter {
  /** Numbers of half precision in files are given as float32 already. */
  readonly isHalfWidened: boolean
  readonly #graph: Graph
  readonly #weights: ReadonlyMap<string, WeightLocation>
  readonly #dequantise: Dequantise
  readonly #producers = new Map<number, OpNode>()
  readonly #readers: ValueReaders
  readonly #rowFactors = new Map<number, string>()

  constructor(
    graph: Graph,
    weights: ReadonlyMap<string, WeightLocation>,
    { dequantise, dialect, isHalfWidened }: EmitterOptions,
  ) {
    super(dialect)
    this.isHalfWidened = isHalfWidened
    this.#graph = graph
    this.#weights = weights
    this.#dequantise = dequantise
    this.#readers = new ValueReaders(graph)
    for (const node of graph.nodes)
      for (const value of node.outputs) {
        this.#producers.set(value.id, node)
        this.tellShape(value.name, value.dtype, value.shape, node.region)
      }
  }

  /** Whether nothing but ops of these kinds reads the value. */
  isReadOnlyBy(value: Value, ...kinds: readonly OpKind[]): boolean {
    return this.#readers.areOnly(value, kinds)
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

  /** Where a frozen weight lies; null for everything else. */
  locationOf(value: Value): WeightLocation | null {
    return this.#weights.get(value.name) ?? null
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
      this.tellShape(name, value.dtype, rowsShape(value.shape))
      this.fromRows(name, value)
    }
  }

  /** A value in another shape: a view. */
  viewAs(value: Value, shape: readonly Dim[]): string {
    const name = this.sharedAs(`rows of ${value.name}`) ?? value.name
    return this.node('Reshape', [name, this.shapeOf(shape)])
  }

  /** An int64 vector with the sizes of `shape`, symbols resolved when the graph runs. */
  shapeOf(shape: readonly Dim[]): string {
    const unknown = shape.filter((dim) => typeof dim === 'string').length
    if (unknown === 0) return this.integers(shape as readonly number[])
    return this.shareAround(`shape [${shape.join()}]`, () =>
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
    return this.shareAround(`shape of rows [${shape.join()}]`, () => {
      const leading = shape.slice(0, -1).map((dim) => this.sizeOf(dim))
      const rows = leading.reduce((product, size) => this.node('Mul', [product, size]))
      return this.node('Concat', [rows, this.sizeOf(lastOf(shape))], { attributes: { axis: 0 } })
    })
  }

  /** One dimension as an int64 vector of length 1; a symbol is read off a tensor that is fed on every run. */
  sizeOf(dim: Dim): string {
    if (typeof dim === 'number') return this.integers([dim])
    return this.shareAround(`size ${dim}`, () => {
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
