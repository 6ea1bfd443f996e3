// Graphs lowered to our own operators, for tests that look at nodes.
import type { TfNode } from '#backends/tensorflow/graph-def.ts'
import { type LoweredGraph, lowerGraph } from '#backends/tensorflow/lower.ts'
import type { WeightLocation } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'

export type Products = 'float32' | 'bfloat16'
export const bothProducts: readonly Products[] = ['float32', 'bfloat16']

/** Frozen weights as if in memory: a graph is lowered, not run. */
export function weightsOf(graph: Graph): ReadonlyMap<string, WeightLocation> {
  const frozen = graph.parameters.filter(({ isTrainable }) => !isTrainable)
  return new Map(
    frozen.map(({ value }) => {
      const tensor = { dtype: 'float32', shape: [], data: new Float32Array(0) } as const
      return [value.name, { kind: 'memory', tensor }]
    }),
  )
}

export const lower = (graph: Graph, products: Products, hasKernels = true): LoweredGraph =>
  lowerGraph(graph, { weights: weightsOf(graph), products, hasKernels })

export const isOurs = ({ operator }: TfNode): boolean => operator.startsWith('Tunewright')
export const ofOperator = ({ nodes }: LoweredGraph, operator: string): readonly TfNode[] =>
  nodes.filter((node) => node.operator === operator)
export const flag = ({ attributes }: TfNode, name: string): boolean =>
  (attributes[name] as { readonly value: boolean }).value
export const number = ({ attributes }: TfNode, name: string): number =>
  (attributes[name] as { readonly value: number }).value
export const nodeOf = (tensor: string): string => tensor.split(':', 1)[0]!

export function ancestorsOf(nodes: readonly TfNode[], name: string): ReadonlySet<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const found = new Set<string>()
  const open = [name]
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    const { inputs, controls } = byName.get(current)!
    for (const other of [...inputs.map(nodeOf), ...controls])
      if (!found.has(other)) {
        found.add(other)
        open.push(other)
      }
  }
  return found
}
