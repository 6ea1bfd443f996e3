// A little-endian byte buffer that grows. For headers: what it holds is small.

/** Little-endian bytes in an array that doubles when it is full. */
export class GrowingBytes {
  #array = new Uint8Array(1 << 16)
  #view = new DataView(this.#array.buffer)
  length = 0
  readonly #utf8 = new TextEncoder()

  #claim(bytes: number): number {
    const at = this.length
    this.length += bytes
    if (this.length > this.#array.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#array.length * 2))
      larger.set(this.#array)
      this.#array = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }

  u8(value: number): void {
    const at = this.#claim(1)
    this.#view.setUint8(at, value)
  }
  u16(value: number): void {
    const at = this.#claim(2)
    this.#view.setUint16(at, value, true)
  }
  u32(value: number): void {
    const at = this.#claim(4)
    this.#view.setUint32(at, value, true)
  }
  u64(value: bigint): void {
    const at = this.#claim(8)
    this.#view.setBigUint64(at, value, true)
  }
  f32(value: number): void {
    const at = this.#claim(4)
    this.#view.setFloat32(at, value, true)
  }
  f64(value: number): void {
    const at = this.#claim(8)
    this.#view.setFloat64(at, value, true)
  }
  text(value: string): void {
    const bytes = this.#utf8.encode(value)
    this.u64(BigInt(bytes.length))
    const at = this.#claim(bytes.length)
    this.#array.set(bytes, at)
  }
  /** The array is made of zeros and never written past its end. */
  zeros(bytes: number): void {
    this.#claim(bytes)
  }
  bytes(): Uint8Array {
    return this.#array.subarray(0, this.length)
  }
}
