// Products with narrow matrices, an adapter's, that read the same rows are computed as one: three of them 8 wide take
// nearly three times as long as one of them 24 wide. The nodes that compute them; narrow-groups.ts says which they are.
import type { OpNode, Value } from '#engine/ir/types.ts'
import type { NarrowGroup } from '../narrow-groups.ts'
import type { Emitter } from './emitter.ts'
import { float } from './node-writer.ts'
import { matrixProduct } from './products.ts'
import { lastOf, rowsShape } from './shapes.ts'

/** Whether rows of an operand owe factors, which each product must pay for itself. */
export const owesFactors = (emit: Emitter, { nodes }: NarrowGroup): boolean =>
  nodes.some(({ inputs }) => inputs.some((value) => value !== null && emit.rowFactorsOf(value) !== null))

export function emitNarrowProducts(emit: Emitter, group: NarrowGroup): void {
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
