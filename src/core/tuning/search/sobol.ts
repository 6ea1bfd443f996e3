// Points that fill a space evenly: Sobol's sequence with the direction numbers of Joe and Kuo 2008 (new-joe-kuo-6), its
// digits scrambled as Owen 1995 by the hash of Laine and Karras 2011, as Burley 2020 writes it. At most 40 dimensions.
import { drawsOf } from './streams.ts'

/** One dimension each after the first: the polynomial's inner bits, then the first direction numbers. */
const published: readonly (readonly number[])[] = [
  [0, 1],
  [1, 1, 3],
  [1, 1, 3, 1],
  [2, 1, 1, 1],
  [1, 1, 1, 3, 3],
  [4, 1, 3, 5, 13],
  [2, 1, 1, 5, 5, 17],
  [4, 1, 1, 5, 5, 5],
  [7, 1, 1, 7, 11, 19],
  [11, 1, 1, 5, 1, 1],
  [13, 1, 1, 1, 3, 11],
  [14, 1, 3, 5, 5, 31],
  [1, 1, 3, 3, 9, 7, 49],
  [13, 1, 1, 1, 15, 21, 21],
  [16, 1, 3, 1, 13, 27, 49],
  [19, 1, 1, 1, 15, 7, 5],
  [22, 1, 3, 1, 15, 13, 25],
  [25, 1, 1, 5, 5, 19, 61],
  [1, 1, 3, 7, 11, 23, 15, 103],
  [4, 1, 3, 7, 13, 13, 15, 69],
  [7, 1, 1, 3, 13, 7, 35, 63],
  [8, 1, 3, 5, 9, 1, 25, 53],
  [14, 1, 3, 1, 13, 9, 35, 107],
  [19, 1, 3, 1, 5, 27, 61, 31],
  [21, 1, 1, 5, 11, 19, 41, 61],
  [28, 1, 3, 5, 3, 3, 13, 69],
  [31, 1, 1, 7, 13, 1, 19, 1],
  [32, 1, 3, 7, 5, 13, 19, 59],
  [37, 1, 1, 3, 9, 25, 29, 41],
  [41, 1, 3, 5, 13, 23, 1, 55],
  [42, 1, 3, 7, 3, 13, 59, 17],
  [50, 1, 3, 1, 3, 5, 53, 69],
  [55, 1, 1, 5, 5, 23, 33, 13],
  [56, 1, 1, 7, 7, 1, 61, 123],
  [59, 1, 1, 7, 9, 13, 61, 49],
  [62, 1, 3, 3, 5, 3, 55, 33],
  [14, 1, 3, 1, 15, 31, 13, 49, 245],
  [21, 1, 3, 5, 15, 31, 59, 63, 97],
  [22, 1, 3, 1, 11, 11, 11, 77, 249],
]

const bits = 32

/** Direction numbers of a dimension, the highest bit first (Bratley and Fox 1988). */
function directionsOf(dimension: number): Uint32Array {
  const directions = new Uint32Array(bits)
  if (dimension === 0) {
    for (let bit = 0; bit < bits; bit += 1) directions[bit] = 2 ** (bits - 1 - bit)
    return directions
  }
  const [inner, ...first] = published[dimension - 1]!
  const degree = first.length
  for (let bit = 0; bit < bits; bit += 1) {
    if (bit < degree) {
      directions[bit] = first[bit]! << (bits - 1 - bit)
      continue
    }
    let value = directions[bit - degree]! ^ (directions[bit - degree]! >>> degree)
    for (let k = 1; k < degree; k += 1) if ((inner! >> (degree - 1 - k)) & 1) value ^= directions[bit - k]!
    directions[bit] = value
  }
  return directions
}

const tables = Array.from({ length: published.length + 1 }, (_, dimension) => directionsOf(dimension))

/** The sequence itself: point `index`, as 32 bits after the binary point. */
export function sobolBits(index: number, dimension: number): number {
  const directions = tables[dimension]!
  let value = 0
  for (let bit = 0, rest = index; rest > 0; bit += 1, rest = Math.floor(rest / 2))
    if (rest % 2 === 1) value ^= directions[bit]!
  return value >>> 0
}

/** The bits in reverse order. */
function reversed(value: number): number {
  let result = value
  result = ((result >>> 1) & 0x55555555) | ((result & 0x55555555) << 1)
  result = ((result >>> 2) & 0x33333333) | ((result & 0x33333333) << 2)
  result = ((result >>> 4) & 0x0f0f0f0f) | ((result & 0x0f0f0f0f) << 4)
  result = ((result >>> 8) & 0x00ff00ff) | ((result & 0x00ff00ff) << 8)
  return ((result >>> 16) | (result << 16)) >>> 0
}

/** Each bit is turned over or not by a hash of the bits above it: that keeps how evenly the points lie. */
function scrambled(value: number, key: number): number {
  let hash = (reversed(value) + key) | 0
  for (const factor of [0x6c50b47c, 0xb82f1e52, 0xc7afe638, 0x8d22f6e6]) hash ^= Math.imul(hash, factor)
  return reversed(hash >>> 0)
}

/** One coordinate, in [0, 1), of the scrambled point `index` of a seed; `dimension` from 0 to 39. */
export function sobolAt(seed: number, index: number, dimension: number): number {
  const key = Math.floor(drawsOf(seed, `scrambling of ${dimension}`)() * 2 ** 32)
  return scrambled(sobolBits(index, dimension), key) / 2 ** 32
}
