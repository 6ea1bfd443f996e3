// Rotary tables: the formula at hand-worked places, and the ways of stretching it.
import { describe, expect, test } from 'vitest'
import type { RopeScaling } from '../../../src/engine/index.ts'
import { ropeTables, ropeWeights } from '../../../src/engine/models/rope.ts'

const tables = (scaling: RopeScaling, positions = 64) =>
  ropeTables({ name: 'rope', width: 8, theta: 10_000, scaling }, positions)

/** Frequencies of theta 10,000 and head width 8: 10000^(-i/4). */
const plain = [1, 0.1, 0.01, 0.001]

function frequencies({ sin, cos }: { readonly sin: Float32Array; readonly cos: Float32Array }): number[] {
  return plain.map((_, i) => Math.atan2(sin[4 + i] as number, cos[4 + i] as number))
}

const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 7)
}

describe('ropeTables', () => {
  test('position 0 turns nothing', () => {
    const { cos, sin } = tables({ kind: 'none' })
    expect([...cos.slice(0, 4), ...sin.slice(0, 4)]).toEqual([1, 1, 1, 1, 0, 0, 0, 0])
  })

  test('position p turns pair i by p * theta^(-2i/D)', () => {
    const { cos, sin } = tables({ kind: 'none' })
    expectClose(frequencies({ cos, sin }), plain)
    expect(cos[63 * 4 + 1]).toBeCloseTo(Math.cos(6.3), 5)
    expect(sin[63 * 4 + 3]).toBeCloseTo(Math.sin(0.063), 6)
  })

  test('linear scaling divides every frequency', () => {
    expectClose(
      frequencies(tables({ kind: 'linear', factor: 4 })),
      plain.map((frequency) => frequency / 4),
    )
  })

  // With 128 original positions and factors 1 and 4, a pair turns 128 f / 2 pi times: 20.4, 2.04, 0.204, 0.0204.
  test('llama3 keeps fast pairs, divides slow ones, and blends between', () => {
    const scaling: RopeScaling = {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 128,
    }
    const blend = ((128 * 0.1) / (2 * Math.PI) - 1) / 3
    const expected = [1, (1 - blend) * (0.1 / 8) + blend * 0.1, 0.01 / 8, 0.001 / 8]
    expectClose(frequencies(tables(scaling)), expected)
  })

  // A pair turns 128 f / 2 pi times. Turning 8 times is dimension log(128 / 16 pi) / (2 log 10000) * 8 = 0.41, once 1.31:
  // whole dimensions 0 and 2, so that pair 1 is half stretched.
  test('yarn keeps pairs that turn often, divides those that do not, and enlarges what it gives', () => {
    const scaling: RopeScaling = {
      kind: 'yarn',
      factor: 4,
      fastTurns: 8,
      slowTurns: 1,
      originalMaxPositions: 128,
      isTruncated: true,
      magnitude: 1.5,
    }
    const { cos, sin } = tables(scaling)
    expectClose(frequencies({ cos, sin }), [1, 0.5 * 0.1 + 0.5 * (0.1 / 4), 0.01 / 4, 0.001 / 4])
    expect(Math.hypot(cos[4] as number, sin[4] as number)).toBeCloseTo(1.5, 6)
  })

  test('longrope takes its long factors for tables beyond the original positions', () => {
    const scaling: RopeScaling = {
      kind: 'longrope',
      shortFactors: [1, 1, 2, 2],
      longFactors: [1, 2, 4, 8],
      originalMaxPositions: 32,
      magnitude: 1,
    }
    expectClose(frequencies(tables(scaling, 32)), [1, 0.1, 0.01 / 2, 0.001 / 2])
    expectClose(frequencies(tables(scaling, 33)), [1, 0.1 / 2, 0.01 / 4, 0.001 / 8])
  })

  test('a part of each head: so many columns as are turned', () => {
    const table = { name: 'rope.local', width: 4, theta: 100, scaling: { kind: 'none' } } as const
    expect(Object.fromEntries(ropeWeights({ rope: [table] }, 3))).toMatchObject({
      'rope.local.cos': { shape: [3, 2] },
      'rope.local.sin': { shape: [3, 2] },
    })
    expect(ropeWeights({ rope: [] }, 3).size).toBe(0)
  })
})
