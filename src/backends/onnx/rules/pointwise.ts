// Normalisation, gating, sums, losses and ordering as ONNX.
import { type Emitter, float } from '../emitter.ts'
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
    const g = emit.node('Mul', [dy.name, emit.read(weight)])
    const mean = emit.node('ReduceMean', [emit.node('Mul', [g, x.name]), emit.integers([-1])])
    const square = emit.node('Mul', [invStd.name, invStd.name])
    const factor = emit.node('Mul', [emit.node('Mul', [square, invStd.name]), mean])
    const direct = emit.node('Mul', [g, invStd.name])
    emit.node('Sub', [direct, emit.node('Mul', [x.name, factor])], { outputs: [dx.name] })
  },

  rmsNormWeightBackward(emit, { inputs: [dy, x, invStd], outputs: [dWeight] }) {
    const normed = emit.node('Mul', [x.name, invStd.name])
    const product = emit.node('Mul', [normed, dy.name])
    const rows = emit.reshape(product, [-1, Number(x.shape.at(-1))])
    emit.node('ReduceSum', [rows, emit.integers([0])], {
      attributes: { keepdims: 0 },
      outputs: [dWeight.name],
    })
  },

  swiglu(emit, { inputs: [gate, up], outputs: [y] }) {
    emit.node('Mul', [silu(emit, gate.name), up.name], { outputs: [y.name] })
  },

  /** With s = sigmoid(gate) and a = gate * s: dUp = dy * a, dGate = dy * up * (s + a * (1 - s)). */
  swigluBackward(emit, { inputs: [dy, gate, up], outputs: [dGate, dUp] }) {
    const s = emit.node('Sigmoid', [gate.name])
    const a = emit.node('Mul', [gate.name, s])
    if (emit.isUsed(dUp)) emit.node('Mul', [dy.name, a], { outputs: [dUp.name] })
    if (!emit.isUsed(dGate)) return
    const bend = emit.node('Mul', [a, emit.node('Sub', [emit.scalar(1), s])])
    const slope = emit.node('Add', [bend, s])
    emit.node('Mul', [emit.node('Mul', [dy.name, up.name]), slope], { outputs: [dGate.name] })
  },

  add(emit, { inputs: [a, b], outputs: [sum] }) {
    emit.node('Add', [a.name, b.name], { outputs: [sum.name] })
  },

  /**
   * With m = max(logits) and p = softmax(logits): the loss is m - logits[target] - ln(max(p)), since
   * max(p) = 1 / sum(exp(logits - m)); it stays finite where p[target] underflows. Each pass over [L,V] is tied to
   * follow the reads of its operand, so that it can work in place: at most one more [L,V] buffer is alive.
   */
  softmaxCrossEntropy(emit, { inputs: [logits, targets, weights], outputs: [losses, dLogits] }) {
    const lastAxis = emit.integers([-1])
    const column = emit.reshape(targets.name, [-1, 1])
    const top = emit.node('ReduceMax', [logits.name, lastAxis])
    const picked = emit.node('GatherElements', [logits.name, column], { attributes: { axis: 1 } })
    const probs = emit.node('Softmax', [emit.tie(logits.name, 2, [top, picked])], {
      attributes: { axis: -1 },
    })
    const topProb = emit.node('ReduceMax', [probs, lastAxis])
    const weightColumn = emit.reshape(weights.name, [-1, 1])
    if (emit.isUsed(losses)) {
      const nats = emit.node('Sub', [emit.node('Sub', [top, picked]), emit.node('Log', [topProb])])
      emit.reshape(emit.node('Mul', [nats, weightColumn]), [-1], [losses.name])
    }
    if (!emit.isUsed(dLogits)) return
    const scaled = emit.node('Mul', [emit.tie(probs, 2, [topProb]), weightColumn])
    emit.node('ScatterElements', [scaled, column, emit.node('Neg', [weightColumn])], {
      attributes: { axis: 1, reduction: 'add' },
      outputs: [dLogits.name],
    })
  },

  multiplyRows(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.node('Mul', [x.name, emit.reshape(factors.name, [-1, 1])], { outputs: [y.name] })
  },

  ones(emit, { outputs: [y] }) {
    emit.node('ConstantOfShape', [emit.shapeOf(y.shape)], {
      attributes: {
        value: {
          kind: 'tensor',
          value: { elementType: 'float32', dims: [1], bytes: new Uint8Array(Float32Array.of(1).buffer) },
        },
      },
      outputs: [y.name],
    })
  },

  tie(emit, { inputs: [x, ...dependencies], outputs: [y] }) {
    emit.tie(
      x.name,
      x.shape.length,
      dependencies.map((dependency) => dependency.name),
      [y.name],
    )
  },
}

/** x * sigmoid(x) in one pass. */
function silu(emit: Emitter, name: string): string {
  return emit.node('QuickGelu', [name], { domain: 'com.microsoft', attributes: { alpha: float(1) } })
}
