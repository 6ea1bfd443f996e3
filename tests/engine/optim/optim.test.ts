import { describe, expect, it } from 'vitest'
import { updateAverage } from '../../../src/engine/optim/averaging.ts'
import { clipFactor, globalNorm } from '../../../src/engine/optim/clip.ts'
import { blankMemory, createOptimizer, memoryBytes } from '../../../src/engine/optim/optimizer.ts'
import { learningRateFactor, warmupStepsFor } from '../../../src/engine/optim/schedule.ts'
import { layoutOf } from '../../../src/engine/train/state.ts'
import { optimizerSettings } from '../../../src/shared/recipe.ts'

/** An optimizer of vectors with these values, and its buffers. */
function makeOptimizer(
  changes: Record<string, unknown>,
  values: readonly (readonly number[])[],
  rates?: readonly number[],
) {
  const settings = optimizerSettings.parse(changes)
  const { entries } = layoutOf(values.map((list, i) => ({ name: `tensor.${i}.bias`, shape: [list.length] })))
  const parameters = Float32Array.from(values.flat())
  const gradients = new Float32Array(parameters.length)
  const memory = blankMemory(settings.kind, entries)
  const optimizer = createOptimizer(settings, entries, { parameters, gradients, memory }, rates)
  return { parameters, gradients, memory, optimizer }
}

describe('AdamW', () => {
  it('is, bit for bit, the formula of torch.optim.AdamW in float64 with states in float32', () => {
    const lists = [[0.5, -1.25, 2, 0], [7], [1e-3, -40]]
    const { parameters, gradients, optimizer } = makeOptimizer({ weightDecay: 0.01 }, lists)
    const expected = Float32Array.from(lists.flat())
    const first = new Float32Array(expected.length)
    const second = new Float32Array(expected.length)
    for (let t = 1; t <= 20; t += 1) {
      for (let i = 0; i < gradients.length; i += 1) gradients[i] = Math.sin(i * 7 + t * 3) * 10 ** (i % 4)
      for (const [i, value] of gradients.entries()) {
        const gradient = value * 0.37
        const m = 0.9 * first[i]! + (1 - 0.9) * gradient
        const v = 0.999 * second[i]! + (1 - 0.999) * gradient * gradient
        const move = ((0.1 / (1 - 0.9 ** t)) * m) / (Math.sqrt(v) / Math.sqrt(1 - 0.999 ** t) + 1e-8)
        first[i] = m
        second[i] = v
        expected[i] = expected[i]! * (1 - 0.1 * 0.01) - move
      }
      optimizer.step({ updates: t, learningRate: 0.1, gradScale: 0.37 })
    }
    expect(parameters).toEqual(expected)
  })

  it('with learning rate 0 moves the moments and no parameter', () => {
    const { parameters, gradients, memory, optimizer } = makeOptimizer({}, [[1, -2]])
    gradients.set([2, -1])
    optimizer.step({ updates: 1, learningRate: 0, gradScale: 1 })
    expect([...parameters]).toEqual([1, -2])
    expect(memory.get('first.tensor.0.bias')!.data[0]).toBeCloseTo(0.2, 6)
    expect(memory.get('second.tensor.0.bias')!.data[0]).toBeCloseTo(0.004, 8)
  })
})

describe('8-bit AdamW', () => {
  // A second moment that is small beside the largest of its block had the code of 0, and moved its parameter by
  // hundreds of times the learning rate.
  it('does not throw away a parameter whose gradient is small beside its block', () => {
    const run = (kind: string) => {
      const zeros = Array.from({ length: 4096 }, () => 0)
      const { parameters, gradients, optimizer } = makeOptimizer({ kind, weightDecay: 0 }, [zeros])
      gradients.fill(3e-4)
      gradients[0] = 1
      for (let updates = 1; updates <= 30; updates += 1) {
        if (updates === 20) gradients.fill(1e-7, 1)
        optimizer.step({ updates, learningRate: 1e-3, gradScale: 1 })
      }
      return parameters
    }
    const [plain, coded] = [run('adamw'), run('adamw-8bit')]
    expect(Math.abs(coded[1]!)).toBeLessThan(2 * Math.abs(plain[1]!))
    expect(coded[0]).toBeCloseTo(plain[0]!, 3)
  })

  it('keeps a quarter of what AdamW keeps, and small tensors as they are', () => {
    const large = [[576, 576]]
    expect(memoryBytes('adamw', large)).toBe(8 * 576 * 576)
    expect(memoryBytes('adamw-8bit', large)).toBe(2 * 576 * 576 + (8 * 576 * 576) / 256)
    expect(memoryBytes('adamw-8bit', [[4095]])).toBe(8 * 4095)
    expect(memoryBytes('adafactor', [[49_152, 576], [576]])).toBe(4 * (49_152 + 576 + 576))
  })
})

describe('rates of single tensors', () => {
  it.each(['adamw', 'adafactor', 'lion', 'sgd'])('scale the rate of %s, weight decay included', (kind) => {
    const moved = (learningRate: number, rates?: number[]) => {
      const made = makeOptimizer(
        { kind, weightDecay: 0.1 },
        [
          [1, 2],
          [1, 2],
        ],
        rates,
      )
      made.gradients.set([0.3, -0.1, 0.3, -0.1])
      made.optimizer.step({ updates: 1, learningRate, gradScale: 1 })
      return made.parameters
    }
    expect(moved(0.01, [0.25, 1]).subarray(0, 2)).toEqual(moved(0.0025).subarray(0, 2))
    expect(moved(0.01, [0.25, 1]).subarray(2)).toEqual(moved(0.01).subarray(2))
  })
})

describe('the moving average', () => {
  it('forgets at the wanted rate, and faster in its first steps', () => {
    const average = Float32Array.of(1, 0)
    updateAverage(average, Float32Array.of(0, 11), 0.9, 1)
    expect(average[0]).toBeCloseTo(2 / 11, 6)
    expect(average[1]).toBeCloseTo(9, 5)
    updateAverage(average, Float32Array.of(0, 0), 0.9, 1000)
    expect(average[1]).toBeCloseTo(8.1, 5)
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
