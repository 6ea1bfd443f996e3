// Half precision and bfloat16 against the host's own Float16Array and against the definition.
import { describe, expect, it } from 'vitest'
import {
  bfloat16Bits,
  float16Bits,
  float16Table,
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
} from '#formats/float16.ts'

/** Node 24 has Float16Array (ES2025); the declarations in use here do not know it yet. */
interface HalfArray {
  readonly buffer: ArrayBuffer
}
const { Float16Array } = globalThis as unknown as {
  Float16Array: new (values: ArrayLike<number>) => HalfArray
}

/** Values around every rounding boundary of halves: each half, its neighbours' midpoints, and one float32 step off. */
function delicateValues(): Float32Array {
  const table = float16Table()
  const values: number[] = [0, -0, 65_504, 65_519.996, 65_520, 1e9, -1e9, 2 ** -25, 2 ** -24, 1.5 * 2 ** -25]
  const step = new Float32Array(1)
  const stepBits = new Uint32Array(step.buffer)
  for (let bits = 0; bits < 0x7bff; bits += 1) {
    const midpoint = (table[bits]! + table[bits + 1]!) / 2
    step[0] = midpoint
    values.push(table[bits]!, midpoint, -midpoint)
    stepBits[0] = stepBits[0]! + 1
    values.push(step[0])
    stepBits[0] = stepBits[0]! - 2
    values.push(step[0])
  }
  return Float32Array.from(values)
}

describe('half precision', () => {
  it('rounds as the host does at every boundary, one by one and in bulk', () => {
    const values = delicateValues()
    const expected = new Uint16Array(new Float16Array(values).buffer)
    const bulk = new Uint16Array(narrowToFloat16(values).buffer)
    const single = Uint16Array.from(values, float16Bits)
    expect(Buffer.compare(Buffer.from(bulk.buffer), Buffer.from(expected.buffer))).toBe(0)
    expect(Buffer.compare(Buffer.from(single.buffer), Buffer.from(expected.buffer))).toBe(0)
  })

  it('keeps NaN and infinities', () => {
    expect(float16Bits(Number.NaN) & 0x7c00).toBe(0x7c00)
    expect(float16Bits(Number.NaN) & 0x3ff).not.toBe(0)
    expect(float16Bits(Number.POSITIVE_INFINITY)).toBe(0x7c00)
    expect(float16Bits(Number.NEGATIVE_INFINITY)).toBe(0xfc00)
    expect(Number.isNaN(float16Table()[0x7e00])).toBe(true)
  })
})

describe('bfloat16', () => {
  it('rounds half to even and keeps NaN', () => {
    const one = 0x3f80
    expect(bfloat16Bits(1)).toBe(one)
    expect(bfloat16Bits(1 + 2 ** -8)).toBe(one) // exactly between: even
    expect(bfloat16Bits(1 + 3 * 2 ** -8)).toBe(one + 2)
    expect(bfloat16Bits(1 + 2 ** -8 + 2 ** -20)).toBe(one + 1)
    expect(bfloat16Bits(3.4e38)).toBe(0x7f80)
    expect(bfloat16Bits(Number.NaN) & 0x7f).not.toBe(0)
  })

  it('survives a round trip for every bit pattern that is a number', () => {
    const bytes = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer)
    const values = new Float32Array(65_536)
    widenBfloat16(bytes, values, 0)
    const back = new Uint16Array(narrowToBfloat16(values).buffer)
    for (let bits = 0; bits < 65_536; bits += 1)
      if (!Number.isNaN(values[bits])) expect(back[bits]).toBe(bits)
  })
})
