// The dynamic 8-bit data type of Dettmers et al. 2022 ("8-bit Optimizers via Block-wise Quantization"), as bitsandbytes'
// create_dynamic_map makes it: seven decades below 1, each with half as many values as the one above it.

export interface DynamicMap {
  /** The 256 values, ascending, float32. */
  readonly values: Float32Array
  /** Codes of the nearest values of `numbers[0..count) / scale`, put into `codes` from `at` on; code of 0 where `scale` is 0. */
  readonly encode: (
    numbers: Float32Array,
    count: number,
    scale: number,
    codes: Uint8Array,
    at: number,
  ) => void
}

const decades = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]

/** Decade i holds 2^i values of each sign, or 2^(i+1) where there is one: the middles of equal parts of 0.1 to 1. */
function dynamicValues(isSigned: boolean): Float32Array {
  const values = [0, 1]
  for (const [i, decade] of decades.entries()) {
    const count = 2 ** (isSigned ? i : i + 1)
    for (let k = 0; k < count; k += 1) {
      const value = decade * (0.1 + (0.9 * (k + 0.5)) / count)
      values.push(value)
      if (isSigned) values.push(-value)
    }
  }
  return Float32Array.from(values).sort()
}

/**
 * The map of first moments (signed) or of second ones. There a number above 0 never gets the code of 0: as a divisor it
 * would throw its parameter far away (the zero-point problem of Li et al. 2023, "4-bit States").
 *
 * The nearest code of a float32 comes from its upper 16 bits: the code of the smallest number that has them, and one more
 * where the number lies beyond the middle to the next value. At most one such middle lies among numbers with equal upper
 * bits, which differ by less than 1/128 of themselves.
 */
export function createDynamicMap(isSigned: boolean): DynamicMap {
  const values = dynamicValues(isSigned)
  const middles = new Float64Array(256).fill(Number.POSITIVE_INFINITY)
  for (let code = 0; code < 255; code += 1) middles[code] = (values[code]! + values[code + 1]!) / 2
  if (!isSigned) middles[0] = 0
  const scratch = new Float32Array(1)
  const scratchBits = new Uint32Array(scratch.buffer)
  const table = new Uint8Array(0x1_0000)
  for (let upper = 0; upper < table.length; upper += 1) {
    const isNegative = upper >= 0x8000
    scratchBits[0] = upper * 0x1_0000 + (isNegative ? 0xffff : 0)
    table[upper] = nearestCode(middles, scratch[0]!)
  }
  return {
    values,
    encode(numbers, count, scale, codes, at) {
      const inverse = scale === 0 ? 0 : 1 / scale
      for (let i = 0; i < count; i += 1) {
        const number = numbers[i]! * inverse
        scratch[0] = number
        const code = table[scratchBits[0]! >>> 16]!
        codes[at + i] = scratch[0]! > middles[code]! ? code + 1 : code
      }
    },
  }
}

function nearestCode(middles: Float64Array, number: number): number {
  let [low, high] = [0, 255]
  while (low < high) {
    const middle = (low + high) >> 1
    if (number > middles[middle]!) low = middle + 1
    else high = middle
  }
  return low
}
