import { describe, expect, it } from 'vitest'
import { adamwStep } from '../../../src/engine/optim/adamw.ts'
import { clipFactor, globalNorm } from '../../../src/engine/optim/clip.ts'
import { learningRateFactor, warmupStepsFor } from '../../../src/engine/optim/schedule.ts'

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }

describe('AdamW', () => {
  // Made with the formulas of torch.optim.AdamW (single tensor) in float64: lr 0.1, three steps.
  const gradients = [
    [0.3, -0.2, 1e-4, 5],
    [-0.1, 0.4, 2e-4, -3],
    [0, 0.25, -1e-4, 1],
  ]
  const expected = [
    [0.39950000333333324, -1.1487500049999997, 1.8980099990001, -0.0999999998],
    [0.3590786479247475, -1.1842116065410366, 1.7995998894642031, -0.11904980327647983],
    [0.32778255936417827, -1.2389112156654125, 1.755794329487882, -0.14432727246802032],
  ]

  it('follows torch.optim.AdamW over three steps', () => {
    const state = stateOf([0.5, -1.25, 2, 0])
    for (const [index, row] of gradients.entries()) {
      adamwStep(state, Float32Array.from(row), settings, {
        updates: index + 1,
        learningRate: 0.1,
        gradScale: 1,
      })
      for (const [i, value] of expected[index]!.entries()) expect(state.parameters[i]).toBeCloseTo(value, 6)
    }
  })

  it('takes gradScale for the gradient itself', () => {
    const scaled = stateOf([1, -2])
    const plain = stateOf([1, -2])
    const step = { updates: 1, learningRate: 0.01 }
    adamwStep(scaled, Float32Array.from([8, -4]), settings, { ...step, gradScale: 0.25 })
    adamwStep(plain, Float32Array.from([2, -1]), settings, { ...step, gradScale: 1 })
    expect(scaled).toEqual(plain)
  })

  it('with learning rate 0 moves the moments and no parameter', () => {
    const state = stateOf([1, -2])
    adamwStep(state, Float32Array.from([2, -1]), settings, { updates: 1, learningRate: 0, gradScale: 1 })
    expect([...state.parameters]).toEqual([1, -2])
    expect(state.firstMoments[0]).toBeCloseTo(0.2, 6)
    expect(state.secondMoments[0]).toBeCloseTo(0.004, 8)
  })
})

describe('clipping', () => {
  it('takes the L2 norm over every entry', () => {
    expect(globalNorm(Float32Array.from([3, 4, 0, -12]))).toBe(13)
  })
  it('scales by clip / (norm + 1e-6) above the limit, never up', () => {
    expect(clipFactor(4, 1)).toBe(1 / (4 + 1e-6))
    expect(clipFactor(0.5, 1)).toBe(1)
    expect(clipFactor(1e9, null)).toBe(1)
  })
  it('lets NaN and infinity through to the guard', () => {
    expect(globalNorm(Float32Array.from([1, Number.NaN]))).toBeNaN()
    expect(globalNorm(Float32Array.from([1, Number.POSITIVE_INFINITY]))).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('schedule', () => {
  // transformers' get_cosine_schedule_with_warmup and get_linear_schedule_with_warmup, 3 of 10 steps warm-up.
  const expected = {
    cosine: [
      0.0, 0.3333333333333333, 0.6666666666666666, 1.0, 0.9504844339512095, 0.8117449009293668,
      0.6112604669781572, 0.38873953302184283, 0.18825509907063326, 0.04951556604879048, 0,
    ],
    linear: [
      0.0, 0.3333333333333333, 0.6666666666666666, 1.0, 0.8571428571428571, 0.7142857142857143,
      0.5714285714285714, 0.42857142857142855, 0.2857142857142857, 0.14285714285714285, 0,
    ],
  }
  it.each(['cosine', 'linear'] as const)('%s equals transformers at every step', (kind) => {
    for (const [step, factor] of expected[kind].entries())
      expect(learningRateFactor({ kind, totalSteps: 10, warmupSteps: 3 }, step)).toBeCloseTo(factor, 12)
  })
  it('constant is 1 after warm-up and starts at 1 without', () => {
    expect(learningRateFactor({ kind: 'constant', totalSteps: 5, warmupSteps: 0 }, 0)).toBe(1)
    expect(learningRateFactor({ kind: 'constant', totalSteps: 5, warmupSteps: 2 }, 0)).toBe(0)
    expect(learningRateFactor({ kind: 'constant', totalSteps: 5, warmupSteps: 2 }, 4)).toBe(1)
  })
  it('rounds the share of warm-up steps up', () => {
    expect(warmupStepsFor(0.05, 50)).toBe(3)
    expect(warmupStepsFor(0, 50)).toBe(0)
  })
})

function stateOf(values: number[]) {
  return {
    parameters: Float32Array.from(values),
    firstMoments: new Float32Array(values.length),
    secondMoments: new Float32Array(values.length),
  }
}
