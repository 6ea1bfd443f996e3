// Matrix products, embedding and row selection as ONNX. T is the number of rows of all leading dimensions together.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { float, type NodeOptions } from '../node-writer.ts'
import { matrixProduct } from '../products.ts'
import { dequantisePicked, multiplyNf4, type Nf4Location } from '../quantised.ts'
import { lastOf, rowsShape } from '../shapes.ts'
import { joinColumns, type SlicedWeight, slicedWeight, sumOverSlices } from '../sliced-products.ts'
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
  | 'adaptedRowNorms'
  | 'weightedSum'
  | 'weightedSumBackward'
> = {
  /** A table of fewer bits becomes float32 after the rows were picked. */
  embedding(emit, { inputs: [table, ids], outputs: [y] }) {
    const location = emit.locationOf(table)
    if (location?.kind === 'quantised' && location.scheme === 'int8') {
      const pick = (part: string): string => emit.node('Gather', [part, ids.name])
      emit.fromRows(dequantisePicked(emit, table, location, { pick, shape: y.shape }), y)
    } else if (location?.kind === 'file' && location.dtype !== 'float32' && !emit.isHalfWidened) {
      emit.castToFloat(emit.node('Gather', [table.name, ids.name]), { outputs: [y.name] })
    } else {
      emit.node('Gather', [emit.read(table), ids.name], { outputs: [y.name] })
    }
  },

  embeddingBackward(emit, { inputs: [dy, ids], outputs: [dTable] }) {
    const zeros = emit.filled(0, emit.shapeOf(dTable.shape), { shape: dTable.shape })
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
    const { scale } = attributes
    const sliced = slicedWeight(emit, weight)
    const { operator, ...options } = matrixProduct(emit, { scale })
    const product = sliced
      ? sumOverSlices(emit, { sliced, x: dy.name, shape, scale })
      : emit.node(operator, [dy.name, emit.read(weight)], { ...options, shape })
    if (!addend) emit.node('Mul', [product, factors], { outputs: [dx.name] })
    else
      emit.node('Add', [emit.node('Mul', [product, factors], { shape }), emit.asRows(addend)], {
        outputs: [dx.name],
      })
  },

  /** dWeight [O,I] = scale * dy [T,O]^T x [T,I]. Factors owed by the rows of one are paid on the rows of the other. */
  linearWeightBackward(emit, { inputs: [dy, x], outputs: [dWeight], attributes }) {
    const paid = (value: Value, other: Value): string => {
      const factors = emit.rowFactorsOf(other)
      const rows = emit.asRows(value)
      return factors ? emit.node('Mul', [rows, factors], { shape: rowsShape(value.shape) }) : rows
    }
    emit.node('Gemm', [paid(dy, x), paid(x, dy)], {
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
    const zeros = emit.filled(0, emit.shapeAsRows(like.shape), { shape })
    emit.fromRows(scatterAddRows(emit, { zeros, rows: rows.name, dy, options: { shape } }), dx)
  },

  /**
   * |w + s b A|^2 = |w|^2 + b . (2 s w A^T + s^2 b (A A^T)) for each output's w of the weight and b of B: no [O,I] sum
   * is built. What rounding makes negative counts as 0.
   */
  adaptedRowNorms(emit, { inputs: [weight, a, b], outputs: [norms], attributes }) {
    const { scale, isInputFirst } = attributes
    const product = (left: string, transA: 0 | 1, factor: number, shape: Value['shape']): string => {
      const { operator, ...options } = matrixProduct(emit, { transA, transB: 1, scale: factor })
      return emit.node(operator, [left, down], { ...options, shape })
    }
    const [w, down, up] = [emit.read(weight), emit.read(a), emit.read(b)]
    const [outputs, rank] = [b.shape[0]!, a.shape[0]!]
    const line = { shape: [outputs], attributes: { keepdims: 0 } }
    const cross = product(w, isInputFirst ? 1 : 0, 2 * scale, b.shape)
    const gram = product(down, 0, scale * scale, [rank, rank])
    const both = emit.node('Mul', [emit.node('Gemm', [up, gram, cross], { shape: b.shape }), up], {
      shape: b.shape,
    })
    const change = emit.node('ReduceSum', [both, emit.integers([-1])], line)
    const plain = emit.node('ReduceSumSquare', [w, emit.integers([isInputFirst ? 0 : -1])], line)
    const squares = emit.node('Add', [plain, change], { shape: [outputs] })
    emit.node('Sqrt', [emit.node('Relu', [squares], { shape: [outputs] })], { outputs: [norms.name] })
  },

  weightedSum(emit, { inputs: [x, weights], outputs: [y] }) {
    const [rows, , width] = x.shape
    const line = emit.node('Unsqueeze', [weights.name, emit.integers([1])])
    const sums = emit.node('MatMul', [line, x.name], { shape: [rows!, 1, width!] })
    emit.reshape(sums, [-1, lastOf(y.shape)], { outputs: [y.name] })
  },

  weightedSumBackward(emit, { inputs: [dy, weights], outputs: [dx] }) {
    const column = emit.node('Unsqueeze', [weights.name, emit.integers([2])])
    const gradient = emit.node('Unsqueeze', [dy.name, emit.integers([1])])
    emit.node('Mul', [gradient, column], { outputs: [dx.name] })
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

/**
 * On processors: from so many columns on an Add of its own costs less than Gemm's C, which one thread copies first: 7 % of a step of
 * 4x256; below, Gemm is the cheaper (docs/backends.md).
 */
const wideColumns = 1024

/** y = scale * x weight(^T) + addend. */
function multiply(emit: Emitter, product: Product): void {
  const { x, weight, addend, y, scale, isWeightTransposed } = product
  const location = emit.locationOf(weight)
  if (
    location?.kind === 'quantised' &&
    location.scheme === 'nf4' &&
    isWeightTransposed &&
    emit.dialect === 'cpu'
  ) {
    multiplyDecoding(emit, product, location)
    return
  }
  const sliced = slicedWeight(emit, weight)
  if (sliced !== null) {
    multiplyBySlices(emit, product, sliced)
    return
  }
  const transB = isWeightTransposed ? 1 : 0
  const inputs = [emit.asRows(x), emit.read(weight)]
  const { operator, ...options } = matrixProduct(emit, { transB, scale })
  if (addend && emit.dialect === 'cpu' && lastOf(y.shape) >= wideColumns) {
    const product = emit.node(operator, inputs, { ...options, shape: rowsShape(y.shape) })
    emit.rowsNode('Add', [product, emit.asRows(addend)], [y])
  } else if (addend)
    emit.rowsNode('Gemm', [...inputs, emit.asRows(addend)], [y], {
      attributes: { transB, alpha: float(scale) },
    })
  else if (scale === 1 && transB === 0) emit.rowsNode('MatMul', inputs, [y])
  else emit.rowsNode(operator, inputs, [y], options)
}

function multiplyBySlices(
  emit: Emitter,
  { x, addend, y, scale, isWeightTransposed }: Product,
  sliced: SlicedWeight,
): void {
  const product = { sliced, x: emit.asRows(x), shape: rowsShape(y.shape), scale }
  const plain = isWeightTransposed ? joinColumns(emit, product) : sumOverSlices(emit, product)
  emit.fromRows(addend ? emit.node('Add', [plain, emit.asRows(addend)], { shape: product.shape }) : plain, y)
}

/** The operator for nf4 knows neither a scale nor an addend; linears of a model seldom have either. */
function multiplyDecoding(
  emit: Emitter,
  { x, weight, addend, y, scale }: Product,
  location: Nf4Location,
): void {
  const shape = rowsShape(y.shape)
  const [outputs, inputs] = location.shape as readonly [number, number]
  const product = { x: emit.asRows(x), weight, location, shape: [outputs, inputs] } as const
  const plain = multiplyNf4(emit, product, { shape })
  const scaled = scale === 1 ? plain : emit.node('Mul', [plain, emit.scalar(scale)], { shape })
  const sum = addend ? emit.node('Add', [scaled, emit.asRows(addend)], { shape }) : scaled
  emit.fromRows(sum, y)
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
 * zeros + dy at `rows`. On processors ScatterElements runs one row after the other in the order of `rows`; ScatterND would
 * be threaded, and threads race where a row repeats. On graphics cards both add atomically in any order, and ScatterND
 * needs no index for every number.
 */
function scatterAddRows(emit: Emitter, { zeros, rows, dy, options }: RowAddition): string {
  const updates = emit.asRows(dy)
  const column = emit.node('Unsqueeze', [rows, emit.integers([1])])
  if (emit.dialect === 'portable')
    return emit.node('ScatterND', [zeros, column, updates], { attributes: { reduction: 'add' }, ...options })
  const indices = emit.node('Expand', [column, emit.node('Shape', [updates])])
  return emit.node('ScatterElements', [zeros, indices, updates], {
    attributes: { axis: 0, reduction: 'add' },
    ...options,
  })
}
