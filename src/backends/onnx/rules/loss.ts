// Losses, and the ops that stand between the vocabulary's logits and their loss, as ONNX.
import type { Dim, OpKind, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { lastOf, rowsShape } from '../shapes.ts'
import type { RulesFor } from './rule.ts'

/** They pay the factors that their operand's rows owe, or pass the debt on. */
const paying: readonly OpKind[] = ['linearInputBackward', 'linearWeightBackward', 'scale', 'softCapBackward']

export const lossRules: RulesFor<
  'softmaxCrossEntropy' | 'scale' | 'softCap' | 'softCapBackward' | 'multiplyRows'
> = {
  /**
   * With m = max(logits), p = softmax(logits), s = sum(p), which is 1 only nearly (see sumOfRows), and e = smoothing:
   * loss = weight * (m - (1 - e) logits[target] - e mean(logits) - ln(max(p) / s)), finite also where p[target]
   * underflows, and dLogits = weight / s * (p - s e / V - s (1 - e) at the target). Softmax, Sub and ScatterElements
   * work in place, and ties make them wait for all other readers; the factor of each row is left to the products that
   * follow, which are narrower. So one [L,V] buffer is alive.
   */
  softmaxCrossEntropy(emit, { inputs: [logits, targets, weights], outputs: [losses, dLogits], attributes }) {
    const { shape } = logits
    const { smoothing } = attributes
    const column = { shape: [shape[0]!, 1] }
    const target = emit.reshape(targets.name, [-1, 1])
    const weight = emit.reshape(weights.name, [-1, 1], column)
    const top = emit.node('ReduceMax', [logits.name, emit.integers([-1])], column)
    const picked = emit.node('GatherElements', [logits.name, target], { attributes: { axis: 1 }, ...column })
    const wanted = smoothing === 0 ? picked : smoothed(emit, logits, picked, smoothing)
    const read = emit.tie(logits.name, shape, [top, wanted])
    const probs = emit.node('Softmax', [read], { attributes: { axis: -1 }, shape })
    const topProb = emit.node('ReduceMax', [probs, emit.integers([-1])], column)
    const sum = sumOfRows(emit, probs, shape)
    const gap = emit.node('Sub', [top, wanted], column)
    const logTop = emit.node('Log', [emit.node('Div', [topProb, sum], column)], column)
    const nats = emit.node('Sub', [gap, logTop], column)
    emit.reshape(emit.node('Mul', [nats, weight], column), [-1], { outputs: [losses.name] })
    const tied = emit.tie(probs, shape, [topProb, sum])
    const share = (part: number) => emit.node('Mul', [sum, emit.scalar(part)], column)
    const lessEverywhere =
      smoothing === 0 ? tied : emit.node('Sub', [tied, share(smoothing / lastOf(shape))], { shape })
    const unscaled = emit.node('ScatterElements', [lessEverywhere, target, share(smoothing - 1)], {
      attributes: { axis: 1, reduction: 'add' },
      ...nameOwing(emit, dLogits),
    })
    payOrOwe(emit, unscaled, emit.node('Div', [weight, sum], column), dLogits)
  },

  scale(emit, { inputs: [x], outputs: [y], attributes }) {
    const factors = emit.rowFactorsOf(x)
    const inputs = [emit.asRows(x), emit.scalar(attributes.factor)]
    if (!factors) emit.rowsNode('Mul', inputs, [y])
    else payOrOwe(emit, emit.node('Mul', inputs, nameOwing(emit, y)), factors, y)
  },

  softCap(emit, { inputs: [x], outputs: [y], attributes }) {
    const cap = emit.scalar(attributes.cap)
    const shape = rowsShape(x.shape)
    const share = emit.node('Tanh', [emit.node('Div', [emit.asRows(x), cap], { shape })], { shape })
    emit.rowsNode('Mul', [share, cap], [y])
  },

  softCapBackward(emit, { inputs: [dy, y], outputs: [dx], attributes }) {
    const shape = rowsShape(y.shape)
    const share = emit.node('Div', [emit.asRows(y), emit.scalar(attributes.cap)], { shape })
    const square = emit.node('Mul', [share, share], { shape })
    const inputs = [emit.asRows(dy), emit.node('Sub', [emit.scalar(1), square], { shape })]
    const factors = emit.rowFactorsOf(dy)
    if (!factors) emit.rowsNode('Mul', inputs, [dx])
    else payOrOwe(emit, emit.node('Mul', inputs, nameOwing(emit, dx)), factors, dx)
  },

  multiplyRows(emit, { inputs: [x, factors], outputs: [y] }) {
    emit.node('Mul', [x.name, emit.reshape(factors.name, [-1, 1])], { outputs: [y.name] })
  },
}

/** Options of the node that makes `value` [L,V] but for the factors of its rows. */
const nameOwing = (emit: Emitter, value: Value) =>
  emit.isReadOnlyBy(value, ...paying) ? { outputs: [value.name] } : { shape: value.shape }

/** `unscaled` was made with `nameOwing`: `value` is `factors` times it. */
function payOrOwe(emit: Emitter, unscaled: string, factors: string, value: Value): void {
  if (unscaled === value.name) emit.oweRowFactors(value, factors)
  else emit.node('Mul', [unscaled, factors], { outputs: [value.name] })
}

/** (1 - smoothing) * logits[target] + smoothing * mean(logits) as [L,1] */
function smoothed(emit: Emitter, logits: Value, picked: string, smoothing: number): string {
  const column = { shape: [logits.shape[0]!, 1] }
  const mean = emit.node('ReduceMean', [logits.name, emit.integers([-1])], column)
  const parts = [
    emit.node('Mul', [picked, emit.scalar(1 - smoothing)], column),
    emit.node('Mul', [mean, emit.scalar(smoothing)], column),
  ]
  return emit.node('Add', parts, column)
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
