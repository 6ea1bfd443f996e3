// Writes ONNX nodes, into the graph or into the body of a loop: fresh names, what is shared where, constants, views and
// casts. It knows nothing of the graph that is lowered. Pure: no file, no runtime.
import { splitRegion } from '#engine/ir/region.ts'
import type { Dim } from '#engine/ir/types.ts'
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

export class NodeWriter {
  readonly nodes: OnnxNode[] = []
  readonly constants = new Map<string, OnnxConstant>()
  /** Shapes of results, as far as they were told. */
  readonly shapes = new Map<string, OnnxPort>()
  readonly dialect: Dialect
  /** The graph first, the innermost body last. */
  readonly #scopes: Scope[] = [{ nodes: this.nodes, shared: new Map(), place: '' }]
  #counter = 0
  #region = ''

  constructor(dialect: Dialect) {
    this.dialect = dialect
  }

  /** What is emitted from now on belongs to this region of the graph, e.g. 'layer.3.backward' or 'loss.0'. */
  enter(region: string): void {
    this.#region = region
  }

  /**
   * The runtime lets a result take over the memory of an earlier one whose shape has the same symbols, and holds that
   * memory for it in between. So symbols differ from phase to phase: the forward pass would otherwise hold its last
   * block's memory for the backward pass through the loss, where memory is tightest.
   */
  protected tellShape(
    name: string,
    elementType: ElementType,
    shape: readonly Dim[],
    region = this.#region,
  ): void {
    const suffix = `${this.#scopes.at(-1)!.place}${memoryPhaseOf(region)}`
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : `${dim}${suffix}`))
    this.shapes.set(name, { name, elementType, dims })
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
    if (options.shape) this.tellShape(outputs[0]!, 'float32', options.shape)
    return outputs[0]!
  }

  /** Makes a result once per key: masks, shapes, views. Sharing is by meaning here, since the optimizer stays off. */
  share(key: string, make: () => string): string {
    const known = this.sharedAs(key)
    if (known !== undefined) return known
    const made = make()
    this.remember(key, made)
    return made
  }

  /** What is shared around a body is known in it, not the other way round. */
  protected sharedAs(key: string): string | undefined {
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

  protected shareAround(key: string, make: () => string): string {
    return this.around(() => this.share(key, make))
  }

  integers(values: readonly number[]): string {
    return this.shareAround(`int64[${values.join()}]`, () =>
      this.#constant('int64', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
    )
  }

  integer(value: number): string {
    return this.shareAround(`int64 ${value}`, () =>
      this.#constant('int64', [], new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)),
    )
  }

  scalar(value: number): string {
    return this.shareAround(`float32 ${value}`, () =>
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
}

const isLoss = (region: string): boolean => region.startsWith('loss.')

function memoryPhaseOf(region: string): string {
  if (isLoss(region)) return ':loss'
  return splitRegion(region).phase === 'forward' ? '' : ':back'
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
