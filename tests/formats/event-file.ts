// A decoder of TensorBoard's event files for tests, written from the .proto files and not from our encoder: checksums bit by
// bit, fields by their numbers.
export interface DecodedEvent {
  readonly wallTimeMs: number
  readonly step: number
  readonly version?: string
  readonly tag?: string
  readonly scalar?: number
  readonly text?: string
}

function crc32c(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1))
  }
  return ~crc >>> 0
}
const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

type Field = {
  readonly number: number
  readonly wire: number
  readonly value: number
  readonly bytes: Buffer
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const [number, wire] = [Math.floor(key / 8), key % 8]
    if (wire === 0) fields.push({ number, wire, value: varint(), bytes: Buffer.alloc(0) })
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4
      fields.push({ number, wire, value: 0, bytes: message.subarray(at, at + length) })
      at += length
    }
  }
  return fields
}

const first = (message: Buffer, number: number): Field | undefined =>
  fieldsOf(message).find((field) => field.number === number)

export function readEventFile(bytes: Buffer): DecodedEvent[] {
  const events: DecodedEvent[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    if (bytes.readUInt32LE(at + 8) !== masked(bytes.subarray(at, at + 8)))
      throw new Error('checksum of a length')
    const message = bytes.subarray(at + 12, at + 12 + length)
    if (bytes.readUInt32LE(at + 12 + length) !== masked(message)) throw new Error('checksum of a record')
    events.push(eventOf(message))
    at += 16 + length
  }
  return events
}

function eventOf(message: Buffer): DecodedEvent {
  const wallTimeMs = first(message, 1)!.bytes.readDoubleLE() * 1000
  const step = first(message, 2)?.value ?? 0
  const version = first(message, 3)?.bytes.toString()
  const summary = first(message, 5)?.bytes
  const value = summary === undefined ? undefined : first(summary, 1)?.bytes
  if (value === undefined) return { wallTimeMs, step, ...(version === undefined ? {} : { version }) }
  const scalar = first(value, 2)?.bytes.readFloatLE()
  const tensor = first(value, 8)?.bytes
  const text = tensor === undefined ? undefined : first(tensor, 8)?.bytes.toString()
  return {
    ...{ wallTimeMs, step, tag: first(value, 1)!.bytes.toString() },
    ...(scalar === undefined ? {} : { scalar }),
    ...(text === undefined ? {} : { text }),
  }
}
