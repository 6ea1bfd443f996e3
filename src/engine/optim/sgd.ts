// Stochastic gradient descent with momentum, as torch.optim.SGD without dampening: weight decay is part of the gradient.
import type { OptimizerRule, OptimizerSettings, StepNumbers } from './optimizer-rule.ts'

interface Buffers {
  readonly parameters: Float32Array
  readonly gradients: Float32Array
  readonly momentum: Float32Array
}

export const sgd: OptimizerRule = {
  slots: (shape) => [{ name: 'first', dtype: 'float32', shape }],
  prepare:
    (settings) =>
    ({ parameters, gradients, floats }) => {
      const buffers = { parameters, gradients, momentum: floats('first') }
      return (numbers) => sgdUpdate(buffers, settings, numbers)
    },
}

/** m <- b1 m + g + wd p;  p <- p - lr m */
function sgdUpdate(
  { parameters, gradients, momentum }: Buffers,
  { beta1, weightDecay }: OptimizerSettings,
  { learningRate, gradScale }: StepNumbers,
): void {
  for (let i = 0; i < parameters.length; i += 1) {
    const parameter = parameters[i]!
    const moved = beta1 * momentum[i]! + gradients[i]! * gradScale + weightDecay * parameter
    momentum[i] = moved
    parameters[i] = parameter - learningRate * moved
  }
}
