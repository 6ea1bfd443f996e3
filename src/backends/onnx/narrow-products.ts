// Products with narrow matrices, an adapter's, that read the same rows are computed as one: three of them 8 wide take
// nearly three times as long as one of them 24 wide. Which nodes belong together, and the nodes that compute them.
import type { Graph, OpNode, Value } from '#engine/ir/types.ts'
import { groupNodes } from '#engine/passes/node-groups.ts'
import { type Emitter, float, lastOf, rowsShape } from './emitter.ts'
import { matrixProduct } from './products.ts'

/** Width from which a product no longer gains from company. */
const narrowColumns = 64

/** Two nodes or more of one kind, in the graph's order. */
type Group =
  | { readonly kind: 'linear'; readonly nodes: readonly OpNode<'linear'>[] }
  | { readonly kind: 'linearWeightBackward'; readonly nodes: readonly OpNode<'linearWeightBackward'>[] }

/** Every node of a group; the group at the node where it is computed, null at the others. */
export type NarrowProducts = ReadonlyMap<OpNode, Group | null>

/**
 * `linear` of the same x with trained weights, computed where the first of them stands; `linearWeightBackward` with the
 * same x, computed where the last stands, if nobody reads an earlier one before.
 */
export function findNarrowProducts(graph: Graph): NarrowProducts {
  const trained = new Set(
    graph.parameters.flatMap(({ value, isTrainable }) => (isTrainable ? [value.id] : [])),
  )
  const found = new Map<OpNode, Group | null>()
  for (const members of groupNodes(graph, (node) => keyOf(node, trained)).values()) {
    const nodes = [...members]
    const [first, last] = [nodes[0]!, nodes.at(-1)!]
    const isForward = first.kind === 'linear'
    if (nodes.length < 2 || (!isForward && isReadBefore(graph, nodes, last))) continue
    for (const node of nodes) found.set(node, null)
    found.set(isForward ? first : last, { kind: first.kind, nodes } as Group)
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
  if (!isNarrow(lastOf(dy.shape))) return null
  return ['weight', x.id, attributes.scale, node.region].join()
}

const isNarrow = (size: Value['shape'][number]): boolean => typeof size === 'number' && size <= narrowColumns

function isReadBefore({ nodes }: Graph, group: readonly OpNode[], last: OpNode): boolean {
  const made = new Set(group.flatMap(({ outputs }) => outputs.map(({ id }) => id)))
  const between = nodes.slice(nodes.indexOf(group[0]!), nodes.indexOf(last))
  return between.some(({ inputs }) => inputs.some((value) => value !== null && made.has(value.id)))
}

/** Whether rows of an operand owe factors, which each product must pay for itself. */
export const owesFactors = (emit: Emitter, { nodes }: Group): boolean =>
  nodes.some(({ inputs }) => inputs.some((value) => value !== null && emit.rowFactorsOf(value) !== null))

export function emitNarrowProducts(emit: Emitter, group: Group): void {
  if (group.kind === 'linear') emitForward(emit, group.nodes)
  else emitWeightGradients(emit, group.nodes)
}

/** x [T,I] times all weights, one above the other, and the columns of each. */
function emitForward(emit: Emitter, nodes: readonly OpNode<'linear'>[]): void {
  const [x] = nodes[0]!.inputs
  const weights = nodes.map(({ inputs }) => inputs[1])
  const names = weights.map((weight) => emit.read(weight))
  const widths = weights.map(({ shape }) => shape[0] as number)
  const stacked = emit.share(`stacked ${names.join()}`, () =>
    emit.node('Concat', names, { attributes: { axis: 0 }, shape: [sumOf(widths), lastOf(x.shape)] }),
  )
  const { operator, ...options } = matrixProduct(emit, { transB: 1, scale: nodes[0]!.attributes.scale })
  const shape = [rowsOf(x), sumOf(widths)]
  const product = emit.node(operator, [emit.asRows(x), stacked], { ...options, shape })
  const results = nodes.map(({ outputs: [y] }) => y)
  emit.rowsNode('Split', [product, emit.integers(widths)], results, { attributes: { axis: 1 } })
}

/** All dy [T,O], one beside the other, against x [T,I], and the rows of each. */
function emitWeightGradients(emit: Emitter, nodes: readonly OpNode<'linearWeightBackward'>[]): void {
  const [, x] = nodes[0]!.inputs
  const widths = nodes.map(({ inputs: [dy] }) => lastOf(dy.shape))
  const beside = emit.node(
    'Concat',
    nodes.map(({ inputs: [dy] }) => emit.asRows(dy)),
    { attributes: { axis: 1 }, shape: [rowsOf(x), sumOf(widths)] },
  )
  const product = emit.node('Gemm', [beside, emit.asRows(x)], {
    attributes: { transA: 1, alpha: float(nodes[0]!.attributes.scale) },
    shape: [sumOf(widths), lastOf(x.shape)],
  })
  emit.node('Split', [product, emit.integers(widths)], {
    attributes: { axis: 0 },
    outputs: nodes.map(({ outputs: [dWeight] }) => dWeight.name),
  })
}

const sumOf = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0)

const rowsOf = ({ shape }: Value) => rowsShape(shape)[0]!
