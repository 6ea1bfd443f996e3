// Who reads a value, and in which precision: our operators write float32, bfloat16 or both, and nothing that nobody reads.
import type { Graph, OpNode, Value } from '#engine/ir/types.ts'

/** How an operand is read: in float32, in bfloat16, in both. */
export type Reading = 'full' | 'half' | 'both'

/** How many read a value in float32 (graph outputs are read so), and in bfloat16. */
export interface Need {
  readonly full: number
  readonly half: number
}

/** How a node reads its operands, in their order; `ofResult`: who reads its results. */
export type ReadingsOf = (node: OpNode, ofResult: (value: Value) => Need) => readonly Reading[]

const nobody: Need = { full: 0, half: 0 }

/** From the last node to the first: who reads a result is known before its node is asked how it reads. */
export class Needs {
  /** By the value's id. */
  readonly #needs = new Map<number, Need>()

  constructor(graph: Graph, readingsOf: ReadingsOf) {
    for (const value of graph.outputs) this.#note(value, 'full')
    for (const node of graph.nodes.toReversed()) {
      const readings = readingsOf(node, (value) => this.of(value))
      for (const [index, value] of node.inputs.entries()) if (value) this.#note(value, readings[index]!)
    }
  }

  of({ id }: Value): Need {
    return this.#needs.get(id) ?? nobody
  }

  /** Whether one node reads the value, once, in float32. */
  isReadOnce(value: Value): boolean {
    const { full, half } = this.of(value)
    return full === 1 && half === 0
  }

  #note(value: Value, reading: Reading): void {
    const { full, half } = this.of(value)
    this.#needs.set(value.id, {
      full: full + (reading === 'half' ? 0 : 1),
      half: half + (reading === 'full' ? 0 : 1),
    })
  }
}
