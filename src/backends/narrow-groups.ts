// Products with narrow matrices, an adapter's, that read the same rows are computed as one by every backend: three of them
// 8 wide take nearly three times as long as one of them 24 wide. Which nodes belong together. Pure.
import type { Graph, OpNode, Value } from '#engine/ir/types.ts'
import { groupNodes } from '#engine/passes/node-groups.ts'

/** Width from which a product no longer gains from company. */
const narrowColumns = 64

/** Two nodes or more of one kind, in the graph's order. */
export type NarrowGroup =
  | { readonly kind: 'linear'; readonly nodes: readonly OpNode<'linear'>[] }
  | { readonly kind: 'linearWeightBackward'; readonly nodes: readonly OpNode<'linearWeightBackward'>[] }

/** Every node of a group; the group at the node where it is computed, null at the others. */
export type NarrowProducts = ReadonlyMap<OpNode, NarrowGroup | null>

/**
 * `linear` of the same x with trained weights, computed where the first of them stands; `linearWeightBackward` with the
 * same x, computed where the last stands, if nobody reads an earlier one before.
 */
export function findNarrowProducts(graph: Graph): NarrowProducts {
  const trained = new Set(
    graph.parameters.flatMap(({ value, isTrainable }) => (isTrainable ? [value.id] : [])),
  )
  const found = new Map<OpNode, NarrowGroup | null>()
  for (const members of groupNodes(graph, (node) => keyOf(node, trained)).values()) {
    const nodes = [...members]
    const [first, last] = [nodes[0]!, nodes.at(-1)!]
    const isForward = first.kind === 'linear'
    if (nodes.length < 2 || (!isForward && isReadBefore(graph, nodes, last))) continue
    for (const node of nodes) found.set(node, null)
    found.set(isForward ? first : last, { kind: first.kind, nodes } as NarrowGroup)
  }
  return found
}

/** Equal for products that can be one; null for all others. */
function keyOf(node: OpNode, trained: ReadonlySet<number>): string | null {
  if (node.kind === 'linear') {
    const { inputs, attributes } = node as OpNode<'linear'>
    const [x, weight, addend] = inputs
    if (addend !== null || !trained.has(weight.id) || !isNarrow(weight.shape[0]!)) return null
    return ['linear', x.id, attributes.scale, node.region].join()
  }
  if (node.kind !== 'linearWeightBackward') return null
  const { inputs, attributes } = node as OpNode<'linearWeightBackward'>
  const [dy, x] = inputs
  if (!isNarrow(dy.shape.at(-1)!)) return null
  return ['weight', x.id, attributes.scale, node.region].join()
}

export const isNarrow = (size: Value['shape'][number]): boolean =>
  typeof size === 'number' && size <= narrowColumns

function isReadBefore({ nodes }: Graph, group: readonly OpNode[], last: OpNode): boolean {
  const made = new Set(group.flatMap(({ outputs }) => outputs.map(({ id }) => id)))
  const between = nodes.slice(nodes.indexOf(group[0]!), nodes.indexOf(last))
  return between.some(({ inputs }) => inputs.some((value) => value !== null && made.has(value.id)))
}
