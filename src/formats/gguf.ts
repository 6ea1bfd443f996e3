// GGUF versions 2 and 3, little-endian: header to values. Reads no tensor data. Refuses lying counts and lengths,
// duplicate names, overlaps, gaps and data outside the file before it allocates anything for them.
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { GgufCursor, itemBytes } from './gguf-cursor.ts'
import {
  type GgufArray,
  type GgufFile,
  type GgufTensor,
  type GgufTensorTypeName,
  type GgufValue,
  type GgufValueType,
  ggufTensorTypes,
  ggufValueTypes,
} from './gguf-types.ts'
import { weightLimits } from './weight-limits.ts'
import { beyondLimit, checkedProduct, nameFault, quoteForeign } from './weight-problems.ts'

export type { GgufFile, GgufValue } from './gguf-types.ts'

const magic = 0x46554747 // "GGUF"
const defaultAlignmentBytes = 32
/** Shortest possible metadata entry: length, one byte of key, type, one byte of value. */
const shortestEntryBytes = 8 + 1 + 4 + 1
/** Shortest possible tensor info: length, one byte of name, rank, one dimension, type, offset. */
const shortestTensorBytes = 8 + 1 + 4 + 8 + 4 + 8

/** Reads and checks the whole header. Problems: gguf.invalid, gguf.unsupported, limit.exceeded, file.changed. */
export async function readGguf(source: ByteSource): Promise<Result<GgufFile>> {
  return attemptAsync(async () => {
    const cursor = new GgufCursor(source)
    const version = await readVersion(source, cursor)
    await cursor.need(16, 'The number of tensors and metadata entries')
    const tensorCount = boundedCount(source, cursor, 'Number of tensors', weightLimits.tensors)
    const entryCount = boundedCount(source, cursor, 'Number of metadata entries', weightLimits.metadataKeys)
    cursor.requireRemaining(
      tensorCount * shortestTensorBytes + entryCount * shortestEntryBytes,
      `A header of ${entryCount} entries and ${tensorCount} tensors`,
    )
    const metadata = await readMetadata(source, cursor, entryCount)
    const alignment = readAlignment(cursor, metadata)
    const tensors = await readTensors(source, cursor, tensorCount, alignment)
    return { version, metadata, tensors }
  })
}

function unsupported(source: ByteSource, where: string, message: string, remedy: string): ProblemError {
  return new ProblemError({ code: 'gguf.unsupported', message, where: `${source.name}, ${where}`, remedy })
}

async function readVersion(source: ByteSource, cursor: GgufCursor): Promise<2 | 3> {
  await cursor.need(8, 'The beginning of a GGUF file')
  if (cursor.number('u32') !== magic)
    throw cursor.fault('The file does not begin with the letters GGUF.', 'byte 0')
  const version = cursor.number('u32')
  if (version === 2 || version === 3) return version
  const swapped = version >= 0x01000000 && (version & 0x00ffffff) === 0
  throw unsupported(
    source,
    'byte 4',
    swapped ? 'This GGUF file is big-endian.' : `This is GGUF version ${version}; versions 2 and 3 are read.`,
    'Look for a copy of this model in GGUF version 3, little-endian, or as safetensors.',
  )
}

function boundedCount(source: ByteSource, cursor: GgufCursor, what: string, limit: number): number {
  const where = `byte ${cursor.offsetBytes}`
  const count = cursor.big('u64')
  if (count > BigInt(limit)) throw beyondLimit(source.name, where, what, count, limit)
  return Number(count)
}

async function readName(cursor: GgufCursor, what: string): Promise<string> {
  const where = `byte ${cursor.offsetBytes}`
  const name = await cursor.string(what, weightLimits.nameBytes)
  const fault = nameFault(name)
  if (fault !== null) throw cursor.fault(`${fault} It is ${what}.`, where)
  return name
}

async function readMetadata(
  source: ByteSource,
  cursor: GgufCursor,
  count: number,
): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < count; index += 1) {
    const where = `byte ${cursor.offsetBytes}`
    const key = await readName(cursor, `metadata key ${index}`)
    if (metadata.has(key)) throw cursor.fault(`The metadata key ${quoteForeign(key)} occurs twice.`, where)
    metadata.set(key, await readValue(source, cursor, key))
  }
  return metadata
}

function readType(cursor: GgufCursor, key: string): GgufValueType {
  const where = `byte ${cursor.offsetBytes}`
  const id = cursor.number('u32')
  const type = ggufValueTypes[id]
  if (type === undefined)
    throw cursor.fault(`The metadata value ${quoteForeign(key)} has the unknown type ${id}.`, where)
  return type
}

async function readValue(source: ByteSource, cursor: GgufCursor, key: string): Promise<GgufValue> {
  await cursor.need(4, 'The type of a metadata value')
  const type = readType(cursor, key)
  if (type === 'array') return readArray(source, cursor, key)
  if (type === 'string') return { type, value: await cursor.string(`metadata value ${quoteForeign(key)}`) }
  if (type === 'bool') {
    await cursor.need(1, 'A metadata value')
    return { type, value: readBool(cursor, cursor.number('u8'), key) }
  }
  if (type === 'u64' || type === 'i64') {
    await cursor.need(8, 'A metadata value')
    return { type, value: cursor.big(type) }
  }
  await cursor.need(itemBytes(type), 'A metadata value')
  return { type, value: cursor.number(type) }
}

function readBool(cursor: GgufCursor, byte: number, key: string): boolean {
  if (byte > 1)
    throw cursor.fault(`The metadata value ${quoteForeign(key)} is neither true nor false: ${byte}.`)
  return byte === 1
}

async function readArray(source: ByteSource, cursor: GgufCursor, key: string): Promise<GgufArray> {
  await cursor.need(12, 'The type and length of a metadata list')
  const itemType = readType(cursor, key)
  const where = `byte ${cursor.offsetBytes}`
  const what = `The metadata list ${quoteForeign(key)}`
  if (itemType === 'array') throw cursor.fault(`${what} contains lists, which is not read.`, where)
  const count = boundedCount(
    source,
    cursor,
    `Items of metadata list ${quoteForeign(key)}`,
    weightLimits.arrayItems,
  )
  if (itemType === 'string') {
    cursor.requireRemaining(count * 8, what)
    const items: string[] = []
    const item = `an item of metadata list ${quoteForeign(key)}`
    for (let index = 0; index < count; index += 1) items.push(await cursor.string(item))
    return { type: 'array', itemType, items }
  }
  if (itemType === 'bool') {
    const bytes = (await cursor.numbers('u8', count, what)) as Uint8Array
    return { type: 'array', itemType, items: Array.from(bytes, (byte) => readBool(cursor, byte, key)) }
  }
  const items = await cursor.numbers(itemType, count, what)
  return { type: 'array', itemType, items } as GgufArray
}

function readAlignment(cursor: GgufCursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const value = metadata.get('general.alignment')
  if (value === undefined) return defaultAlignmentBytes
  if (value.type !== 'u32' || value.value === 0 || (value.value & (value.value - 1)) !== 0)
    throw cursor.fault(
      'The alignment is not a power of two stored as a 32-bit number.',
      'metadata key "general.alignment"',
    )
  return value.value
}

interface TensorInfo {
  readonly name: string
  readonly type: GgufTensorTypeName
  readonly shape: readonly number[]
  readonly relativeBytes: number
  readonly lengthBytes: number
}

async function readTensors(
  source: ByteSource,
  cursor: GgufCursor,
  count: number,
  alignment: number,
): Promise<Map<string, GgufTensor>> {
  const infos: TensorInfo[] = []
  const names = new Set<string>()
  for (let index = 0; index < count; index += 1) {
    const where = `byte ${cursor.offsetBytes}`
    const info = await readTensorInfo(source, cursor, index)
    if (names.has(info.name)) throw cursor.fault(`The tensor ${quoteForeign(info.name)} occurs twice.`, where)
    names.add(info.name)
    infos.push(info)
  }
  return placeTensors(source, cursor, infos, alignment)
}

async function readTensorInfo(source: ByteSource, cursor: GgufCursor, index: number): Promise<TensorInfo> {
  const name = await readName(cursor, `name of tensor ${index}`)
  const where = `tensor ${quoteForeign(name)}`
  await cursor.need(4, 'The rank of a tensor')
  const rank = cursor.number('u32')
  if (rank > weightLimits.ggufRank)
    throw beyondLimit(source.name, where, 'Number of dimensions', rank, weightLimits.ggufRank)
  if (rank === 0) throw cursor.fault('The tensor has no dimensions.', where)
  await cursor.need(rank * 8 + 12, 'The shape of a tensor')
  const shape: number[] = []
  for (let axis = 0; axis < rank; axis += 1) shape.push(cursor.count('A dimension of a tensor'))
  if (shape.includes(0)) throw cursor.fault(`The shape [${shape.join(', ')}] has an empty dimension.`, where)
  const type = typeNamed(source, cursor.number('u32'), where)
  const { blockElements, blockBytes } = ggufTensorTypes[type]
  const [rowElements = 0, ...rows] = shape
  if (rowElements % blockElements !== 0)
    throw cursor.fault(
      `Rows of ${rowElements} elements cannot be stored as ${type}, which has blocks of ${blockElements}.`,
      where,
    )
  const lengthBytes = checkedProduct([rowElements / blockElements, ...rows, blockBytes])
  if (lengthBytes === null || checkedProduct(shape) === null)
    throw cursor.fault(`The shape [${shape.join(', ')}] is too large to be real.`, where)
  return { name, type, shape, relativeBytes: cursor.count('The offset of a tensor'), lengthBytes }
}

const typeNames: ReadonlyMap<number, GgufTensorTypeName> = new Map(
  Object.entries(ggufTensorTypes).map(([name, { id }]) => [id, name as GgufTensorTypeName]),
)

function typeNamed(source: ByteSource, id: number, where: string): GgufTensorTypeName {
  const name = typeNames.get(id)
  if (name !== undefined) return name
  throw unsupported(
    source,
    where,
    `The tensor's number format ${id} is not known here.`,
    'Look for a copy of this model in F16, Q8_0, Q4_K_M or another usual GGUF type.',
  )
}

/** Offsets must be the running total of padded sizes, as gguf.cpp demands: no gap, no overlap, nothing outside. */
function placeTensors(
  source: ByteSource,
  cursor: GgufCursor,
  infos: readonly TensorInfo[],
  alignment: number,
): Map<string, GgufTensor> {
  const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment
  const dataStart = padded(cursor.offsetBytes)
  const tensors = new Map<string, GgufTensor>()
  let expected = 0
  for (const { name, type, shape, relativeBytes, lengthBytes } of infos) {
    const where = `tensor ${quoteForeign(name)}`
    if (relativeBytes !== expected)
      throw cursor.fault(
        `Its data should begin ${expected} bytes into the data, but is said to begin at ${relativeBytes}.`,
        where,
      )
    const offsetBytes = dataStart + expected
    if (offsetBytes + lengthBytes > source.sizeBytes)
      throw cursor.fault(
        `Its data should end at byte ${offsetBytes + lengthBytes}, but the file ends at byte ${source.sizeBytes}.`,
        where,
      )
    tensors.set(name, { type, shape, offsetBytes, lengthBytes })
    expected += padded(lengthBytes)
  }
  return tensors
}
