// A token drawn by the probabilities that a model gives: softmax of the logits over the temperature.

/**
 * The token at which the running sum of exp(logit / temperature) passes `uniform`, a number in [0, 1), of their whole sum.
 * `temperature` is above 0.
 */
export function drawToken(logits: Float32Array, temperature: number, uniform: number): number {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature))
  const goal = uniform * weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  let token = 0
  for (; token < weights.length - 1; token += 1) {
    sum += weights[token]!
    if (sum > goal) break
  }
  return token
}
