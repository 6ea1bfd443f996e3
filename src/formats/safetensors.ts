// safetensors: header to values, tensors to float32. Refuses whatever the format's README forbids, and what the
// reference library lets through: duplicate keys, unknown fields, leading spaces, unprintable names.
import { attemptAsync, type ProblemError, type Result } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { widenBfloat16, widenFloat16 } from './float16.ts'
import {
  dtypeBytes,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsFile,
} from './safetensors-types.ts'
import { JsonFault, type JsonObject, type JsonValue, parseStrictJson } from './strict-json.ts'
import { weightLimits } from './weight-limits.ts'
import {
  beyondLimit,
  checkedProduct,
  damaged,
  nameFault,
  quoteForeign,
  readExactly,
} from './weight-problems.ts'

export type { SafetensorsEntry, SafetensorsFile } from './safetensors-types.ts'
export { encodeSafetensors, type SafetensorsInput, safetensorsChunks } from './safetensors-writer.ts'

const lengthFieldBytes = 8

/**
 * Reads and checks the header: 8 bytes of length, JSON of at most 16 MiB, then data that the tensors cover exactly.
 * Never reads tensor data. Problems: safetensors.invalid, limit.exceeded, file.changed.
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<Result<SafetensorsFile>> {
  return attemptAsync(async () => {
    const headerBytes = await readHeaderBytes(source)
    const header = parseHeader(source.name, headerBytes)
    const dataStart = lengthFieldBytes + headerBytes.byteLength
    const metadata = readMetadata(source.name, header.get('__metadata__'))
    if (header.size > weightLimits.tensors)
      throw beyondLimit(source.name, 'header', 'Number of tensors', header.size, weightLimits.tensors)
    const entries: [string, SafetensorsEntry][] = []
    for (const [name, value] of header)
      if (name !== '__metadata__') entries.push([name, readEntry(source.name, name, value, dataStart)])
    entries.sort(([, a], [, b]) => a.offsetBytes - b.offsetBytes || a.lengthBytes - b.lengthBytes)
    requireExactCover(source, entries, dataStart)
    return { tensors: new Map(entries), metadata }
  })
}

const bad = (file: string, where: string, message: string): ProblemError =>
  damaged('safetensors.invalid', file, where, message)

async function readHeaderBytes(source: ByteSource): Promise<Uint8Array> {
  if (source.sizeBytes < lengthFieldBytes)
    throw bad(source.name, 'byte 0', `The file has ${source.sizeBytes} bytes, too few for a header.`)
  const field = await readExactly(source, 0, lengthFieldBytes)
  const declared = new DataView(field.buffer, field.byteOffset).getBigUint64(0, true)
  const following = source.sizeBytes - lengthFieldBytes
  if (declared > BigInt(following))
    throw bad(
      source.name,
      'byte 0',
      looksLikePickle(field)
        ? 'This is a PyTorch file (pickle), not safetensors. Such files can run code, so they are never opened.'
        : `The header is said to have ${declared} bytes, but only ${following} follow.`,
    )
  if (declared > BigInt(weightLimits.safetensorsHeaderBytes))
    throw beyondLimit(source.name, 'byte 0', 'Header bytes', declared, weightLimits.safetensorsHeaderBytes)
  const length = Number(declared)
  if (length < 2) throw bad(source.name, 'byte 0', `A header of ${length} bytes cannot hold a JSON object.`)
  const first = await readExactly(source, lengthFieldBytes, 1)
  if (first[0] !== 0x7b) throw bad(source.name, 'byte 8', 'The header does not begin with an opening brace.')
  return readExactly(source, lengthFieldBytes, length)
}

/** A ZIP archive, as torch.save writes it, or a bare pickle of protocol 2 to 5. */
function looksLikePickle([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): boolean {
  const isZip = first === 0x50 && second === 0x4b && third === 3 && fourth === 4
  return isZip || (first === 0x80 && second >= 2 && second <= 5)
}

function parseHeader(file: string, bytes: Uint8Array): JsonObject {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw bad(file, 'byte 8', 'The header is not valid UTF-8 text.')
  }
  try {
    const value = parseStrictJson(text, {
      maxDepth: weightLimits.jsonDepth,
      numbers: 'whole',
      trailing: 'spaces',
    })
    if (value instanceof Map) return value
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    const before = new TextEncoder().encode(text.slice(0, error.index)).length
    throw bad(
      file,
      `byte ${lengthFieldBytes + before}`,
      `The header is not acceptable JSON. ${error.message}`,
    )
  }
  throw bad(file, 'byte 8', 'The header is not a JSON object.')
}

function readMetadata(file: string, value: JsonValue | undefined): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>()
  if (value === undefined) return metadata
  if (!(value instanceof Map)) throw bad(file, '__metadata__', 'The metadata is not an object.')
  for (const [key, text] of value as JsonObject) {
    if (typeof text !== 'string')
      throw bad(file, `__metadata__ ${quoteForeign(key)}`, 'A metadata value is not a text.')
    metadata.set(key, text)
  }
  return metadata
}

function readEntry(file: string, name: string, value: JsonValue, dataStart: number): SafetensorsEntry {
  const where = `tensor ${quoteForeign(name)}`
  const fault = nameFault(name)
  if (fault !== null) throw bad(file, where, fault)
  if (!(value instanceof Map)) throw bad(file, where, 'The description of a tensor is not an object.')
  const fields = value as JsonObject
  for (const field of fields.keys())
    if (field !== 'dtype' && field !== 'shape' && field !== 'data_offsets')
      throw bad(file, where, `Unknown field ${quoteForeign(field)}.`)
  const dtype = fields.get('dtype')
  if (typeof dtype !== 'string' || !isDtype(dtype))
    throw bad(
      file,
      where,
      `The dtype ${typeof dtype === 'string' ? quoteForeign(dtype) : 'is missing or'} is not one of ${Object.keys(dtypeBytes).join(', ')}.`,
    )
  const shape = numbersOf(fields.get('shape'))
  if (!shape) throw bad(file, where, 'The shape is not a list of whole numbers.')
  if (shape.length > weightLimits.safetensorsRank)
    throw beyondLimit(file, where, 'Number of dimensions', shape.length, weightLimits.safetensorsRank)
  const [begin, end, ...more] = numbersOf(fields.get('data_offsets')) ?? []
  if (begin === undefined || end === undefined || more.length > 0)
    throw bad(file, where, 'data_offsets is not a pair of whole numbers.')
  const lengthBytes = checkedProduct([...shape, dtypeBytes[dtype]])
  if (lengthBytes === null) throw bad(file, where, `The shape [${shape.join(', ')}] is too large to be real.`)
  if (end - begin !== lengthBytes)
    throw bad(
      file,
      where,
      `${dtype} of shape [${shape.join(', ')}] needs ${lengthBytes} bytes, but data_offsets [${begin}, ${end}] gives ${end - begin}.`,
    )
  return { dtype, shape, offsetBytes: dataStart + begin, lengthBytes }
}

const isDtype = (name: string): name is SafetensorsDtype => Object.hasOwn(dtypeBytes, name)

function numbersOf(value: JsonValue | undefined): number[] | null {
  if (!Array.isArray(value)) return null
  const items = value as readonly JsonValue[]
  return items.every((item) => typeof item === 'number') ? [...(items as readonly number[])] : null
}

/** No gap, no overlap, no byte before, between or after: nothing can hide in the file. */
function requireExactCover(
  source: ByteSource,
  entries: readonly [string, SafetensorsEntry][],
  dataStart: number,
): void {
  let expected = dataStart
  for (const [name, entry] of entries) {
    const where = `tensor ${quoteForeign(name)}`
    if (entry.offsetBytes !== expected)
      throw bad(
        source.name,
        where,
        `Its data should begin at byte ${expected}, but is said to begin at byte ${entry.offsetBytes}.`,
      )
    expected += entry.lengthBytes
    if (expected > source.sizeBytes)
      throw bad(
        source.name,
        where,
        `Its data should end at byte ${expected}, but the file ends at byte ${source.sizeBytes}.`,
      )
  }
  if (expected !== source.sizeBytes)
    throw bad(source.name, `byte ${expected}`, `${source.sizeBytes - expected} bytes follow the last tensor.`)
}

/**
 * The tensor as float32 in row-major order; F32, F16 and BF16 are exact. Reads in pieces of at most 4 MiB.
 * Problems: safetensors.invalid (not a float type, or the entry lies outside the file), file.changed.
 */
export async function readFloat32(
  source: ByteSource,
  entry: SafetensorsEntry,
): Promise<Result<Float32Array<ArrayBuffer>>> {
  return attemptAsync(async () => {
    const { dtype, offsetBytes, lengthBytes } = entry
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      throw bad(source.name, `byte ${offsetBytes}`, `Expected F32, F16 or BF16 numbers, found ${dtype}.`)
    if (offsetBytes + lengthBytes > source.sizeBytes)
      throw bad(source.name, `byte ${offsetBytes}`, 'The tensor reaches beyond the end of the file.')
    const values = new Float32Array(lengthBytes / dtypeBytes[dtype])
    const raw = new Uint8Array(values.buffer)
    for (let done = 0; done < lengthBytes; done += weightLimits.readBytes) {
      const length = Math.min(weightLimits.readBytes, lengthBytes - done)
      const bytes = await readExactly(source, offsetBytes + done, length)
      if (dtype === 'F32') raw.set(bytes, done)
      else if (dtype === 'F16') widenFloat16(bytes, values, done / 2)
      else widenBfloat16(bytes, values, done / 2)
    }
    return values
  })
}
