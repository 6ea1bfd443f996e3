// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"): the sign of an interpolated momentum, with
// decoupled weight decay. Every parameter moves by the learning rate, so that it wants one three to ten times lower
// than AdamW's; the authors take beta2 = 0.99.
import type { OptimizerRule, OptimizerSettings, StepNumbers } from './optimizer-rule.ts'

interface Buffers {
  readonly parameters: Float32Array
  readonly gradients: Float32Array
  readonly momentum: Float32Array
}

export const lion: OptimizerRule = {
  slots: (shape) => [{ name: 'first', dtype: 'float32', shape }],
  prepare:
    (settings) =>
    ({ parameters, gradients, floats }) => {
      const buffers = { parameters, gradients, momentum: floats('first') }
      return (numbers) => lionUpdate(buffers, settings, numbers)
    },
}

/** p <- p (1 - lr wd) - lr sign(b1 m + (1 - b1) g);  m <- b2 m + (1 - b2) g */
function lionUpdate(
  { parameters, gradients, momentum }: Buffers,
  { beta1, beta2, weightDecay }: OptimizerSettings,
  { learningRate, gradScale }: StepNumbers,
): void {
  const keep = 1 - learningRate * weightDecay
  for (let i = 0; i < parameters.length; i += 1) {
    const gradient = gradients[i]! * gradScale
    const direction = Math.sign(beta1 * momentum[i]! + (1 - beta1) * gradient)
    parameters[i] = parameters[i]! * keep - learningRate * direction
    momentum[i] = beta2 * momentum[i]! + (1 - beta2) * gradient
  }
}
