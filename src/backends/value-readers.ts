// Which kinds of ops read a value of a graph: lowerings spare what only some of them ask for.
import type { Graph, OpKind, Value } from '#engine/ir/types.ts'

export class ValueReaders {
  /** By the value's id; 'output' for the graph's results. */
  readonly #kinds = new Map<number, Set<OpKind | 'output'>>()

  constructor(graph: Graph) {
    for (const node of graph.nodes) for (const value of node.inputs) if (value) this.#note(value, node.kind)
    for (const value of graph.outputs) this.#note(value, 'output')
  }

  #note(value: Value, reader: OpKind | 'output'): void {
    const kinds = this.#kinds.get(value.id) ?? new Set()
    this.#kinds.set(value.id, kinds.add(reader))
  }

  /** Whether nothing but ops of these kinds reads the value. */
  areOnly(value: Value, kinds: readonly OpKind[]): boolean {
    return [...(this.#kinds.get(value.id) ?? [])].every(
      (reader) => reader !== 'output' && kinds.includes(reader),
    )
  }
}
