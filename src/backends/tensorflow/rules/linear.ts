// Matrix products as TensorFlow. T is the number of rows of all leading dimensions together.
import type { Value } from '#engine/ir/types.ts'
import { isNarrow } from '../../narrow-groups.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import { halved, halvedProduct } from '../halves.ts'
import { add, cast, matrixProduct, multiply, relu, sqrt, square, sum, transpose } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { read, readBfloat16 } from '../weights.ts'
import type { RulesFor } from './rule.ts'

export const linearRules: RulesFor<
  'linear' | 'linearInputBackward' | 'linearWeightBackward' | 'sumLeading' | 'adaptedRowNorms'
> = {
  linear(emit, { inputs: [x, weight, addend], outputs: [y], attributes }) {
    emitProduct(emit, { x, weight, addend, y, scale: attributes.scale, isWeightTurned: true })
  },

  linearInputBackward(emit, { inputs: [dy, weight, addend], outputs: [dx], attributes }) {
    emitProduct(emit, { x: dy, weight, addend, y: dx, scale: attributes.scale, isWeightTurned: false })
  },

  /**
   * The narrower operand is scaled: an adapter's. It also stands first, and the small result is turned: the runtime takes
   * 2.5 times as long for the other way round (dy of 1,536 columns, x of 8).
   */
  linearWeightBackward(emit, { inputs: [dy, x], outputs: [dWeight], attributes }) {
    const isFirstNarrow = lastOf(dy.shape) <= lastOf(x.shape)
    const gradient = scaled(emit, emit.rows(dy), isFirstNarrow ? attributes.scale : 1)
    const rows = scaled(emit, emit.rows(x), isFirstNarrow ? 1 : attributes.scale)
    const isTurned = !isFirstNarrow && isNarrow(lastOf(x.shape))
    const [first, second] = isTurned ? [rows, gradient] : [gradient, rows]
    const product = isTurned
      ? halvedProduct(emit, first, second, { isFirstTurned: true })
      : matrixProduct(emit, first, second, { isFirstTurned: true })
    emit.setRows(dWeight, isTurned ? transpose(emit, product, [1, 0]) : product)
  },

  sumLeading(emit, { inputs: [x], outputs: [y] }) {
    emit.setRows(y, sum(emit, emit.rows(x), [0]))
  },

  /**
   * |w + s b A|^2 = |w|^2 + b . (2 s w A^T + s^2 b (A A^T)) for each output's w of the weight and b of B: no [O,I] sum
   * is built. What rounding makes negative counts as 0.
   */
  adaptedRowNorms(emit, { inputs: [weight, a, b], outputs: [norms], attributes }) {
    const { scale, isInputFirst } = attributes
    const [w, down, up] = [read(emit, weight), read(emit, a), read(emit, b)]
    const turned = { isFirstTurned: isInputFirst, isSecondTurned: true }
    const cross = scaled(emit, matrixProduct(emit, w, down, turned), 2 * scale)
    const gram = scaled(emit, matrixProduct(emit, down, down, { isSecondTurned: true }), scale * scale)
    const change = multiply(emit, add(emit, matrixProduct(emit, up, gram), cross), up)
    const plain = sum(emit, square(emit, w), [isInputFirst ? 0 : -1])
    const squares = add(emit, plain, sum(emit, change, [-1]))
    emit.setRows(norms, sqrt(emit, relu(emit, squares)))
  },
}

const scaled = (emit: Emitter, x: Tensor, factor: number): Tensor =>
  factor === 1 ? x : multiply(emit, x, emit.scalar(factor))

interface Product {
  readonly x: Value
  readonly weight: Value
  readonly addend: Value | null
  readonly y: Value
  readonly scale: number
  readonly isWeightTurned: boolean
}

/** y = scale * x weight(^T) + addend. The narrower of x and y is scaled. */
function emitProduct(emit: Emitter, { x, weight, addend, y, scale, isWeightTurned }: Product): void {
  const isInputNarrow = lastOf(x.shape) <= lastOf(y.shape)
  const rows = scaled(emit, emit.rows(x), isInputNarrow ? scale : 1)
  const plain = multiplyWeight(emit, rows, weight, isWeightTurned)
  const product = scaled(emit, plain, isInputNarrow ? 1 : scale)
  emit.setRows(y, addend ? add(emit, product, addendOf(emit, addend)) : product)
}

/** A bias may be a frozen weight. */
const addendOf = (emit: Emitter, addend: Value): Tensor =>
  addend.shape.length < 2 ? read(emit, addend) : emit.rows(addend)

/**
 * Where the processor multiplies bfloat16 faster: x and the weight are rounded to it and so is the product, but the sums
 * in between are float32. An adapter's way up stays float32: it writes many numbers for few that it reads.
 */
function multiplyWeight(emit: Emitter, rows: Tensor, weight: Value, isSecondTurned: boolean): Tensor {
  const isWayUp = emit.locationOf(weight) === null && !isNarrow(weight.shape[isSecondTurned ? 0 : 1]!)
  if (emit.products === 'float32' || isWayUp)
    return matrixProduct(emit, rows, read(emit, weight), { isSecondTurned })
  const half = readBfloat16(emit, weight)
  return cast(emit, matrixProduct(emit, halved(emit, rows), half, { isSecondTurned }), 'float32')
}
