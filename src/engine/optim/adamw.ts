// AdamW (Loshchilov & Hutter 2019) with the semantics of torch.optim.AdamW: decoupled weight decay on every trained
// tensor, bias-corrected moments, state in float32.
import type { OptimizerRule, OptimizerSettings, StepNumbers } from './optimizer-rule.ts'

interface Buffers {
  readonly parameters: Float32Array
  readonly gradients: Float32Array
  readonly firstMoments: Float32Array
  readonly secondMoments: Float32Array
}

export const adamw: OptimizerRule = {
  slots: (shape) => [
    { name: 'first', dtype: 'float32', shape },
    { name: 'second', dtype: 'float32', shape },
  ],
  prepare:
    (settings) =>
    ({ parameters, gradients, floats }) => {
      const firstMoments = floats('first')
      const secondMoments = floats('second')
      const buffers = { parameters, gradients, firstMoments, secondMoments }
      return (numbers) => adamwUpdate(buffers, settings, numbers)
    },
}

/** The factors of one step that are the same for every parameter. */
export function adamwFactors(
  { beta1, beta2, weightDecay }: OptimizerSettings,
  { updates, learningRate }: StepNumbers,
): { readonly keep: number; readonly stepSize: number; readonly rootCorrection: number } {
  return {
    keep: 1 - learningRate * weightDecay,
    stepSize: learningRate / (1 - beta1 ** updates),
    rootCorrection: Math.sqrt(1 - beta2 ** updates),
  }
}

/**
 *   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *   p <- p - lr m / (1 - b1^t) / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
 */
function adamwUpdate(buffers: Buffers, settings: OptimizerSettings, numbers: StepNumbers): void {
  const { parameters, gradients, firstMoments, secondMoments } = buffers
  const { beta1, beta2, epsilon } = settings
  const { gradScale } = numbers
  const { keep, stepSize, rootCorrection } = adamwFactors(settings, numbers)
  for (let i = 0; i < parameters.length; i += 1) {
    const gradient = gradients[i]! * gradScale
    const first = beta1 * firstMoments[i]! + (1 - beta1) * gradient
    const second = beta2 * secondMoments[i]! + (1 - beta2) * gradient * gradient
    firstMoments[i] = first
    secondMoments[i] = second
    parameters[i] =
      parameters[i]! * keep - (stepSize * first) / (Math.sqrt(second) / rootCorrection + epsilon)
  }
}
