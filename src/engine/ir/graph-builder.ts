// Builds a graph node by node: names made unique, shapes and dtypes inferred. The only place that makes Values.
import { GraphError, inferTypes } from './type-rules.ts'
import type { Dim, DType, Graph, OpKind, OpNode, OpTable, Parameter, Value } from './types.ts'

export class GraphBuilder {
  #inputs: Value[] = []
  #parameters: Parameter[] = []
  #nodes: OpNode[] = []
  #outputs: Value[] = []
  #names = new Set<string>()
  #nameCounts = new Map<string, number>()
  #producers = new Map<number, OpNode>()
  #nextId = 0
  #region = ''

  /** A builder that goes on where a graph ended: ids and names stay unique, outputs are kept. */
  static extending(graph: Graph): GraphBuilder {
    const builder = new GraphBuilder()
    builder.#inputs = [...graph.inputs]
    builder.#parameters = [...graph.parameters]
    builder.#outputs = [...graph.outputs]
    for (const value of [...graph.inputs, ...graph.parameters.map((p) => p.value)]) builder.#adopt(value)
    for (const node of graph.nodes) {
      for (const value of node.outputs) builder.#adopt(value)
      builder.#push(node)
    }
    return builder
  }

  /** A value fed on every run, under exactly this name. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value = this.#value(this.#claim(name), dtype, shape)
    this.#inputs.push(value)
    return value
  }

  /** A weight, float32, under exactly this name. */
  parameter(name: string, shape: readonly Dim[], isTrainable: boolean): Value {
    const value = this.#value(this.#claim(name), 'float32', shape)
    this.#parameters.push({ value, isTrainable })
    return value
  }

  /** Nodes that `work` adds belong to `region`. */
  inRegion<T>(region: string, work: () => T): T {
    const before = this.#region
    this.#region = region
    try {
      return work()
    } finally {
      this.#region = before
    }
  }

  /** Adds one op. `names` are wishes for its results: a name that is taken gets a number. */
  add<K extends OpKind>(
    kind: K,
    inputs: OpTable[K]['inputs'],
    attributes: OpTable[K]['attributes'],
    ...names: readonly string[]
  ): OpTable[K]['outputs'] {
    if (this.#region === '') throw new GraphError(`${kind}: added outside of a region`)
    const outputs = inferTypes(kind, inputs, attributes).map((type, index) => {
      const wish = names[index] ?? (names[0] === undefined ? kind : `${names[0]}.${index}`)
      return this.#value(this.#uniqueName(wish), type.dtype, type.shape)
    })
    // Kind, inputs and attributes are of one K by the signature; a union of nodes cannot express that for a generic K.
    const node = Object.freeze({
      kind,
      inputs: Object.freeze([...inputs]),
      outputs: Object.freeze(outputs),
      attributes: Object.freeze({ ...attributes }),
      region: this.#region,
    }) as unknown as OpNode
    this.#push(node)
    return outputs as unknown as OpTable[K]['outputs']
  }

  /** The node that computes a value; undefined for graph inputs and parameters. */
  producerOf(value: Value): OpNode | undefined {
    return this.#producers.get(value.id)
  }

  /** A run returns this value, under its name. */
  output(value: Value): void {
    this.#outputs.push(value)
  }

  build(): Graph {
    return Object.freeze({
      inputs: [...this.#inputs],
      parameters: [...this.#parameters],
      nodes: [...this.#nodes],
      outputs: [...this.#outputs],
    })
  }

  #push(node: OpNode): void {
    this.#nodes.push(node)
    for (const value of node.outputs) this.#producers.set(value.id, node)
  }

  #adopt(value: Value): void {
    this.#names.add(value.name)
    this.#nextId = Math.max(this.#nextId, value.id + 1)
  }

  #value(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value = Object.freeze({ id: this.#nextId, name, shape: Object.freeze([...shape]), dtype })
    this.#nextId += 1
    return value
  }

  #claim(name: string): string {
    if (this.#names.has(name)) throw new GraphError(`the name ${name} is taken`)
    this.#names.add(name)
    return name
  }

  #uniqueName(wish: string): string {
    let name = wish
    while (this.#names.has(name)) {
      const count = (this.#nameCounts.get(wish) ?? 1) + 1
      this.#nameCounts.set(wish, count)
      name = `${wish}#${count}`
    }
    return this.#claim(name)
  }
}
