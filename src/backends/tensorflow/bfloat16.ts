// Numbers rounded to bfloat16 as TensorFlow's cast rounds them: to the nearest, halfway cases to even. Pure.
import type { FileLocation } from '../stored-weights.ts'

/** `bytes`: little-endian numbers of `dtype`, not of bfloat16. */
export function halvesOf(bytes: Uint8Array<ArrayBuffer>, dtype: FileLocation['dtype']): Uint8Array {
  if (dtype === 'bfloat16') return bytes
  if (dtype === 'float32') return new Uint8Array(roundedWords(new Uint32Array(bytes.buffer)).buffer)
  const codes = new Uint16Array(bytes.buffer)
  ofFloat16 ??= roundedWords(Uint32Array.from({ length: 1 << 16 }, (_, code) => wordOfFloat16(code)))
  const table = ofFloat16
  return new Uint8Array(codes.map((code) => table[code]!).buffer)
}

/** By float16's bits. */
let ofFloat16: Uint16Array<ArrayBuffer> | null = null

const quietNan = 0x7fc0

/** float32 by its bits. */
function roundedWords(words: Uint32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(words.length)
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!
    const isNan = (word & 0x7fffffff) > 0x7f800000
    halves[i] = isNan ? ((word >>> 16) & 0x8000) | quietNan : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return halves
}

/** float16 by its bits as float32 by its bits: 1 sign, 5 exponent (bias 15), 10 fraction. */
function wordOfFloat16(code: number): number {
  const exponent = (code >>> 10) & 31
  const fraction = code & 1023
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1024 + fraction) * 2 ** (exponent - 25)
  const word = new Uint32Array(Float32Array.of(magnitude).buffer)[0]!
  return (code & 0x8000 ? word | 0x80000000 : word) >>> 0
}
