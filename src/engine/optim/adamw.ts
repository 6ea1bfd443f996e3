// AdamW (Loshchilov & Hutter 2019) over one flat buffer, with the semantics of torch.optim.AdamW: decoupled weight
// decay on every trained tensor, bias-corrected moments, state in float32. It knows nothing of tensors or schedules.

export interface AdamWSettings {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
}

/** Everything AdamW remembers, one entry a parameter. Changed in place by `adamwStep`. */
export interface AdamWState {
  readonly parameters: Float32Array
  readonly firstMoments: Float32Array
  readonly secondMoments: Float32Array
}

/**
 * One update in place:
 *   g = gradScale * gradients
 *   p <- p (1 - lr wd);  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
 *   p <- p - lr m / (1 - b1^t) / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
 * `updates` is t, counted from 1. `gradScale` carries 1 / labelled tokens and the clipping factor, so that the
 * gradients are read once.
 */
export function adamwStep(
  state: AdamWState,
  gradients: Float32Array,
  settings: AdamWSettings,
  step: { readonly updates: number; readonly learningRate: number; readonly gradScale: number },
): void {
  const { parameters, firstMoments, secondMoments } = state
  const { beta1, beta2, epsilon, weightDecay } = settings
  const { updates, learningRate, gradScale } = step
  const keep = 1 - learningRate * weightDecay
  const stepSize = learningRate / (1 - beta1 ** updates)
  const rootCorrection = Math.sqrt(1 - beta2 ** updates)
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
