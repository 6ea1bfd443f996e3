// A graph as text: one line a node, grouped by region. Golden tests are this text, so its form is stable.
import { describeType } from './type-rules.ts'
import type { Graph, OpNode, Value } from './types.ts'

const typed = (value: Value): string => `${value.name}: ${describeType(value)}`

function printNode(node: OpNode): string {
  const results = (node.outputs as readonly Value[]).map(typed).join(', ')
  const operands = (node.inputs as readonly (Value | null)[]).map((value) => value?.name ?? '_').join(', ')
  const attributes = Object.entries(node.attributes)
    .map(([key, value]) => ` ${key}=${value}`)
    .join('')
  return `  ${results} = ${node.kind}(${operands})${attributes}`
}

/** Inputs, weights, nodes and outputs in order; a region's name is printed where it changes. */
export function printGraph(graph: Graph): string {
  const lines: string[] = []
  if (graph.inputs.length > 0) lines.push('inputs', ...graph.inputs.map((value) => `  ${typed(value)}`))
  if (graph.parameters.length > 0) lines.push('weights')
  for (const { value, isTrainable } of graph.parameters)
    lines.push(`  ${typed(value)}${isTrainable ? ' trainable' : ''}`)
  let region = ''
  for (const node of graph.nodes) {
    if (node.region !== region) lines.push(`region ${node.region}`)
    region = node.region
    lines.push(printNode(node))
  }
  lines.push('outputs', ...graph.outputs.map((value) => `  ${value.name}`))
  return lines.join('\n')
}
