import { expect, test } from 'vitest'
import { drawToken } from '#engine/draw-token.ts'

test('tokens are drawn as often as softmax at the temperature says', () => {
  const logits = Float32Array.of(1, 3, 2, -40)
  for (const temperature of [0.5, 1, 2]) {
    const draws = 20_000
    const counts = [0, 0, 0, 0]
    for (let at = 0; at < draws; at += 1) counts[drawToken(logits, temperature, (at + 0.5) / draws)]! += 1
    const weights = [...logits].map((logit) => Math.exp(logit / temperature))
    const sum = weights.reduce((total, weight) => total + weight, 0)
    for (const [token, weight] of weights.entries())
      expect(counts[token]! / draws).toBeCloseTo(weight / sum, 3)
  }
})

test('the ends of the interval are tokens too', () => {
  expect(drawToken(Float32Array.of(5, 1), 1, 0)).toBe(0)
  expect(drawToken(Float32Array.of(1, 5), 1, 1 - 2 ** -53)).toBe(1)
})
