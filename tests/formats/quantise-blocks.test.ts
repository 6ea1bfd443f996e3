// Blockwise whole numbers: the error of every value against half a step, and the formula written out once more.
import { describe, expect, test } from 'vitest'
import { counterRandom } from '#engine/index.ts'
import { float16Table } from '#formats/float16.ts'
import { dequantiseInt4, dequantiseInt8, quantiseInt4, quantiseInt8 } from '#formats/quantise-blocks.ts'

const bell = (length: number, seed: number): Float32Array => {
  const random = counterRandom(seed, 'weights')
  const sum = (i: number): number => random(4 * i) + random(4 * i + 1) + random(4 * i + 2) + random(4 * i + 3)
  return Float32Array.from({ length }, (_, i) => 0.1 * (sum(i) - 2))
}

const relativeError = (found: Float32Array, expected: Float32Array): number => {
  let error = 0
  let size = 0
  for (const [i, value] of expected.entries()) {
    error += (found[i]! - value) ** 2
    size += value ** 2
  }
  return Math.sqrt(error / size)
}

describe('int8', () => {
  test('every value lies within half a step of its code', () => {
    const values = bell(64 * 32, 1)
    const weight = quantiseInt8(values)
    const back = dequantiseInt8(weight)
    for (const [i, value] of values.entries()) {
      const scale = float16Table()[weight.scales[i >> 5]!]!
      expect(back[i]).toBe(Math.fround(weight.codes[i]! * scale))
      // The scale is rounded to float16, so the outermost value may lie a little beyond the last code.
      expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(scale * (0.5 + 127 * 2 ** -11))
    }
  })

  test('zeros stay zeros, and numbers beyond float16 scales stay finite', () => {
    const values = new Float32Array(96)
    values[40] = 1e30
    values[70] = 1e-30
    const back = dequantiseInt8(quantiseInt8(values))
    expect(back.every(Number.isFinite)).toBe(true)
    expect(back[40]).toBe(127 * 65_504)
    expect([back[0], back[70]]).toEqual([0, 0])
  })
})

describe('int4', () => {
  test('codes, scales and zeros mean (code - zero / 16) * scale', () => {
    const values = bell(8 * 32, 2)
    const { codes, scales, zeros } = quantiseInt4(values)
    const back = dequantiseInt4({ codes, scales, zeros })
    for (const i of values.keys()) {
      const code = i % 2 === 0 ? codes[i >> 1]! & 15 : codes[i >> 1]! >> 4
      const block = Math.floor(i / 32)
      const value = (code - zeros[block]! / 16) * float16Table()[scales[block]!]!
      expect(back[i]).toBe(Math.fround(value))
    }
  })

  test('the kept range has the smallest error among those that were tried', () => {
    const values = bell(400 * 32, 3)
    // Fifteen steps over the whole range would give 0.085, NF4 in blocks of 64 gives 0.091.
    expect(relativeError(dequantiseInt4(quantiseInt4(values)), values)).toBeLessThan(0.076)
  })

  test('weights that were rounded to steps with an offset come back nearly exactly', () => {
    const random = counterRandom(4, 'steps')
    const values = new Float32Array(200 * 32)
    for (let block = 0; block < 200; block += 1) {
      const step = 0.01 * (0.5 + random(2 * block))
      const offset = -step * (5 + 5 * random(2 * block + 1))
      for (let i = 0; i < 32; i += 1) {
        // Both ends are there, as in a block that a min-max quantiser made.
        const code = i < 2 ? 15 * i : Math.floor(16 * random(1e6 + 32 * block + i))
        values[32 * block + i] = offset + step * code
      }
    }
    // With whole zeros it is 0.06.
    expect(relativeError(dequantiseInt4(quantiseInt4(values)), values)).toBeLessThan(0.006)
  })

  test.each([
    ['only positive', (i: number) => 1 + (i % 16) / 16],
    ['only negative', (i: number) => -1 - (i % 16) / 16],
    ['all zero', () => 0],
    ['one value', (i: number) => (i === 3 ? -2.5 : 0)],
  ])('%s: finite and within one step', (_, numberAt) => {
    const values = Float32Array.from({ length: 32 }, (_value, i) => numberAt(i))
    const back = dequantiseInt4(quantiseInt4(values))
    const step = Math.max(...values.map(Math.abs)) / 15
    for (const [i, value] of values.entries())
      expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(step * 1.001)
  })
})
