// IEEE 754 half precision and bfloat16 to and from float32. Exact when widening; round half to even when narrowing.

let halfTable: Float32Array | null = null

/** The float32 value of every half-precision bit pattern: 65,536 entries, made at first use. */
export function float16Table(): Float32Array {
  if (halfTable) return halfTable
  const table = new Float32Array(65_536)
  for (let bits = 0; bits < 65_536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1
    const exponent = (bits >> 10) & 31
    const fraction = bits & 1023
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24
    else if (exponent === 31) table[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
  halfTable = table
  return table
}

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** The half-precision bits nearest to `value`, ties to even; beyond 65,504 + 16 it is infinity; NaN stays NaN. */
export function float16Bits(value: number): number {
  scratch[0] = value
  const bits = scratchBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 255) - 112
  const fraction = bits & 0x7fffff
  if (exponent === 143) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200)
  if (exponent >= 31) return sign | 0x7c00
  if (exponent < -10) return sign
  // Below the smallest normal half the hidden one becomes explicit and the fraction shifts further.
  const significand = exponent > 0 ? fraction : fraction | 0x800000
  const shift = exponent > 0 ? 13 : 14 - exponent
  const kept = (exponent > 0 ? exponent << 10 : 0) + (significand >>> shift)
  const rest = significand & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  const roundsUp = rest > half || (rest === half && (kept & 1) === 1)
  // A carry out of the fraction raises the exponent, at the top to infinity: exactly what rounding asks for.
  return sign | (kept + (roundsUp ? 1 : 0))
}

/** The bfloat16 bits nearest to `value`, ties to even; NaN becomes a quiet NaN. */
export function bfloat16Bits(value: number): number {
  scratch[0] = value
  const bits = scratchBits[0]!
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** `bytes` (little-endian halves) into `target` from index `at`. */
export function widenFloat16(bytes: Uint8Array, target: Float32Array, at: number): void {
  const table = float16Table()
  for (let i = 0, o = at; i + 1 < bytes.length; i += 2, o += 1)
    target[o] = table[bytes[i]! | (bytes[i + 1]! << 8)]!
}

/** `bytes` (little-endian bfloat16) into `target` from index `at`; bit patterns are kept, NaN payloads too. */
export function widenBfloat16(bytes: Uint8Array, target: Float32Array, at: number): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length)
  for (let i = 0, o = at; i + 1 < bytes.length; i += 2, o += 1)
    bits[o] = ((bytes[i]! << 16) | (bytes[i + 1]! << 24)) >>> 0
}

/** Little-endian half-precision bytes of `values`. */
export function narrowToFloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i += 1) {
    const word = bits[i]!
    const magnitude = word & 0x7fffffff
    // Between the smallest normal half and 65,504 rounding is one addition; the rest takes the long way.
    if (magnitude >= 0x38800000 && magnitude < 0x477fe000)
      halves[i] =
        ((word >>> 16) & 0x8000) | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
    else halves[i] = float16Bits(values[i]!)
  }
  return new Uint8Array(halves.buffer)
}

/** Little-endian bfloat16 bytes of `values`. */
export function narrowToBfloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i += 1) {
    const word = bits[i]!
    halves[i] =
      (word & 0x7f800000) === 0x7f800000
        ? bfloat16Bits(values[i]!)
        : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return new Uint8Array(halves.buffer)
}
