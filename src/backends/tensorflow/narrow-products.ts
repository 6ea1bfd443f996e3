// The nodes that compute narrow products of the same rows as one; narrow-groups.ts says which they are.
import type { OpNode } from '#engine/ir/types.ts'
import type { NarrowGroup } from '../narrow-groups.ts'
import { type Emitter, lastOf } from './emitter.ts'
import { halvedProduct } from './halves.ts'
import { concat, matrixProduct, multiply, split } from './operators.ts'
import type { Tensor } from './tensor.ts'
import { read } from './weights.ts'

export function emitNarrowProducts(emit: Emitter, group: NarrowGroup): void {
  if (group.kind === 'linear') emitForward(emit, group.nodes)
  else emitWeightGradients(emit, group.nodes)
}

const scaled = (emit: Emitter, x: Tensor, factor: number): Tensor =>
  factor === 1 ? x : multiply(emit, x, emit.scalar(factor))

/** x [T,I] times all weights, one above the other, and the columns of each. */
function emitForward(emit: Emitter, nodes: readonly OpNode<'linear'>[]): void {
  const [x] = nodes[0]!.inputs
  const weights = nodes.map(({ inputs }) => inputs[1])
  const stacked = emit.share(`stacked ${weights.map(({ name }) => name).join()}`, () =>
    concat(
      emit,
      weights.map((weight) => read(emit, weight)),
      0,
    ),
  )
  const product = halvedProduct(emit, emit.rows(x), stacked, { isSecondTurned: true })
  const widths = weights.map(({ shape }) => shape[0] as number)
  const parts = split(emit, scaled(emit, product, nodes[0]!.attributes.scale), widths, -1)
  for (const [index, { outputs }] of nodes.entries()) emit.setRows(outputs[0], parts[index]!)
}

/** All dy [T,O], one beside the other, against x [T,I], and the rows of each. */
function emitWeightGradients(emit: Emitter, nodes: readonly OpNode<'linearWeightBackward'>[]): void {
  const [, x] = nodes[0]!.inputs
  const gradients = nodes.map(({ inputs: [dy] }) => emit.rows(dy))
  const beside = scaled(emit, concat(emit, gradients, -1), nodes[0]!.attributes.scale)
  const product = matrixProduct(emit, beside, emit.rows(x), { isFirstTurned: true })
  const widths = nodes.map(({ inputs: [dy] }) => lastOf(dy.shape))
  const parts = split(emit, product, widths, 0)
  for (const [index, { outputs }] of nodes.entries()) emit.setRows(outputs[0], parts[index]!)
}
