// Llama 3's frequency scaling: parameters to divisors and back.
import { describe, expect, it } from 'vitest'
import { type Llama3Scaling, llama3Divisors, llama3ScalingOf } from '#formats/rope-factors.ts'

describe('divisors of rotary frequencies', () => {
  it('follow the rule of Llama 3.1: 1 for short wavelengths, the factor for long ones, blended between', () => {
    // theta 500,000 and 128-wide heads: pair 0 turns once in 6.3 tokens, pair 63 in 2.6 million.
    const divisors = llama3Divisors(
      { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 },
      500_000,
      128,
    )
    expect(divisors.length).toBe(64)
    expect(divisors[0]).toBe(1)
    expect(divisors[63]).toBe(8)
    const turns = (i: number): number => (8192 * 500_000 ** ((-2 * i) / 128)) / (2 * Math.PI)
    const blended = divisors.findIndex((divisor) => divisor > 1)
    expect(turns(blended - 1)).toBeGreaterThanOrEqual(4)
    expect(turns(blended)).toBeLessThan(4)
    expect(divisors[blended]).toBeCloseTo(
      1 / ((1 - (turns(blended) - 1) / 3) / 8 + (turns(blended) - 1) / 3),
      5,
    )
  })

  it.each([
    ['Llama 3.1', { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 }, 128],
    ['Llama 3.2', { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 }, 64],
    ['another context', { factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 4096 }, 128],
    ['another blend', { factor: 16, lowFreqFactor: 1, highFreqFactor: 9, originalContextTokens: 2048 }, 128],
  ] as [string, Llama3Scaling, number][])('are recognised: %s', (_name, scaling, headDim) => {
    const found = llama3ScalingOf(llama3Divisors(scaling, 500_000, headDim), 500_000, headDim, undefined)!
    expect(found.factor).toBe(scaling.factor)
    expect(found.highFreqFactor).toBeCloseTo(scaling.highFreqFactor, 1)
    expect(Math.abs(found.originalContextTokens / scaling.originalContextTokens - 1)).toBeLessThan(0.01)
  })

  it('that follow no such rule are not', () => {
    expect(llama3ScalingOf(Float32Array.of(1, 3, 2, 8), 10_000, 8, undefined)).toBeNull()
    expect(llama3ScalingOf(new Float32Array(4).fill(Number.NaN), 10_000, 8, undefined)).toBeNull()
  })
})
