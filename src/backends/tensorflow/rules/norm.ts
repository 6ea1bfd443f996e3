// Normalisation as TensorFlow.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { add, mean as meanOf, multiply, rsqrt, square, subtract, sum } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { read } from '../weights.ts'
import type { RulesFor } from './rule.ts'

export const normRules: RulesFor<
  | 'rmsNorm'
  | 'rmsNormBackward'
  | 'rmsNormWeightBackward'
  | 'layerNorm'
  | 'layerNormBackward'
  | 'layerNormWeightBackward'
> = {
  rmsNorm(emit, { inputs: [x, weight], outputs: [y, invStd], attributes }) {
    const rows = emit.rows(x)
    const inverse = inverseRoot(emit, meanOfRows(emit, square(emit, rows)), attributes.epsilon)
    emit.setRows(invStd, inverse)
    const normed = multiply(emit, rows, inverse)
    emit.setRows(y, multiply(emit, normed, offsetWeight(emit, weight, attributes.offset)))
  },

  /** With g = dy * (offset + weight): dx = invStd * g - x * (invStd^3 * mean(g * x)). */
  rmsNormBackward(emit, { inputs: [dy, x, weight, invStd], outputs: [dx], attributes }) {
    const [rows, inverse] = [emit.rows(x), emit.rows(invStd)]
    const g = multiply(emit, emit.rows(dy), offsetWeight(emit, weight, attributes.offset))
    const cube = multiply(emit, square(emit, inverse), inverse)
    const along = multiply(emit, cube, meanOfRows(emit, multiply(emit, g, rows)))
    emit.setRows(dx, subtract(emit, multiply(emit, g, inverse), multiply(emit, rows, along)))
  },

  rmsNormWeightBackward(emit, { inputs: [dy, x, invStd], outputs: [dWeight] }) {
    const normed = multiply(emit, emit.rows(x), emit.rows(invStd))
    emit.setRows(dWeight, sum(emit, multiply(emit, normed, emit.rows(dy)), [0]))
  },

  layerNorm(emit, { inputs: [x, weight, bias], outputs: [y, mean, invStd], attributes }) {
    const rows = emit.rows(x)
    const average = meanOfRows(emit, rows)
    const centred = subtract(emit, rows, average)
    const inverse = inverseRoot(emit, meanOfRows(emit, square(emit, centred)), attributes.epsilon)
    emit.setRows(mean, average)
    emit.setRows(invStd, inverse)
    const scaled = multiply(emit, multiply(emit, centred, inverse), read(emit, weight))
    emit.setRows(y, bias ? add(emit, scaled, read(emit, bias)) : scaled)
  },

  /** With n = (x - mean) * invStd and g = dy * weight: dx = invStd * (g - mean(g) - n * mean(g * n)). */
  layerNormBackward(emit, { inputs: [dy, x, weight, mean, invStd], outputs: [dx] }) {
    const normed = normalised(emit, x, mean, invStd)
    const g = multiply(emit, emit.rows(dy), read(emit, weight))
    const along = multiply(emit, normed, meanOfRows(emit, multiply(emit, g, normed)))
    const centred = subtract(emit, g, meanOfRows(emit, g))
    emit.setRows(dx, multiply(emit, subtract(emit, centred, along), emit.rows(invStd)))
  },

  layerNormWeightBackward(emit, { inputs: [dy, x, mean, invStd], outputs: [dWeight] }) {
    const normed = normalised(emit, x, mean, invStd)
    emit.setRows(dWeight, sum(emit, multiply(emit, normed, emit.rows(dy)), [0]))
  },
}

/** [rows,C] -> [rows,1] */
const meanOfRows = (emit: Emitter, rows: Tensor): Tensor => meanOf(emit, rows, [-1], true)

/** 1 / sqrt(x + epsilon) */
const inverseRoot = (emit: Emitter, x: Tensor, epsilon: number): Tensor =>
  rsqrt(emit, add(emit, x, emit.scalar(epsilon)))

/** offset + weight, made once: a vector for each norm of the model. */
function offsetWeight(emit: Emitter, weight: Value, offset: 0 | 1): Tensor {
  if (offset === 0) return read(emit, weight)
  return emit.share(`1 + ${weight.name}`, () => add(emit, read(emit, weight), emit.scalar(1)))
}

function normalised(emit: Emitter, x: Value, mean: Value, invStd: Value): Tensor {
  return multiply(emit, subtract(emit, emit.rows(x), emit.rows(mean)), emit.rows(invStd))
}
