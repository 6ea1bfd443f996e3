// Matrix products, embedding and row selection as ONNX. T is the number of rows of all leading dimensions together.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, float, type NodeOptions, rowsShape } from '../emitter.ts'
import type { RulesFor } from './rule.ts'

export const linearRules: RulesFor<
  | 'embedding'
  | 'embeddingBackward'
  | 'linear'
  | 'linearInputBackward'
  | 'linearWeightBackward'
  | 'sumLeading'
  | 'gatherRows'
  | 'gatherRowsBackward'
> = {
  /** A half-precision table is cast after the rows were picked. */
  embedding(emit, { inputs: [table, ids], outputs: [y] }) {
    const isHalf = emit.storedType(table) !== 'float32'
    const rows = emit.node('Gather', [table.name, ids.name], isHalf ? {} : { outputs: [y.name] })
    if (isHalf) emit.castToFloat(rows, { outputs: [y.name] })
  },

  embeddingBackward(emit, { inputs: [dy, ids], outputs: [dTable] }) {
    const zeros = emit.node('ConstantOfShape', [emit.shapeOf(dTable.shape)], { shape: dTable.shape })
    const rows = emit.share(`flat ${ids.name}`, () => emit.reshape(ids.name, [-1]))
    scatterAddRows(emit, { zeros, rows, dy, options: { outputs: [dTable.name] } })
  },

  linear(emit, { inputs: [x, weight, addend], outputs: [y], attributes }) {
    multiply(emit, { x, weight, addend, y, scale: attributes.scale, isWeightTransposed: true })
  },

  /** Factors owed by the rows of dy are paid on the rows of dx. */
  linearInputBackward(emit, { inputs: [dy, weight, addend], outputs: [dx], attributes }) {
    const factors = emit.rowFactorsOf(dy)
    if (!factors) {
      multiply(emit, { x: dy, weight, addend, y: dx, scale: attributes.scale, isWeightTransposed: false })
      return
    }
    const { shape } = dx
    const product = emit.node('FusedMatMul', [dy.name, emit.read(weight)], {
      domain: 'com.microsoft',
      attributes: { alpha: float(attributes.scale) },
      shape,
    })
    if (!addend) emit.node('Mul', [product, factors], { outputs: [dx.name] })
    else
      emit.node('Add', [emit.node('Mul', [product, factors], { shape }), addend.name], { outputs: [dx.name] })
  },

  /** dWeight [O,I] = scale * dy [T,O]^T x [T,I]. Factors owed by the rows of dy are paid on the rows of x. */
  linearWeightBackward(emit, { inputs: [dy, x], outputs: [dWeight], attributes }) {
    const factors = emit.rowFactorsOf(dy)
    const rows = emit.asRows(x)
    const paid = factors ? emit.node('Mul', [rows, factors], { shape: rowsShape(x.shape) }) : rows
    emit.node('Gemm', [emit.asRows(dy), paid], {
      attributes: { transA: 1, alpha: float(attributes.scale) },
      outputs: [dWeight.name],
    })
  },

  sumLeading(emit, { inputs: [x], outputs: [sum] }) {
    emit.node('ReduceSum', [emit.asRows(x), emit.integers([0])], {
      attributes: { keepdims: 0 },
      outputs: [sum.name],
    })
  },

  gatherRows(emit, { inputs: [x, rows], outputs: [y] }) {
    emit.node('Gather', [emit.asRows(x), rows.name], { outputs: [y.name] })
  },

  gatherRowsBackward(emit, { inputs: [dy, rows, like], outputs: [dx] }) {
    const shape = rowsShape(like.shape)
    const zeros = emit.node('ConstantOfShape', [emit.shapeAsRows(like.shape)], { shape })
    emit.fromRows(scatterAddRows(emit, { zeros, rows: rows.name, dy, options: { shape } }), dx)
  },
}

interface Product {
  readonly x: Value
  readonly weight: Value
  readonly addend: Value | null
  readonly y: Value
  readonly scale: number
  readonly isWeightTransposed: boolean
}

/** y = scale * x weight(^T) + addend. An addend goes into Gemm as C: 4 % of a step less than an Add of its own. */
function multiply(emit: Emitter, { x, weight, addend, y, scale, isWeightTransposed }: Product): void {
  const transB = isWeightTransposed ? 1 : 0
  const inputs = [emit.asRows(x), emit.read(weight)]
  const attributes = { transB, alpha: float(scale) }
  if (addend) emit.rowsNode('Gemm', [...inputs, emit.asRows(addend)], [y], { attributes })
  else if (scale === 1 && transB === 0) emit.rowsNode('MatMul', inputs, [y])
  else emit.rowsNode('FusedMatMul', inputs, [y], { domain: 'com.microsoft', attributes })
}

interface RowAddition {
  /** [N,C] */
  readonly zeros: string
  /** int64 [T] */
  readonly rows: string
  /** [...,C], T rows in all */
  readonly dy: Value
  readonly options: NodeOptions
}

/**
 * zeros + dy at `rows`. ScatterElements runs one row after the other in the order of `rows`; ScatterND would be
 * threaded, and threads race where a row repeats.
 */
function scatterAddRows(emit: Emitter, { zeros, rows, dy, options }: RowAddition): string {
  const updates = emit.asRows(dy)
  const column = emit.node('Unsqueeze', [rows, emit.integers([1])])
  const indices = emit.node('Expand', [column, emit.node('Shape', [updates])])
  return emit.node('ScatterElements', [zeros, indices, updates], {
    attributes: { axis: 0, reduction: 'add' },
    ...options,
  })
}
