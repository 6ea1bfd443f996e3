import { expect, it } from 'vitest'
import { fallOf, fallOfF1 } from '#renderer/features/proof/part-change.ts'

const side = (right: number, predicted: number, support: number) => ({
  f1: (2 * right) / (predicted + support),
  recall: right / support,
  predicted,
})
const part = (support: number, base: [number, number], tuned: [number, number]) => ({
  support,
  base: side(...base, support),
  tuned: side(...tuned, support),
})

it('says of a label that it got worse where its rows tell it from chance', () => {
  expect(fallOfF1(part(40, [38, 40], [18, 40]))).toBe('worse')
  expect(fallOfF1(part(200, [180, 200], [140, 200]))).toBe('worse')
})

it('does not say so of one row more that is wrong, of nine', () => {
  expect(fallOfF1(part(9, [9, 10], [8, 9]))).toBe('unclear')
  expect(fallOfF1(part(9, [5, 7], [5, 8]))).toBe('unclear')
})

it('does not say so where wrongly named rows are what changed, and few', () => {
  expect(fallOfF1(part(10, [9, 9], [9, 14]))).toBe('unclear')
  expect(fallOfF1(part(10, [9, 9], [9, 60]))).toBe('worse')
})

it('says nothing of a label that is as good or better, or that nobody named', () => {
  expect(fallOfF1(part(9, [5, 7], [5, 7]))).toBeNull()
  expect(fallOfF1(part(9, [5, 7], [8, 9]))).toBeNull()
  const none = { f1: 0, recall: 0, predicted: 0 }
  expect(fallOfF1({ support: 0, base: none, tuned: none })).toBeNull()
})

it('goes by the interval of the difference where there is one, in the direction of the figure', () => {
  expect(fallOf({ value: -0.1, low: -0.2, high: -0.01 }, true)).toBe('worse')
  expect(fallOf({ value: -0.1, low: -0.2, high: 0.01 }, true)).toBe('unclear')
  expect(fallOf({ value: 0.1, low: 0.01, high: 0.2 }, true)).toBeNull()
  expect(fallOf({ value: 0.1, low: 0.01, high: 0.2 }, false)).toBe('worse')
  expect(fallOf({ value: 0.1, low: -0.01, high: 0.2 }, false)).toBe('unclear')
  expect(fallOf({ value: -0.1, low: -0.2, high: -0.01 }, false)).toBeNull()
})
