// Losses, and the caps that stand between the vocabulary's logits and their loss, as TensorFlow.
import { lastOf } from '../emitter.ts'
import {
  add,
  crossEntropy,
  divide,
  expand,
  mean,
  multiply,
  oneHot,
  square,
  subtract,
  sum,
  tanh,
} from '../operators.ts'
import type { RulesFor } from './rule.ts'

export const lossRules: RulesFor<'softmaxCrossEntropy' | 'softCap' | 'softCapBackward'> = {
  /**
   * With n the cross-entropy against the target alone, g = softmax - onehot its gradient and e = smoothing:
   * loss = weight * (n + e (logits[target] - mean(logits))), dLogits = weight * (g + e (onehot - 1 / V)).
   */
  softmaxCrossEntropy(emit, { inputs: [logits, targets, weights], outputs: [losses, dLogits], attributes }) {
    const { smoothing } = attributes
    const scores = emit.rows(logits)
    const weight = emit.whole(weights)
    const [plain, gradient] = crossEntropy(emit, scores, emit.whole(targets))
    const column = expand(emit, weight, 1)
    if (smoothing === 0) {
      emit.setRows(losses, multiply(emit, plain, weight))
      emit.setRows(dLogits, multiply(emit, gradient, column))
      return
    }
    const width = lastOf(logits.shape)
    const marks = oneHot(emit, emit.whole(targets), width, emit.scalar(smoothing))
    const wanted = sum(emit, multiply(emit, scores, marks), [-1])
    const everywhere = multiply(emit, mean(emit, scores, [-1]), emit.scalar(smoothing))
    emit.setRows(losses, multiply(emit, add(emit, plain, subtract(emit, wanted, everywhere)), weight))
    const softened = subtract(emit, add(emit, gradient, marks), emit.scalar(smoothing / width))
    emit.setRows(dLogits, multiply(emit, softened, column))
  },

  softCap(emit, { inputs: [x], outputs: [y], attributes }) {
    const cap = emit.scalar(attributes.cap)
    emit.setRows(y, multiply(emit, tanh(emit, divide(emit, emit.rows(x), cap)), cap))
  },

  softCapBackward(emit, { inputs: [dy, y], outputs: [dx], attributes }) {
    const share = divide(emit, emit.rows(y), emit.scalar(attributes.cap))
    const slope = subtract(emit, emit.scalar(1), square(emit, share))
    emit.setRows(dx, multiply(emit, emit.rows(dy), slope))
  },
}
