// Normalisation as ONNX.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { float } from '../node-writer.ts'
import { rowsShape } from '../shapes.ts'
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
    const inputs = [emit.asRows(x), offsetWeight(emit, weight, attributes.offset)]
    const isFused = emit.dialect === 'cpu'
    emit.rowsNode('SimplifiedLayerNormalization', inputs, isFused ? [y, invStd] : [y], {
      attributes: { axis: -1, epsilon: float(attributes.epsilon) },
    })
    if (!isFused) inverseDeviations(emit, x, invStd, attributes.epsilon)
  },

  /** With g = dy * (offset + weight): dx = invStd * g - x * (invStd^3 * mean(g * x)). */
  rmsNormBackward(emit, { inputs: [dy, x, weight, invStd], outputs: [dx], attributes }) {
    const [rows, inverse] = [emit.asRows(x), emit.asRows(invStd)]
    const g = multiply(emit, emit.asRows(dy), offsetWeight(emit, weight, attributes.offset), dx)
    const mean = meanOfRows(emit, multiply(emit, g, rows, dx), invStd)
    const cube = multiply(emit, multiply(emit, inverse, inverse, invStd), inverse, invStd)
    const along = multiply(emit, rows, multiply(emit, cube, mean, invStd), dx)
    emit.rowsNode('Sub', [multiply(emit, g, inverse, dx), along], [dx])
  },

  rmsNormWeightBackward(emit, { inputs: [dy, x, invStd], outputs: [dWeight] }) {
    const normed = multiply(emit, emit.asRows(x), emit.asRows(invStd), x)
    sumOverRows(emit, multiply(emit, normed, emit.asRows(dy), x), dWeight)
  },

  layerNorm(emit, { inputs: [x, weight, bias], outputs, attributes }) {
    const inputs = [emit.asRows(x), emit.read(weight), ...(bias ? [emit.read(bias)] : [])]
    emit.rowsNode('LayerNormalization', inputs, outputs, {
      attributes: { axis: -1, epsilon: float(attributes.epsilon) },
    })
  },

  /** With n = (x - mean) * invStd and g = dy * weight: dx = invStd * (g - mean(g) - n * mean(g * n)). */
  layerNormBackward(emit, { inputs: [dy, x, weight, mean, invStd], outputs: [dx] }) {
    const shape = rowsShape(dx.shape)
    const normed = normalised(emit, x, mean, invStd)
    const g = multiply(emit, emit.asRows(dy), emit.read(weight), dx)
    const along = multiply(emit, normed, meanOfRows(emit, multiply(emit, g, normed, dx), invStd), dx)
    const centred = emit.node('Sub', [g, meanOfRows(emit, g, invStd)], { shape })
    emit.rowsNode('Mul', [emit.node('Sub', [centred, along], { shape }), emit.asRows(invStd)], [dx])
  },

  layerNormWeightBackward(emit, { inputs: [dy, x, mean, invStd], outputs: [dWeight] }) {
    const normed = normalised(emit, x, mean, invStd)
    sumOverRows(emit, multiply(emit, normed, emit.asRows(dy), x), dWeight)
  },
}

/**
 * 1 / sqrt(mean(x^2) + epsilon). SimplifiedLayerNormalization's second result is garbage on WebGPU (1.30), without an
 * error: tests/backends/onnx/webgpu.test.ts shows it.
 */
function inverseDeviations(emit: Emitter, x: Value, invStd: Value, epsilon: number): void {
  const shape = rowsShape(invStd.shape)
  const rows = emit.asRows(x)
  const mean = meanOfRows(emit, multiply(emit, rows, rows, x), invStd)
  const deviation = emit.node('Sqrt', [emit.node('Add', [mean, emit.scalar(epsilon)], { shape })], { shape })
  emit.rowsNode('Reciprocal', [deviation], [invStd])
}

/** offset + weight, made once: a vector for each norm of the model. */
function offsetWeight(emit: Emitter, weight: Value, offset: 0 | 1): string {
  if (offset === 0) return emit.read(weight)
  return emit.share(`1 + ${weight.name}`, () =>
    emit.node('Add', [emit.read(weight), emit.scalar(1)], { shape: weight.shape }),
  )
}

/** The product has the shape of `like`, as rows. */
const multiply = (emit: Emitter, a: string, b: string, like: Value): string =>
  emit.node('Mul', [a, b], { shape: rowsShape(like.shape) })

/** Rows -> [rows,1], the shape of `like` as rows. */
const meanOfRows = (emit: Emitter, rows: string, like: Value): string =>
  emit.node('ReduceMean', [rows, emit.integers([-1])], { shape: rowsShape(like.shape) })

function sumOverRows(emit: Emitter, rows: string, sum: Value): void {
  emit.node('ReduceSum', [rows, emit.integers([0])], { attributes: { keepdims: 0 }, outputs: [sum.name] })
}

function normalised(emit: Emitter, x: Value, mean: Value, invStd: Value): string {
  const centred = emit.node('Sub', [emit.asRows(x), emit.asRows(mean)], { shape: rowsShape(x.shape) })
  return multiply(emit, centred, emit.asRows(invStd), x)
}
