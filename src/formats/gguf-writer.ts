// Writes GGUF version 3, little-endian, piece by piece: at most one tensor in memory. Knows the container only; what a
// model or an adapter puts into it is gguf-export.ts. Wrong input is a bug of the caller and throws.
import { countedPieces, type ReadPieces } from './byte-pieces.ts'
import {
  type GgufTensorTypeName,
  type GgufValue,
  type GgufValueType,
  ggufTensorTypes,
  ggufValueTypes,
} from './gguf-types.ts'
import { GrowingBytes } from './growing-bytes.ts'

const alignmentBytes = 32

export interface GgufTensorInput {
  readonly name: string
  readonly type: GgufTensorTypeName
  /** ne order: the fastest-varying dimension first. */
  readonly shape: readonly number[]
  readonly read: ReadPieces
}

export interface GgufInput {
  readonly metadata: Iterable<readonly [string, GgufValue]>
  readonly tensors: Iterable<GgufTensorInput>
}

const paddingAfter = (bytes: number): number => (alignmentBytes - (bytes % alignmentBytes)) % alignmentBytes

/** Stored size of a tensor. Throws where its rows are not whole blocks. */
function ggufTensorBytes({ name, type, shape }: Omit<GgufTensorInput, 'read'>): number {
  const { blockElements, blockBytes } = ggufTensorTypes[type]
  const [row = 0] = shape
  const elements = shape.reduce((product, size) => product * size, 1)
  if (row % blockElements !== 0 || !Number.isSafeInteger(elements) || elements <= 0)
    throw new Error(`${name} of shape [${shape.join(', ')}] cannot be stored as ${type}`)
  return (elements / blockElements) * blockBytes
}

/** The file's bytes in order: header and tensor infos, then each tensor padded to 32 bytes. */
export async function* ggufChunks({
  metadata,
  tensors,
}: GgufInput): AsyncGenerator<Uint8Array, void, undefined> {
  const inputs = [...tensors]
  yield encodeHeader([...metadata], inputs)
  for (const input of inputs) {
    const expected = ggufTensorBytes(input)
    yield* countedPieces(input.name, input.read, expected)
    const padding = paddingAfter(expected)
    if (padding > 0) yield new Uint8Array(padding)
  }
}

function encodeHeader(
  entries: readonly (readonly [string, GgufValue])[],
  tensors: readonly GgufTensorInput[],
): Uint8Array {
  if (new Set(entries.map(([key]) => key)).size !== entries.length)
    throw new Error('a metadata key is given twice')
  if (new Set(tensors.map(({ name }) => name)).size !== tensors.length)
    throw new Error('two tensors have the same name')
  const out = new GrowingBytes()
  out.u32(0x46554747)
  out.u32(3)
  out.u64(BigInt(tensors.length))
  out.u64(BigInt(entries.length))
  for (const [key, value] of entries) {
    out.text(key)
    out.u32(ggufValueTypes.indexOf(value.type))
    writeValue(out, value)
  }
  let offset = 0
  for (const tensor of tensors) {
    out.text(tensor.name)
    out.u32(tensor.shape.length)
    for (const size of tensor.shape) out.u64(BigInt(size))
    out.u32(ggufTensorTypes[tensor.type].id)
    out.u64(BigInt(offset))
    const bytes = ggufTensorBytes(tensor)
    offset += bytes + paddingAfter(bytes)
  }
  out.zeros(paddingAfter(out.length))
  return out.bytes()
}

function writeValue(out: GrowingBytes, value: GgufValue): void {
  if (value.type !== 'array') {
    writeScalar[value.type](out, value.value)
    return
  }
  const write = writeScalar[value.itemType]
  out.u32(ggufValueTypes.indexOf(value.itemType))
  out.u64(BigInt(value.items.length))
  for (let i = 0; i < value.items.length; i += 1) write(out, value.items[i]!)
}

type Scalar = string | number | bigint | boolean
type WriteScalar = (out: GrowingBytes, value: Scalar) => void

const writeScalar: Readonly<Record<Exclude<GgufValueType, 'array'>, WriteScalar>> = {
  u8: (out, value) => out.u8(Number(value)),
  i8: (out, value) => out.u8(Number(value)),
  bool: (out, value) => out.u8(Number(value)),
  u16: (out, value) => out.u16(Number(value)),
  i16: (out, value) => out.u16(Number(value)),
  u32: (out, value) => out.u32(Number(value)),
  i32: (out, value) => out.u32(Number(value)),
  f32: (out, value) => out.f32(Number(value)),
  f64: (out, value) => out.f64(Number(value)),
  u64: (out, value) => out.u64(BigInt(value)),
  i64: (out, value) => out.u64(BigInt.asUintN(64, BigInt(value))),
  string: (out, value) => out.text(String(value)),
}
