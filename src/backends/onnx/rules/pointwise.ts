// Normalisation, gating, sums, losses and ordering as ONNX.
import type { Value } from '#engine/ir/types.ts'
import { float, lastOf, rowsShape } from '../emitter.ts'
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
    emit.nodeWithResults('SimplifiedLayerNormalization', [x.name, emit.read(weight)], {
      attributes: { axis: -1, epsilon: float(attributes.epsilon) },
      outputs: [y.name, invStd.name],
    })
  },

  /** With g = dy * weight: dx = invStd * g - x * (invStd^3 * mean(g * x)). */
  rmsNormBackward(emit, { inputs: [dy, x, weight, invStd], outputs: [dx] }) {
    const times = (a: string, b: string, { shape }: Value) => emit.node('Mul', [a, b], { shape })
    const g = times(dy.name, emit.read(weight), dx)
    const mean = emit.node('ReduceMean', [times(g, x.name, dx), emit.integers([-1])], { shape: invStd.shape })
    const cube = times(times(invStd.name, invStd.name, invStd), invStd.name, invStd)
    const along = times(x.name, times(cube, mean, invStd), dx)
    emit.node('Sub', [times(g, invStd.name, dx), along], { outputs: [dx.name] })
  },

  rmsNormWeightBackward(emit, { inputs: [dy, x, invStd], outputs: [dWeight] }) {
    const { shape } = x
    const normed = emit.node('Mul', [x.name, invStd.name], { shape })
    const product = emit.node('Mul', [normed, dy.name], { shape })
    const rows = emit.reshape(product, [-1, lastOf(shape)], { shape: rowsShape(shape) })
    emit.node('ReduceSum', [rows, emit.integers([0])], {
      attributes: { keepdims: 0 },
      outputs: [dWeight.name],
    })
  },

  /** QuickGelu with alpha 1 is x * sigmoid(x) in one pass. */
  swiglu(emit, { inputs: [gate, up], outputs: [y] }) {
    const silu = emit.node('QuickGelu', [gate.name], {
      domain: 'com.microsoft',
      attributes: { alpha: float(1) },
      shape: gate.shape,
    })
    emit.node('Mul', [silu, up.name], { outputs: [y.name] })
  },

  /** With s = sigmoid(gate) and a = gate * s: dUp = dy * a, dGate = dy * up * (s + a * (1 - s)). */
  swigluBackward(emit, { inputs: [dy, gate, up], outputs: [dGate, dUp] }) {
    const { shape } = gate
    const s = emit.node('Sigmoid', [gate.name], { shape })
    const a = emit.node('Mul', [gate.name, s], { shape })
    if (emit.isUsed(dUp)) emit.node('Mul', [dy.name, a], { outputs: [dUp.name] })
    if (!emit.isUsed(dGate)) return
    const rest = emit.node('Sub', [emit.scalar(1), s], { shape })
    const slope = emit.node('Add', [emit.node('Mul', [a, rest], { shape }), s], { shape })
    emit.node('Mul', [emit.node('Mul', [dy.name, up.name], { shape }), slope], { outputs: [dGate.name] })
  },

  add(emit, { inputs: [a, b], outputs: [sum] }) {
    emit.node('Add', [a.name, b.name], { outputs: [sum.name] })
  },

  /**
   * With m = max(logits), p = softmax(logits) and s = sum(p): the loss is m - logits[target] - ln(max(p)) + ln(s),
   * since max(p) = s / sum(exp(logits - m)); it stays finite where p[target] underflows. s is not quite 1: the
   * runtime adds up tens of thousands of small terms in 8 or 16 float32 lanes and loses up to 3e-5 of them, as PyTorch
   * does on its part (exact sums lie 1e-5 nats beside both; docs/backends.md). Each pass over [L,V] is tied to follow
   * the reads of its operand, so that it can work in place: at most one more [L,V] buffer is alive.
   */
  softmaxCrossEntropy(emit, { inputs: [logits, targets, weights], outputs: [losses, dLogits] }) {
    const { shape } = logits
    const columnShape = [shape[0]!, 1]
    const column = emit.reshape(targets.name, [-1, 1])
    const top = emit.node('ReduceMax', [logits.name, emit.integers([-1])], { shape: columnShape })
    const picked = emit.node('GatherElements', [logits.name, column], {
      attributes: { axis: 1 },
      shape: columnShape,
    })
    const read = emit.tie(logits.name, shape, [top, picked])
    const probs = emit.node('Softmax', [read], { attributes: { axis: -1 }, shape })
    const topProb = emit.node('ReduceMax', [probs, emit.integers([-1])], { shape: columnShape })
    const sum = emit.node('ReduceSum', [probs, emit.integers([-1])], { shape: columnShape })
    const weightColumn = emit.reshape(weights.name, [-1, 1], { shape: columnShape })
    if (emit.isUsed(losses)) {
      const gap = emit.node('Sub', [top, picked], { shape: columnShape })
      const ratio = emit.node('Div', [topProb, sum], { shape: columnShape })
      const nats = emit.node('Sub', [gap, emit.node('Log', [ratio], { shape: columnShape })], {
        shape: columnShape,
      })
      const weighted = emit.node('Mul', [nats, weightColumn], { shape: columnShape })
      emit.reshape(weighted, [-1], { outputs: [losses.name] })
    }
    if (!emit.isUsed(dLogits)) return
    const factor = emit.node('Div', [weightColumn, sum], { shape: columnShape })
    const scaled = emit.node('Mul', [emit.tie(probs, shape, [topProb, sum]), factor], { shape })
    emit.node('ScatterElements', [scaled, column, emit.node('Neg', [weightColumn], { shape: columnShape })], {
      attributes: { axis: 1, reduction: 'add' },
      outputs: [dLogits.name],
    })
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
    const names = dependencies.map((dependency) => dependency.name)
    emit.tie(x.name, x.shape, names, [y.name])
  },
}
