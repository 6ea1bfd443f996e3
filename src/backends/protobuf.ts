// The wire format of protocol buffers, writing only: varints, 32-bit floats and length-delimited fields.
// Source: the public "Encoding" specification of protocol buffers. Nothing here knows about ONNX.

const varintWireType = 0
const lengthDelimitedWireType = 2
const fixed32WireType = 5

const utf8 = new TextEncoder()

/** A growing byte buffer with the field encodings that ONNX needs. Field numbers are the caller's business. */
export class ProtobufWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  #reserve(extraBytes: number): void {
    if (this.#length + extraBytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extraBytes))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }

  /** Base-128, least significant group first; negative numbers as 64-bit two's complement. */
  #varint(value: number | bigint): void {
    this.#reserve(10)
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#length++] = Number(rest)
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType)
  }

  integer(field: number, value: number | bigint): this {
    this.#tag(field, varintWireType)
    this.#varint(value)
    return this
  }

  float(field: number, value: number): this {
    this.#tag(field, fixed32WireType)
    this.#reserve(4)
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true)
    this.#length += 4
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, lengthDelimitedWireType)
    this.#varint(value.byteLength)
    this.#reserve(value.byteLength)
    this.#bytes.set(value, this.#length)
    this.#length += value.byteLength
    return this
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value))
  }

  /** A message within the message: written at once, then moved to make room for its length. */
  message(field: number, write: (inner: this) => void): this {
    this.#tag(field, lengthDelimitedWireType)
    const start = this.#length
    write(this)
    const end = this.#length
    this.#varint(end - start)
    const length = this.#bytes.slice(end, this.#length)
    this.#bytes.copyWithin(start + length.length, start, end)
    this.#bytes.set(length, start)
    return this
  }

  /** What was written so far; the array is a view that later writes may outgrow. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}
