// Block formats of ggml, one function each: whole blocks of bytes in, float32 values out. Layouts as in ggml-common.h;
// every result is the float32 that Python's gguf package gives, bit for bit. Formats with lookup grids are not here.
import { float16Table, widenBfloat16, widenFloat16 } from './float16.ts'
import type { GgufTensorTypeName } from './gguf-types.ts'

/** Writes the values of all whole blocks of `bytes` to `out` from index `at`. */
type Dequantise = (bytes: Uint8Array, out: Float32Array, at: number) => void

const half = (bytes: Uint8Array, at: number): number => float16Table()[bytes[at]! | (bytes[at + 1]! << 8)]!
const signed = (byte: number): number => (byte << 24) >> 24
const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

const f32: Dequantise = (bytes, out, at) => {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes, at * 4)
}

/** d, 32 x int8: y = d q */
const q8_0: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 34) {
    const d = half(bytes, block)
    for (let i = 0; i < 32; i += 1, o += 1) out[o] = d * signed(bytes[block + 2 + i]!)
  }
}

/** d, 16 bytes: low nibbles are values 0-15, high nibbles 16-31. y = d (q - 8) */
const q4_0: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 18, o += 32) {
    const d = half(bytes, block)
    for (let i = 0; i < 16; i += 1) {
      const pair = bytes[block + 2 + i]!
      out[o + i] = d * ((pair & 15) - 8)
      out[o + 16 + i] = d * ((pair >> 4) - 8)
    }
  }
}

/** d, m, 16 bytes as in Q4_0: y = d q + m */
const q4_1: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 20, o += 32) {
    const d = half(bytes, block)
    const m = half(bytes, block + 2)
    for (let i = 0; i < 16; i += 1) {
      const pair = bytes[block + 4 + i]!
      out[o + i] = d * (pair & 15) + m
      out[o + 16 + i] = d * (pair >> 4) + m
    }
  }
}

/** d, 32 fifth bits, 16 bytes as in Q4_0: y = d (q - 16) */
const q5_0: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 22, o += 32) {
    const d = half(bytes, block)
    const fifth = word(bytes, block + 2)
    for (let i = 0; i < 16; i += 1) {
      const pair = bytes[block + 6 + i]!
      out[o + i] = d * (((pair & 15) | (((fifth >>> i) & 1) << 4)) - 16)
      out[o + 16 + i] = d * (((pair >> 4) | (((fifth >>> (i + 16)) & 1) << 4)) - 16)
    }
  }
}

/** d, m, 32 fifth bits, 16 bytes as in Q4_0: y = d q + m */
const q5_1: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 24, o += 32) {
    const d = half(bytes, block)
    const m = half(bytes, block + 2)
    const fifth = word(bytes, block + 4)
    for (let i = 0; i < 16; i += 1) {
      const pair = bytes[block + 8 + i]!
      out[o + i] = d * ((pair & 15) | (((fifth >>> i) & 1) << 4)) + m
      out[o + 16 + i] = d * ((pair >> 4) | (((fifth >>> (i + 16)) & 1) << 4)) + m
    }
  }
}

/** Six-bit scale of sub-block `j` (0-7) in the 12 packed bytes at `at` that Q4_K and Q5_K share. */
function scaleOf(bytes: Uint8Array, at: number, j: number): number {
  return j < 4 ? bytes[at + j]! & 63 : (bytes[at + 4 + j]! & 15) | ((bytes[at + j - 4]! >> 6) << 4)
}

/** Six-bit minimum of sub-block `j`, from the same bytes. */
function minimumOf(bytes: Uint8Array, at: number, j: number): number {
  return j < 4 ? bytes[at + 4 + j]! & 63 : (bytes[at + 4 + j]! >> 4) | ((bytes[at + j]! >> 6) << 4)
}

/**
 * d, dmin, 12 bytes of scales and minima, fifth bits (Q5_K: 32 bytes, bit j of byte i belongs to value i of sub-block j;
 * Q4_K: none), 128 bytes of nibbles. Sub-blocks of 32: y = d scale q - dmin minimum
 */
const q45_k =
  (fifthBytes: 0 | 32): Dequantise =>
  (bytes, out, at) => {
    for (let block = 0, o = at; block < bytes.length; block += 144 + fifthBytes) {
      const d = half(bytes, block)
      const dmin = half(bytes, block + 2)
      for (let j = 0; j < 8; j += 1) {
        const scale = d * scaleOf(bytes, block + 4, j)
        const minimum = dmin * minimumOf(bytes, block + 4, j)
        const nibbles = block + 16 + fifthBytes + (j >> 1) * 32
        const shift = (j & 1) * 4
        for (let i = 0; i < 32; i += 1, o += 1) {
          const fifth = fifthBytes === 0 ? 0 : ((bytes[block + 16 + i]! >> j) & 1) << 4
          out[o] = scale * (((bytes[nibbles + i]! >> shift) & 15) | fifth) - minimum
        }
      }
    }
  }

/**
 * 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 x int8 scales, d. y = d scale (q - 32).
 * Each half of 128 values: value 32 g + i takes nibble byte i + 32 (g mod 2), shift 4 (g div 2), bit pair g of byte i.
 */
const q6_k: Dequantise = (bytes, out, at) => {
  for (let block = 0, o = at; block < bytes.length; block += 210) {
    const d = half(bytes, block + 208)
    for (let k = 0; k < 256; k += 1, o += 1) {
      const upper = k >> 7
      const g = (k >> 5) & 3
      const i = k & 31
      const low = (bytes[block + upper * 64 + (g & 1) * 32 + i]! >> ((g >> 1) * 4)) & 15
      const high = (bytes[block + 128 + upper * 32 + i]! >> (g * 2)) & 3
      out[o] = d * signed(bytes[block + 192 + (k >> 4)]!) * ((low | (high << 4)) - 32)
    }
  }
}

export const dequantisers: Readonly<Partial<Record<GgufTensorTypeName, Dequantise>>> = {
  F32: f32,
  F16: widenFloat16,
  BF16: widenBfloat16,
  Q8_0: q8_0,
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q4_K: q45_k(0),
  Q5_K: q45_k(32),
  Q6_K: q6_k,
}
