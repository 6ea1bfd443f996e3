// The law of graphs, checked after every pass. A graph that breaks it is a bug of ours: GraphError is thrown.
import { describeType, GraphError, inferNodeTypes, sameShape } from './type-rules.ts'
import type { Graph, OpNode, Value } from './types.ts'

interface Seen {
  readonly byId: Map<number, Value>
  readonly names: Set<string>
}

function define(seen: Seen, value: Value): void {
  if (seen.byId.has(value.id)) throw new GraphError(`${value.name}: id ${value.id} is defined twice`)
  if (seen.names.has(value.name)) throw new GraphError(`the name ${value.name} is used twice`)
  if (value.name === '' || /\s/.test(value.name)) throw new GraphError(`"${value.name}" is no printable name`)
  for (const dim of value.shape)
    if (typeof dim === 'number' && !(Number.isInteger(dim) && dim > 0))
      throw new GraphError(`${value.name}: ${dim} is no dimension`)
  seen.byId.set(value.id, value)
  seen.names.add(value.name)
}

function verifyOperand(seen: Seen, node: OpNode, value: Value): void {
  const defined = seen.byId.get(value.id)
  const user = node.outputs[0].name
  if (!defined) throw new GraphError(`${user} uses ${value.name} before it is defined`)
  if (defined.name !== value.name || describeType(defined) !== describeType(value))
    throw new GraphError(
      `${user} sees ${value.name} as ${describeType(value)}, defined was ${defined.name} as ${describeType(defined)}`,
    )
}

function verifyNode(seen: Seen, node: OpNode): void {
  if (node.region === '') throw new GraphError(`${node.outputs[0].name} has no region`)
  for (const value of node.inputs) if (value) verifyOperand(seen, node, value)
  const types = inferNodeTypes(node)
  if (types.length !== node.outputs.length)
    throw new GraphError(`${node.kind} gives ${types.length} results, got ${node.outputs.length}`)
  for (const [index, type] of types.entries()) {
    const value = node.outputs[index]
    if (!value || value.dtype !== type.dtype || !sameShape(value.shape, type.shape))
      throw new GraphError(
        `${value?.name} is ${describeType(type)}, stated was ${value && describeType(value)}`,
      )
    define(seen, value)
  }
}

/**
 * Single assignment with definition before use, unique ids and names, shapes and dtypes as the rules derive them,
 * a region on every node, outputs that exist once, weights in float32. Throws GraphError.
 */
export function verifyGraph(graph: Graph): void {
  const seen: Seen = { byId: new Map(), names: new Set() }
  for (const value of graph.inputs) define(seen, value)
  for (const { value, isTrainable } of graph.parameters) {
    define(seen, value)
    if (value.dtype !== 'float32') throw new GraphError(`weight ${value.name} is not float32`)
    if (isTrainable && value.shape.some((dim) => typeof dim === 'string'))
      throw new GraphError(`trainable ${value.name}: ${describeType(value)} has no fixed size`)
  }
  for (const node of graph.nodes) verifyNode(seen, node)
  const outputs = new Set<number>()
  for (const value of graph.outputs) {
    const defined = seen.byId.get(value.id)
    if (!defined || defined.name !== value.name) throw new GraphError(`output ${value.name} is never defined`)
    if (outputs.has(value.id)) throw new GraphError(`output ${value.name} is listed twice`)
    outputs.add(value.id)
  }
}
