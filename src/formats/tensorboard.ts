// TensorBoard's event files: records framed with masked CRC-32C, each an Event message of Protocol Buffers. Only what
// scalars and texts need is written (tensorflow/core/util/event.proto, summary.proto); only that is read.

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** Rotated by 15 bits plus a constant: so a checksum of data that holds checksums stays one (tensorflow/core/lib/hash/crc32c.h). */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** TFRecord: length (8 bytes), its checksum (4), the message, its checksum (4); little-endian. */
export function frameRecord(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(16 + message.length)
  const view = new DataView(framed.buffer)
  view.setUint32(0, message.length, true)
  view.setUint32(8, masked(crc32c(framed.subarray(0, 8))), true)
  framed.set(message, 12)
  view.setUint32(12 + message.length, masked(crc32c(message)), true)
  return framed
}

/** What TensorBoard shows: a figure at a step, or a text in Markdown. */
export type TensorBoardValue = { readonly tag: string } & (
  | { readonly scalar: number }
  | { readonly text: string }
)

/** A message that is written into an event file, framed. `wallTimeMs` is UTC; a scalar is kept in float32. */
export function scalarEvent(wallTimeMs: number, step: number, value: TensorBoardValue): Uint8Array {
  return event(wallTimeMs, step, messageField(5, messageField(1, summaryValue(value))))
}

/** The first record of each file. */
export const versionEvent = (wallTimeMs: number): Uint8Array =>
  event(wallTimeMs, 0, textField(3, 'brain.Event:2'))

const event = (wallTimeMs: number, step: number, what: readonly number[]): Uint8Array =>
  frameRecord(
    Uint8Array.from([
      ...doubleField(1, wallTimeMs / 1000),
      ...(step === 0 ? [] : [...varint((2 << 3) | 0), ...varint(step)]),
      ...what,
    ]),
  )

/** Scalars in the field that every TensorBoard reads; texts as a tensor of one string for the plugin "text". */
function summaryValue(value: TensorBoardValue): number[] {
  if ('scalar' in value) return [...textField(1, value.tag), ...floatField(2, value.scalar)]
  const metadata = messageField(1, textField(1, 'text'))
  const oneString = [
    ...varint((1 << 3) | 0),
    ...varint(7),
    ...messageField(2, messageField(2, [...varint((1 << 3) | 0), ...varint(1)])),
    ...textField(8, value.text),
  ]
  return [...textField(1, value.tag), ...messageField(8, oneString), ...messageField(9, metadata)]
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}

const messageField = (number: number, bytes: readonly number[]): number[] => [
  ...varint((number << 3) | 2),
  ...varint(bytes.length),
  ...bytes,
]
const textField = (number: number, text: string): number[] =>
  messageField(number, [...new TextEncoder().encode(text)])

function floatField(number: number, value: number): number[] {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return [...varint((number << 3) | 5), ...bytes]
}

function doubleField(number: number, value: number): number[] {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value, true)
  return [...varint((number << 3) | 1), ...bytes]
}
