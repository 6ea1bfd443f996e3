import { expect, test } from 'vitest'
import { logSoftmax, nearestClass } from '#processes/scorer/nearest-class.ts'

const states = [
  { state: [0, 0], label: 0 },
  { state: [0, 2], label: 0 },
  { state: [4, 0], label: 1 },
  { state: [4, 2], label: 1 },
  { state: [4, 1], label: 1 },
]

test('the class whose mean is nearest is the likeliest, and half way the more frequent one', () => {
  const { logProbs } = nearestClass(states, 2)
  const at = (...state: number[]): number => Math.exp(logProbs(state)[1]!)
  expect(at(0, 1)).toBeLessThan(0.1)
  expect(at(4, 1)).toBeGreaterThan(0.9)
  expect(at(2, 1)).toBeCloseTo(3 / 5, 6)
})

test('a class without a state has no probability', () => {
  expect(Array.from(nearestClass(states, 3).logProbs([4, 1]), Math.exp)[2]).toBe(0)
})

test('where classes lie in each other it is as unsure as it is wrong', () => {
  const mixed = Array.from({ length: 40 }, (_, i) => ({ state: [i % 5, i % 3], label: i % 2 }))
  for (const probability of Array.from(nearestClass(mixed, 2).logProbs([1, 1]), Math.exp))
    expect(Math.abs(probability - 0.5)).toBeLessThan(0.2)
})

test('large scores', () => {
  expect(Array.from(logSoftmax([1000, 1000]))).toEqual([Math.log(0.5), Math.log(0.5)])
})
