// Whole numbers of 8 or 4 bits, 32 values to a scale. Finite values in row-major order in, a multiple of 32 of them; bytes
// out and back; no files.
import { float16Bits, float16Table } from './float16.ts'

export const blockValues = 32

/** value = code * scale */
export interface Int8Weight {
  readonly codes: Int8Array
  /** float16 bits, one a block. */
  readonly scales: Uint16Array
}

/** value = (code - zero / 16) * scale */
export interface Int4Weight {
  /** 0 to 15, two a byte, the first in the low half. */
  readonly codes: Uint8Array
  /** float16 bits, one a block. */
  readonly scales: Uint16Array
  /** Where 0 lies among the codes, in sixteenths of a step, one a block. */
  readonly zeros: Uint8Array
}

const largestHalf = 65_504
const halfBits = (scale: number): number => float16Bits(Math.min(scale, largestHalf))
const reciprocal = (scale: number): number => (scale === 0 ? 0 : 1 / scale)

/** scale = largest magnitude / 127 */
export function quantiseInt8(values: Float32Array): Int8Weight {
  const codes = new Int8Array(values.length)
  const scales = new Uint16Array(values.length / blockValues)
  const halves = float16Table()
  for (let block = 0, start = 0; block < scales.length; block += 1, start += blockValues) {
    let largest = 0
    for (let i = start; i < start + blockValues; i += 1) largest = Math.max(largest, Math.abs(values[i]!))
    scales[block] = halfBits(largest / 127)
    const factor = reciprocal(halves[scales[block]!]!)
    for (let i = start; i < start + blockValues; i += 1) {
      const code = Math.round(values[i]! * factor)
      codes[i] = Math.min(127, Math.max(-127, code))
    }
  }
  return { codes, scales }
}

export function dequantiseInt8({ codes, scales }: Int8Weight): Float32Array<ArrayBuffer> {
  const halves = float16Table()
  return Float32Array.from(codes, (code, i) => code * halves[scales[Math.floor(i / blockValues)]!]!)
}

/**
 * Shares of a block's range that are tried; the one with the smallest sum of squared errors is kept. Cutting off the
 * outermost values makes the steps of all others smaller.
 */
const triedShares = [1, 0.95, 0.9, 0.85, 0.8] as const

/**
 * The zero is kept in sixteenths because whole steps would shift most blocks by up to half a step: on weights that were
 * once rounded to steps with an offset (Q4_1 and its kin) that shift is the whole error.
 */
export function quantiseInt4(values: Float32Array): Int4Weight {
  const blocks = values.length / blockValues
  const codes = new Uint8Array(values.length / 2)
  const scales = new Uint16Array(blocks)
  const zeros = new Uint8Array(blocks)
  for (let block = 0, start = 0; block < blocks; block += 1, start += blockValues) {
    const grid = bestGrid(values, start)
    scales[block] = grid.scaleBits
    zeros[block] = grid.zero
    const factor = reciprocal(grid.scale)
    for (let i = start; i < start + blockValues; i += 2)
      codes[i >> 1] = codeOf(values[i]!, factor, grid.zero) | (codeOf(values[i + 1]!, factor, grid.zero) << 4)
  }
  return { codes, scales, zeros }
}

interface Grid {
  readonly scaleBits: number
  readonly scale: number
  readonly zero: number
}

/** Fifteen steps from `low` to `high`, which enclose 0. */
function gridOf(low: number, high: number): Grid {
  const scaleBits = halfBits((high - low) / 15)
  const scale = float16Table()[scaleBits]!
  return { scaleBits, scale, zero: Math.min(240, Math.round(-low * 16 * reciprocal(scale))) }
}

function codeOf(value: number, factor: number, zero: number): number {
  const rounded = value * factor + zero / 16 + 0.5
  return rounded < 0 ? 0 : rounded >= 16 ? 15 : rounded | 0
}

function bestGrid(values: Float32Array, start: number): Grid {
  let low = 0
  let high = 0
  for (let i = start; i < start + blockValues; i += 1) {
    low = Math.min(low, values[i]!)
    high = Math.max(high, values[i]!)
  }
  let best = gridOf(low, high)
  let smallest = squaredError(values, start, best)
  for (let tried = 1; tried < triedShares.length && smallest > 0; tried += 1) {
    const grid = gridOf(low * triedShares[tried]!, high * triedShares[tried]!)
    const error = squaredError(values, start, grid)
    if (error >= smallest) continue
    smallest = error
    best = grid
  }
  return best
}

function squaredError(values: Float32Array, start: number, { scale, zero }: Grid): number {
  const factor = reciprocal(scale)
  const offset = zero / 16
  let sum = 0
  for (let i = start; i < start + blockValues; i += 1) {
    const value = values[i]!
    const error = (codeOf(value, factor, zero) - offset) * scale - value
    sum += error * error
  }
  return sum
}

export function dequantiseInt4({ codes, scales, zeros }: Int4Weight): Float32Array<ArrayBuffer> {
  const halves = float16Table()
  return Float32Array.from({ length: 2 * codes.length }, (_, i) => {
    const block = Math.floor(i / blockValues)
    const code = (codes[i >> 1]! >> (4 * (i & 1))) & 15
    return (code - zeros[block]! / 16) * halves[scales[block]!]!
  })
}
