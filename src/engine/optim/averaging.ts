// Exponential moving average of the weights (Polyak & Juditsky 1992; Izmailov et al. 2018 for its use here).

/**
 * average <- d average + (1 - d) parameters, in place. d = min(decay, (1 + t) / (10 + t)) after update t, the rule of
 * TensorFlow's ExponentialMovingAverage, so that a short run's average is not held where it began.
 */
export function updateAverage(
  average: Float32Array,
  parameters: Float32Array,
  decay: number,
  updates: number,
): void {
  const kept = Math.min(decay, (1 + updates) / (10 + updates))
  for (let i = 0; i < average.length; i += 1) {
    const value = average[i]!
    average[i] = value + (1 - kept) * (parameters[i]! - value)
  }
}
