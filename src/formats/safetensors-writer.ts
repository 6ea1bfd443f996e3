// Writes safetensors, piece by piece: one tensor in memory at most. Data begins on a 64-byte boundary, so that the
// file can be memory-mapped. Wrong input (twice the same name, too few bytes) is a bug of the caller and throws.
import { countedPieces, type ReadPieces } from './byte-pieces.ts'
import { dtypeBytes, type SafetensorsDtype } from './safetensors-types.ts'

const alignmentBytes = 64

export interface SafetensorsInput {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly read: ReadPieces
}

type Metadata = Readonly<Record<string, string>>

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/**
 * The file's bytes in order: header, then each tensor in the given order. Only the descriptions are kept in memory.
 */
export async function* safetensorsChunks(
  tensors: Iterable<SafetensorsInput>,
  metadata: Metadata = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const inputs = [...tensors]
  yield encodeHeader(inputs, metadata)
  for (const input of inputs) {
    const expected = elements(input.shape) * dtypeBytes[input.dtype]
    yield* countedPieces(input.name, input.read, expected)
  }
}

function encodeHeader(inputs: readonly SafetensorsInput[], metadata: Metadata): Uint8Array {
  const fields: string[] = []
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`)
  const names = new Set(['__metadata__'])
  let offset = 0
  for (const { name, dtype, shape } of inputs) {
    if (names.has(name)) throw new Error(`two tensors are named ${name}`)
    names.add(name)
    const end = offset + elements(shape) * dtypeBytes[dtype]
    if (!Number.isSafeInteger(end)) throw new Error(`${name} has no possible shape: [${shape.join(', ')}]`)
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${offset},${end}]}`,
    )
    offset = end
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`)
  const total = Math.ceil((8 + json.length) / alignmentBytes) * alignmentBytes
  const header = new Uint8Array(total).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(total - 8), true)
  header.set(json, 8)
  return header
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array

function dtypeOf(data: TensorData): SafetensorsDtype {
  if (data instanceof Float32Array) return 'F32'
  if (data instanceof Float64Array) return 'F64'
  if (data instanceof Int8Array) return 'I8'
  if (data instanceof Int16Array) return 'I16'
  if (data instanceof Int32Array) return 'I32'
  if (data instanceof BigInt64Array) return 'I64'
  if (data instanceof Uint8Array) return 'U8'
  if (data instanceof Uint16Array) return 'U16'
  if (data instanceof Uint32Array) return 'U32'
  return 'U64'
}

/** A whole small file (adapter, checkpoint) in one array. The dtype follows from the kind of typed array. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: TensorData }>,
  metadata: Metadata = {},
): Uint8Array<ArrayBuffer> {
  const inputs: (SafetensorsInput & { readonly bytes: Uint8Array })[] = []
  for (const [name, { shape, data }] of tensors) {
    if (elements(shape) !== data.length)
      throw new Error(`${name} has ${data.length} values, its shape [${shape.join(', ')}] another number`)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    inputs.push({ name, dtype: dtypeOf(data), shape, bytes, read: () => bytes })
  }
  const header = encodeHeader(inputs, metadata)
  const dataBytes = inputs.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const file = new Uint8Array(header.length + dataBytes)
  file.set(header)
  let offset = header.length
  for (const { bytes } of inputs) {
    file.set(bytes, offset)
    offset += bytes.length
  }
  return file
}
