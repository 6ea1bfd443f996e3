// NormalFloat 4 with double quantisation (Dettmers et al. 2023, QLoRA), in the conventions of bitsandbytes: every step is
// float32, so that codes and scales are the same bits. Values in, bytes out and back; no files.

/** The levels of a normal distribution with 16 equal shares, symmetric around an exact zero (QLoRA, appendix E). */
export const nf4Levels = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
)

export const nf4BlockValues = 64
/** Blocks whose absmax share one scale. */
export const nf4BlocksPerScale = 256

export interface Nf4Weight {
  /** Index of the level of each value, two a byte, the first in the high half. */
  readonly codes: Uint8Array
  /** Index in `dynamicMap` of each block's absmax, less the mean, by the scale of its 256 blocks. */
  readonly absmaxCodes: Uint8Array
  readonly absmaxScales: Float32Array
  /** Mean of all absmax. */
  readonly absmaxOffset: number
}

/** The 256 values of bitsandbytes' signed dynamic map: 1 + 2 + ... + 64 steps for each sign and power of ten, 0 and 1. */
export const dynamicMap: Float32Array = makeDynamicMap()

function makeDynamicMap(): Float32Array {
  const values: number[] = [0, 1]
  for (let power = 0; power < 7; power += 1) {
    const steps = 2 ** power
    const edge = (i: number): number => Math.fround(i === steps ? 1 : i * (0.9 / steps) + 0.1)
    const factor = Math.fround(Number(`1e${power - 6}`))
    for (let i = 0; i < steps; i += 1) {
      const mean = Math.fround(Math.fround(edge(i) + edge(i + 1)) / 2)
      const value = Math.fround(factor * mean)
      values.push(value, -value)
    }
  }
  return Float32Array.from(values).sort()
}

/** Halfway between neighbouring levels; a value on a border belongs to the lower level. None lies above the last. */
const borders = Float64Array.from(nf4Levels, (level, i) =>
  i === 15 ? Number.POSITIVE_INFINITY : (level + nf4Levels[i + 1]!) / 2,
)

const bucketsPerUnit = 512
/** Level of the lower end of each bucket of [-1, 1], a little beyond it too: at most one border lies in a bucket. */
const lowestLevel = Uint8Array.from({ length: 2 * bucketsPerUnit + 2 }, (_, bucket) => {
  const lowerEnd = bucket / bucketsPerUnit - 1 - 1e-9
  return borders.findIndex((border) => lowerEnd <= border)
})

/** Level nearest to `x`, which lies between -1 and 1 but for a rounding error. */
function levelOf(x: number): number {
  const level = lowestLevel[((x + 1) * bucketsPerUnit) | 0]!
  return x > borders[level]! ? level + 1 : level
}

/**
 * Finite values in row-major order to codes and the largest magnitude of each block; the last block may be short. As in
 * bitsandbytes values are multiplied by the reciprocal, which decides those near a border. A block of zeros has level 7.
 */
export function encodeNf4(values: Float32Array): {
  readonly codes: Uint8Array
  readonly absmax: Float32Array
} {
  const codes = new Uint8Array(Math.ceil(values.length / 2))
  const absmax = new Float32Array(Math.ceil(values.length / nf4BlockValues))
  for (let block = 0; block < absmax.length; block += 1) {
    const start = block * nf4BlockValues
    const end = Math.min(values.length, start + nf4BlockValues)
    const largest = largestOf(values, start, end)
    absmax[block] = largest
    // Below 2^-128 the reciprocal is no float32 any more.
    const reciprocal = Math.fround(1 / largest)
    const factor = largest === 0 ? 0 : reciprocal === Number.POSITIVE_INFINITY ? 1 / largest : reciprocal
    for (let i = start; i < end; i += 1)
      codes[i >> 1]! |= levelOf(Math.fround(values[i]! * factor)) << (i % 2 === 0 ? 4 : 0)
  }
  return { codes, absmax }
}

/** Codes and the scales in 8 bits of finite values. */
export function quantiseNf4(values: Float32Array): Nf4Weight {
  const { codes, absmax } = encodeNf4(values)
  return { codes, ...quantiseAbsmax(absmax) }
}

function largestOf(values: Float32Array, start: number, end: number): number {
  let largest = 0
  for (let i = start; i < end; i += 1) largest = Math.max(largest, Math.abs(values[i]!))
  return largest
}

/** The second quantisation: absmax less their mean, 256 of them by one scale, each the nearest value of the map. */
export function quantiseAbsmax(absmax: Float32Array): Omit<Nf4Weight, 'codes'> {
  const absmaxOffset = absmax.length === 0 ? 0 : Math.fround(pairwiseSum(absmax) / absmax.length)
  const absmaxScales = new Float32Array(Math.ceil(absmax.length / nf4BlocksPerScale))
  const absmaxCodes = new Uint8Array(absmax.length)
  const centred = absmax.map((value) => value - absmaxOffset)
  for (let group = 0; group < absmaxScales.length; group += 1) {
    const start = group * nf4BlocksPerScale
    const end = Math.min(absmax.length, start + nf4BlocksPerScale)
    const scale = largestOf(centred, start, end)
    absmaxScales[group] = scale
    for (let i = start; i < end; i += 1)
      absmaxCodes[i] = nearestInMap(scale === 0 ? centred[i]! : Math.fround(centred[i]! / scale))
  }
  return { absmaxCodes, absmaxScales, absmaxOffset }
}

/**
 * Sum in float32 in the order of numpy: up to 128 numbers in eight running sums, more as two halves, the first of a length
 * that eight divides. A sum from left to right would give another mean in the last bits.
 */
function pairwiseSum(values: Float32Array): number {
  const { length } = values
  if (length > 128) {
    const half = length >> 1
    const first = half - (half % 8)
    return Math.fround(pairwiseSum(values.subarray(0, first)) + pairwiseSum(values.subarray(first)))
  }
  const whole = length < 8 ? 0 : length - (length % 8)
  const sums = values.slice(0, whole === 0 ? 0 : 8)
  for (let i = 8; i < whole; i += 1) sums[i % 8]! += values[i]!
  let sum = sums.length === 0 ? 0 : sumOfEight(sums)
  for (let i = whole; i < length; i += 1) sum = Math.fround(sum + values[i]!)
  return sum
}

function sumOfEight(sums: Float32Array): number {
  const pair = (i: number): number => Math.fround(sums[i]! + sums[i + 1]!)
  return Math.fround(Math.fround(pair(0) + pair(2)) + Math.fround(pair(4) + pair(6)))
}

/** Index of the nearest value of the map; of two equally near ones the lower. */
function nearestInMap(x: number): number {
  let low = 0
  let high = dynamicMap.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (dynamicMap[middle]! <= x) low = middle
    else high = middle
  }
  return Math.abs(dynamicMap[high]! - x) < Math.abs(dynamicMap[low]! - x) ? high : low
}

/** absmax of every block: map[code] * scale + offset, each operation rounded to float32. */
export function nf4Absmax({
  absmaxCodes,
  absmaxScales,
  absmaxOffset,
}: Omit<Nf4Weight, 'codes'>): Float32Array<ArrayBuffer> {
  return Float32Array.from(absmaxCodes, (code, block) => {
    const scale = absmaxScales[Math.floor(block / nf4BlocksPerScale)]!
    return Math.fround(dynamicMap[code]! * scale) + absmaxOffset
  })
}

/** The first `length` values: level * absmax. */
export function dequantiseNf4(weight: Nf4Weight, length: number): Float32Array<ArrayBuffer> {
  const absmax = nf4Absmax(weight)
  return Float32Array.from({ length }, (_, i) => {
    const pair = weight.codes[i >> 1]!
    const level = nf4Levels[i % 2 === 0 ? pair >> 4 : pair & 15]!
    return level * absmax[Math.floor(i / nf4BlockValues)]!
  })
}
