// Small rewrites that passes share: replacing operands, renaming values, putting nodes into a valid order.
import { GraphError } from './type-rules.ts'
import type { Graph, OpNode, Value } from './types.ts'

/** Operands of a node that are present. */
export function operandsOf(node: OpNode): readonly Value[] {
  return (node.inputs as readonly (Value | null)[]).filter((value) => value !== null)
}

/** The node that computes each value, by value id. */
export function producersOf(nodes: readonly OpNode[]): ReadonlyMap<number, OpNode> {
  const producers = new Map<number, OpNode>()
  for (const node of nodes) for (const value of node.outputs) producers.set(value.id, node)
  return producers
}

/** The same node on other operands: `replacement` gives the new value, or undefined to keep the old one. */
export function replaceOperands(node: OpNode, replacement: (value: Value) => Value | undefined): OpNode {
  const inputs = (node.inputs as readonly (Value | null)[]).map((value) =>
    value ? (replacement(value) ?? value) : null,
  )
  // The operands keep their places and types, so the node stays of its kind.
  return Object.freeze({ ...node, inputs: Object.freeze(inputs) }) as unknown as OpNode
}

/** The graph with new names for some of its nodes' results, by value id. */
export function renameValues(graph: Graph, names: ReadonlyMap<number, string>): Graph {
  const renamed = new Map<number, Value>()
  const rename = (value: Value): Value => {
    const name = names.get(value.id)
    if (name === undefined) return value
    const known = renamed.get(value.id) ?? Object.freeze({ ...value, name })
    renamed.set(value.id, known)
    return known
  }
  const nodes = graph.nodes.map((node) => {
    const outputs = Object.freeze((node.outputs as readonly Value[]).map(rename))
    return Object.freeze({ ...replaceOperands(node, rename), outputs }) as unknown as OpNode
  })
  return Object.freeze({ ...graph, nodes, outputs: graph.outputs.map(rename) })
}

/**
 * Nodes in an order in which operands come first, as near to the given order as that allows: a node moves up only
 * to stand directly before its first user's other operands.
 */
export function sortNodes(nodes: readonly OpNode[]): readonly OpNode[] {
  const producers = producersOf(nodes)
  const sorted: OpNode[] = []
  const state = new Map<OpNode, 'open' | 'done'>()
  const visit = (node: OpNode): void => {
    const known = state.get(node)
    if (known === 'done') return
    if (known === 'open') throw new GraphError(`${node.outputs[0].name} depends on itself`)
    state.set(node, 'open')
    for (const value of operandsOf(node)) {
      const producer = producers.get(value.id)
      if (producer) visit(producer)
    }
    state.set(node, 'done')
    sorted.push(node)
  }
  for (const node of nodes) visit(node)
  return sorted
}

/** The graph with other operands wherever `replacement` gives one, its nodes put back into a valid order. */
export function rewire(graph: Graph, replacement: (node: OpNode, value: Value) => Value | undefined): Graph {
  const nodes = graph.nodes.map((node) => replaceOperands(node, (value) => replacement(node, value)))
  return { ...graph, nodes: sortNodes(nodes) }
}
