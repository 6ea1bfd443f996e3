// The counter-based generator: known answers of Philox4x32-10 (Random123's kat_vectors), and the stream built on it.
import { describe, expect, test } from 'vitest'
import { counterRandom, type FourWords, philox } from '../../src/engine/random.ts'

describe('philox', () => {
  test.each<[FourWords, [number, number], number[]]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('known answer %#', (counter, key, expected) => {
    expect([...philox(counter, key)]).toEqual(expected)
  })
})

describe('counterRandom', () => {
  const random = counterRandom(42, 'order')
  const numbers = Array.from({ length: 20_000 }, (_, i) => random(i))

  test('any index at any time gives the same number', () => {
    expect([random(19_999), random(3), random(3)]).toEqual([numbers[19_999], numbers[3], numbers[3]])
    expect(counterRandom(42, 'order')(3)).toBe(numbers[3])
  })

  test('seed, purpose and index above 2^32 each give other numbers', () => {
    const others = [counterRandom(43, 'order')(3), counterRandom(42, 'adapter')(3), random(3 + 2 ** 32)]
    expect(new Set([numbers[3], ...others]).size).toBe(4)
  })

  test('numbers lie in [0, 1), even in mean, spread and neighbours', () => {
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.abs(mean(numbers) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(mean(numbers.map((value) => (value - 0.5) ** 2)) - 1 / 12)).toBeLessThan(0.003)
    const products = numbers.slice(1).map((value, i) => (value - 0.5) * ((numbers[i] as number) - 0.5))
    expect(Math.abs(mean(products))).toBeLessThan(0.003)
  })

  // The contract of stored runs: these numbers decide data order and adapters of runs in journals.
  test('the stream does not change', () => {
    expect([random(0), random(1), counterRandom(0, '')(0)]).toMatchInlineSnapshot(`
      [
        0.8577362440418576,
        0.8832217786101796,
        0.0556117421672262,
      ]
    `)
  })
})
