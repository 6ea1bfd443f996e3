import { expect, test } from 'vitest'
import { createTimeLeft } from '../../../src/core/training/time-left.ts'
import type { TrainerEvent } from '../../../src/shared/trainer-protocol.ts'

const plan: TrainerEvent = {
  kind: 'plan',
  totalSteps: 40,
  stepsPerEpoch: 10,
  evaluateEverySteps: 10,
  trainRows: 80,
  validationRows: 10,
  trainableParameters: 1,
  leftOut: [],
  resumedAtStep: 0,
  determinism: 'bit-exact on this machine',
  backend: 'test',
}
const step = (number: number, durationMs: number): TrainerEvent => ({
  kind: 'step',
  step: number,
  epoch: 0,
  lossNats: 1,
  gradNorm: 1,
  learningRate: 1,
  labelledTokens: 1,
  tokensSeen: 1,
  durationMs,
})
const evaluation = (number: number, durationMs: number): TrainerEvent => ({
  kind: 'evaluation',
  step: number,
  lossNats: 1,
  labelledTokens: 1,
  isBest: true,
  durationMs,
})

test('nothing is promised before the first step', () => {
  const left = createTimeLeft()
  expect(left.estimateMs()).toBeNull()
  left.follow(plan)
  expect(left.estimateMs()).toBeNull()
})

test('steps and evaluations that are left are counted with what they took', () => {
  const left = createTimeLeft()
  left.follow(plan)
  left.follow(evaluation(0, 500))
  for (let number = 1; number <= 10; number += 1) left.follow(step(number, 100))
  left.follow(evaluation(10, 600))
  expect(left.estimateMs()).toBe(30 * 100 + 3 * 600)
  expect(left.doneShare()).toBe(0.25)
  for (let number = 11; number <= 40; number += 1) left.follow(step(number, 100))
  expect(left.estimateMs()).toBe(0)
})

test('a run without validation rows has a time left too (it was NaN)', () => {
  const left = createTimeLeft()
  left.follow({ ...plan, validationRows: 0, evaluateEverySteps: 0 } as TrainerEvent)
  left.follow(step(1, 100))
  expect(left.estimateMs()).toBe(39 * 100)
})

test('a resumed run counts only what it still has to do', () => {
  const left = createTimeLeft()
  left.follow({ ...plan, resumedAtStep: 30 } as TrainerEvent)
  left.follow(step(31, 200))
  expect(left.estimateMs()).toBe(9 * 200)
})
