// float32 to the GGUF number formats that are written here, bit-equal to Python's gguf package: F32, F16, BF16, Q8_0.
import { float16Bits, narrowToBfloat16, narrowToFloat16 } from './float16.ts'

export type WritableGgufType = 'F32' | 'F16' | 'BF16' | 'Q8_0'

const pieceElements = 1 << 20

/** The bytes of `values` in pieces of about a million elements, so that the narrow copy never exists whole. */
export function* quantise(values: Float32Array, type: WritableGgufType): Generator<Uint8Array> {
  for (let at = 0; at < values.length; at += pieceElements)
    yield encode(values.subarray(at, Math.min(values.length, at + pieceElements)), type)
}

function encode(values: Float32Array, type: WritableGgufType): Uint8Array {
  switch (type) {
    case 'F32':
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    case 'F16':
      return narrowToFloat16(values)
    case 'BF16':
      return narrowToBfloat16(values)
    case 'Q8_0':
      return encodeQ8_0(values)
  }
}

const roundAwayFromZero = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5)

/** Blocks of 32: d = max|x| / 127 as a half, q = round(x / d), ties away from zero. All steps in float32. */
function encodeQ8_0(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array((values.length / 32) * 34)
  for (let start = 0, out = 0; start < values.length; start += 32, out += 34) {
    let largest = 0
    for (let i = start; i < start + 32; i += 1) largest = Math.max(largest, Math.abs(values[i]!))
    const d = Math.fround(largest / 127)
    const inverse = d === 0 ? 0 : Math.fround(1 / d)
    const half = float16Bits(d)
    bytes[out] = half & 255
    bytes[out + 1] = half >> 8
    for (let i = 0; i < 32; i += 1)
      bytes[out + 2 + i] = roundAwayFromZero(Math.fround(values[start + i]! * inverse)) & 255
  }
  return bytes
}
