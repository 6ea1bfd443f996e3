// A forward reader over a ByteSource that holds one bounded window: little-endian numbers, strings, arrays of numbers.
// Checks every length against the bytes that are left before it allocates.
import type { ProblemError } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import type { GgufBigType, GgufNumberType } from './gguf-types.ts'
import { weightLimits } from './weight-limits.ts'
import { beyondLimit, damaged, readExactly } from './weight-problems.ts'

const firstWindowBytes = 64 * 1024
const windowBytes = 1024 * 1024
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type NumberArrayClass =
  | typeof Uint8Array
  | typeof Int8Array
  | typeof Uint16Array
  | typeof Int16Array
  | typeof Uint32Array
  | typeof Int32Array
  | typeof Float32Array
  | typeof Float64Array
  | typeof BigUint64Array
  | typeof BigInt64Array

const arrayClasses: Readonly<Record<GgufNumberType | GgufBigType, NumberArrayClass>> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
}

export const itemBytes = (type: GgufNumberType | GgufBigType): number => arrayClasses[type].BYTES_PER_ELEMENT

/**
 * Reads are two steps: `await cursor.need(n)` makes n bytes available (no wait where they already are), then the
 * synchronous getters take them. All failures are thrown as ProblemErrors with the byte offset.
 */
export class GgufCursor {
  readonly #source: ByteSource
  #window: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#window.buffer)
  #windowStart = 0
  #at = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  get offsetBytes(): number {
    return this.#windowStart + this.#at
  }

  get remainingBytes(): number {
    return this.#source.sizeBytes - this.offsetBytes
  }

  fault(message: string, where = `byte ${this.offsetBytes}`): ProblemError {
    return damaged('gguf.invalid', this.#source.name, where, message)
  }

  /** Makes sure that `bytes` more bytes exist and are in the window. */
  need(bytes: number, what: string): Promise<void> | undefined {
    if (this.#at + bytes <= this.#window.length) return undefined
    return this.#refill(bytes, what)
  }

  async #refill(bytes: number, what: string): Promise<void> {
    const start = this.offsetBytes
    if (bytes > this.remainingBytes)
      throw this.fault(
        `${what} needs ${bytes} bytes here, but the file ends after ${Math.max(0, this.remainingBytes)}.`,
      )
    this.#requireAllowance(bytes)
    const usual = start === 0 ? firstWindowBytes : windowBytes
    const length = Math.max(bytes, Math.min(usual, this.remainingBytes))
    this.#window = await readExactly(this.#source, start, length)
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, length)
    this.#windowStart = start
    this.#at = 0
  }

  /** The next number; the caller has asked for its bytes. */
  number(type: GgufNumberType): number {
    const at = this.#at
    this.#at += itemBytes(type)
    switch (type) {
      case 'u8':
        return this.#view.getUint8(at)
      case 'i8':
        return this.#view.getInt8(at)
      case 'u16':
        return this.#view.getUint16(at, true)
      case 'i16':
        return this.#view.getInt16(at, true)
      case 'u32':
        return this.#view.getUint32(at, true)
      case 'i32':
        return this.#view.getInt32(at, true)
      case 'f32':
        return this.#view.getFloat32(at, true)
      case 'f64':
        return this.#view.getFloat64(at, true)
    }
  }

  big(type: GgufBigType): bigint {
    const at = this.#at
    this.#at += 8
    return type === 'u64' ? this.#view.getBigUint64(at, true) : this.#view.getBigInt64(at, true)
  }

  /** A u64 that counts something: refused beyond 2^53 - 1. */
  count(what: string): number {
    const value = this.#view.getUint32(this.#at, true) + this.#view.getUint32(this.#at + 4, true) * 2 ** 32
    if (!Number.isSafeInteger(value)) throw this.fault(`${what} is ${value}, which cannot be true.`)
    this.#at += 8
    return value
  }

  /** A length-prefixed UTF-8 string. */
  async string(what: string, limitBytes: number = weightLimits.stringBytes): Promise<string> {
    const start = this.offsetBytes
    await this.need(8, `The length of ${what}`)
    const length = this.count(`The length of ${what}`)
    if (length > limitBytes)
      throw beyondLimit(this.#source.name, `byte ${start}`, `Bytes of ${what}`, length, limitBytes)
    await this.need(length, `The text of ${what}`)
    const bytes = this.#window.subarray(this.#at, this.#at + length)
    const text = asShortAscii(bytes) ?? this.#decode(bytes, what)
    this.#at += length
    return text
  }

  #decode(bytes: Uint8Array, what: string): string {
    try {
      return decoder.decode(bytes)
    } catch {
      throw this.fault(`The text of ${what} is not valid UTF-8.`)
    }
  }

  /** `count` numbers of one type, copied window by window. */
  async numbers(
    type: GgufNumberType | GgufBigType,
    count: number,
    what: string,
  ): Promise<InstanceType<NumberArrayClass>> {
    const size = itemBytes(type)
    this.requireRemaining(count * size, what)
    const items = new arrayClasses[type](count)
    const raw = new Uint8Array(items.buffer)
    for (let done = 0; done < raw.length; ) {
      const length = Math.min(windowBytes, raw.length - done)
      await this.need(length, what)
      raw.set(this.#window.subarray(this.#at, this.#at + length), done)
      this.#at += length
      done += length
    }
    return items
  }

  /** Refuses a length that the rest of the file, or of the header's allowance, cannot hold. */
  requireRemaining(bytes: number, what: string): void {
    if (bytes > this.remainingBytes)
      throw this.fault(
        `${what} needs at least ${bytes} bytes, but only ${this.remainingBytes} are left in the file.`,
      )
    this.#requireAllowance(bytes)
  }

  #requireAllowance(bytes: number): void {
    const end = this.offsetBytes + bytes
    if (end > weightLimits.ggufHeaderBytes)
      throw beyondLimit(
        this.#source.name,
        `byte ${this.offsetBytes}`,
        'Header bytes',
        end,
        weightLimits.ggufHeaderBytes,
      )
  }
}

/** Short ASCII, as most tokens are, without the cost of a TextDecoder call; null where it is neither. */
function asShortAscii(bytes: Uint8Array): string | null {
  if (bytes.length > 24) return null
  let text = ''
  for (const byte of bytes) {
    if (byte > 0x7f) return null
    text += String.fromCharCode(byte)
  }
  return text
}
