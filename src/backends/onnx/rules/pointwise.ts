// Normalisation, gating, sums, losses and ordering as ONNX.
import type { Dim, Value } from '#engine/ir/types.ts'
import { type Emitter, float, lastOf, rowsShape } from '../emitter.ts'
import type { RulesFor } from './rule.ts'

export const pointwiseRules: RulesFor<
  | 'rmsNorm'
  | 'rmsNormBackward'
  | 'rmsNormWeightBackward'
  | 'swiglu'
  | 'swigluBackward'
  | 'add'
  | 'softmaxCrossEntropy'
  | 'multiplyRows'
  | 'ones'
  | 'tie'
> = {
  rmsNorm(emit, { inputs: [x, weight], outputs: [y, invStd], attributes }) {
    emit.rowsNode('SimplifiedLayerNormalization', [emit.asRows(x), emit.read(weight)], [y, invStd], {
      attributes: { axis: -1, epsilon: float(attributes.epsilon) },
    })
  },

  /** With g = dy * weight: dx = invStd * g - x * (invStd^3 * mean(g * x)). */
  rmsNormBackward(emit, { inputs: [dy, x, weight, invStd], outputs: [dx] }) {
    const times = (a: string, b: string, { shape }: Value) =>
      emit.node('Mul', [a, b], { shape: rowsShape(shape) })
    const [rows, inverse] = [emit.asRows(x), emit.asRows(invStd)]
    const g = times(emit.asRows(dy), emit.read(weight), dx)
    const mean = emit.node('ReduceMean', [times(g, rows, dx), emit.integers([-1])], {
      shape: rowsShape(invStd.shape),
    })
    const cube = times(times(inverse, inverse, invStd), inverse, invStd)
    const along = times(rows, times(cube, mean, invStd), dx)
    emit.rowsNode('Sub', [times(g, inverse, dx), along], [dx])
  },

  rmsNormWeightBackward(emit, { inputs: [dy, x, invStd], outputs: [dWeight] }) {
    const shape = rowsShape(x.shape)
    const normed = emit.node('Mul', [emit.asRows(x), emit.asRows(invStd)], { shape })
    const product = emit.node('Mul', [normed, emit.asRows(dy)], { shape })
    emit.node('ReduceSum', [product, emit.integers([0])], {
      attributes: { keepdims: 0 },
      outputs: [dWeight.name],
    })
  },

  /** QuickGelu with alpha 1 is x * sigmoid(x) in one pass. */
  swiglu(emit, { inputs: [gate, up], outputs: [y] }) {
    const silu = emit.node('QuickGelu', [emit.asRows(gate)], {
      domain: 'com.microsoft',
      attributes: { alpha: float(1) },
      shape: rowsShape(gate.shape),
    })
    emit.rowsNode('Mul', [silu, emit.asRows(up)], [y])
  },

  /** With s = sigmoid(gate) and a = gate * s: dUp = dy * a, dGate = dy * up * (s + a * (1 - s)). */
  swigluBackward(emit, { inputs: [dy, gate, up], outputs: [dGate, dUp] }) {
    const shape = rowsShape(gate.shape)
    const [rows, gradient] = [emit.asRows(gate), emit.asRows(dy)]
    const s = emit.node('Sigmoid', [rows], { shape })
    const a = emit.node('Mul', [rows, s], { shape })
    emit.rowsNode('Mul', [gradient, a], [dUp])
    const rest = emit.node('Sub', [emit.scalar(1), s], { shape })
    const slope = emit.node('Add', [emit.node('Mul', [a, rest], { shape }), s], { shape })
    emit.rowsNode('Mul', [emit.node('Mul', [gradient, emit.asRows(up)], { shape }), slope], [dGate])
  },

  add(emit, { inputs: [a, b], outputs: [sum] }) {
    emit.rowsNode('Add', [emit.asRows(a), emit.asRows(b)], [sum])
  },

  /**
   * With m = max(logits), p = softmax(logits) and s = sum(p), which is 1 only nearly (see sumOfRows):
   * loss = weight * (m - logits[target] - ln(max(p) / s)), finite also where p[target] underflows, and
   * dLogits = weight / s * (p - s at the target). Softmax and ScatterElements work in place, and ties make them wait
   * for all other readers; the factor of each row is left to the products that follow, which are narrower. So one
   * [L,V] buffer is alive.
   */
  softmaxCrossEntropy(emit, { inputs: [logits, targets, weights], outputs: [losses, dLogits] }) {
    const { shape } = logits
    const column = { shape: [shape[0]!, 1] }
    const target = emit.reshape(targets.name, [-1, 1])
    const weight = emit.reshape(weights.name, [-1, 1], column)
    const top = emit.node('ReduceMax', [logits.name, emit.integers([-1])], column)
    const picked = emit.node('GatherElements', [logits.name, target], { attributes: { axis: 1 }, ...column })
    const read = emit.tie(logits.name, shape, [top, picked])
    const probs = emit.node('Softmax', [read], { attributes: { axis: -1 }, shape })
    const topProb = emit.node('ReduceMax', [probs, emit.integers([-1])], column)
    const sum = sumOfRows(emit, probs, shape)
    const gap = emit.node('Sub', [top, picked], column)
    const logTop = emit.node('Log', [emit.node('Div', [topProb, sum], column)], column)
    const nats = emit.node('Sub', [gap, logTop], column)
    emit.reshape(emit.node('Mul', [nats, weight], column), [-1], { outputs: [losses.name] })
    const inputs = [emit.tie(probs, shape, [topProb, sum]), target, emit.node('Neg', [sum], column)]
    const attributes = { axis: 1, reduction: 'add' }
    const factors = emit.node('Div', [weight, sum], column)
    if (emit.isReadOnlyBy(dLogits, 'linearInputBackward', 'linearWeightBackward')) {
      emit.node('ScatterElements', inputs, { attributes, outputs: [dLogits.name] })
      emit.oweRowFactors(dLogits, factors)
    } else {
      const unscaled = emit.node('ScatterElements', inputs, { attributes, shape })
      emit.node('Mul', [unscaled, factors], { outputs: [dLogits.name] })
    }
  },

  multiplyRows(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.node('Mul', [x.name, emit.reshape(factors.name, [-1, 1])], { outputs: [y.name] })
  },

  ones(emit, { outputs: [y] }) {
    const one = {
      elementType: 'float32',
      dims: [1],
      bytes: new Uint8Array(Float32Array.of(1).buffer),
    } as const
    emit.node('ConstantOfShape', [emit.shapeOf(y.shape)], {
      attributes: { value: { kind: 'tensor', value: one } },
      outputs: [y.name],
    })
  },

  tie(emit, { inputs: [x, ...dependencies], outputs: [y] }) {
    const waitsFor = dependencies.map((dependency) => emit.asRows(dependency))
    emit.fromRows(emit.tie(emit.asRows(x), rowsShape(x.shape), waitsFor), y)
  },
}

/**
 * [L,V] -> [L,1]. Tens of thousands of terms, most of them tiny, added up in one float32 per lane of the processor
 * lose up to 3e-5 of their sum on 8 lanes; by halves it is half of that, which is what PyTorch loses on 16 lanes.
 */
function sumOfRows(emit: Emitter, name: string, shape: readonly Dim[]): string {
  const [rows, width] = [shape[0]!, lastOf(shape)]
  const lastAxis = emit.integers([-1])
  if (width % 2 === 1) return emit.node('ReduceSum', [name, lastAxis], { shape: [rows, 1] })
  const halves = emit.reshape(name, [-1, 2, width / 2], { shape: [rows, 2, width / 2] })
  const sums = emit.node('ReduceSum', [halves, lastAxis], { attributes: { keepdims: 0 }, shape: [rows, 2] })
  return emit.node('ReduceSum', [sums, lastAxis], { shape: [rows, 1] })
}
