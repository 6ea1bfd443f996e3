// Frozen weights as tensors: views of a mapped file, widened or decoded where a product needs them. A copy in float32 is
// made anew for every region of the graph, so that it lives for one operator only.
import type { QuantisedLocation } from '#engine/backend-port.ts'
import type { Value } from '#engine/ir/types.ts'
import { absmaxName, countOf, partsOf, type QuantisedIn, type StoredPart } from '../stored-weights.ts'
import { type Emitter, lastOf } from './emitter.ts'
import type { DataType } from './graph-def.ts'
import {
  assign,
  bitcast,
  bitwiseAnd,
  cast,
  gather,
  mappedFile,
  multiply,
  pack,
  readVariable,
  reshape,
  rightShift,
  slice,
  subtract,
  variable,
} from './operators.ts'
import type { Tensor } from './tensor.ts'

/** Only bytes that begin at such a multiple in memory are used where they lie; others are copied. */
const alignmentBytes = 64

/** A value in its own shape as float32: weights of fewer bits are widened. */
export function read(emit: Emitter, value: Value): Tensor {
  const location = emit.locationOf(value)
  if (!location || location.kind === 'memory') return emit.whole(value)
  if (location.kind === 'quantised')
    return emit.shareNearby(`${value.name} as float32`, () => decode(emit, value, location))
  const stored = fileWeight(emit, value)
  if (stored.dataType === 'float32') return stored
  return emit.shareNearby(`${value.name} as float32`, () => cast(emit, stored, 'float32'))
}

/** A frozen weight as bfloat16: where it lies so, without a copy. */
export function readBfloat16(emit: Emitter, value: Value): Tensor {
  const location = emit.locationOf(value)
  if (location?.kind === 'file' && location.dtype === 'bfloat16') return fileWeight(emit, value)
  if (location?.kind === 'file' && emit.residence === 'resident') {
    const part = partsOf(value.name, location).get(value.name)!
    const rounded = (): Tensor =>
      cast(emit, cast(emit, mappedPart(emit, location.folder, part), 'float32'), 'bfloat16')
    return emit.share(`${value.name} as bfloat16`, () =>
      resident(emit, `${value.name} as bfloat16`, part.dims, rounded),
    )
  }
  const half = emit.halfLocationOf(value)
  if (half)
    return stored(emit, `${value.name} in bfloat16`, half.folder, partsOf(value.name, half).get(value.name)!)
  return emit.shareNearby(`${value.name} as bfloat16`, () => cast(emit, read(emit, value), 'bfloat16'))
}

/** The rows `ids` [T] of a table as float32 [T,C]: where it has fewer bits, only they are widened. */
export function readRows(emit: Emitter, table: Value, ids: Tensor): Tensor {
  const location = emit.locationOf(table)
  if (location?.kind === 'file') return cast(emit, gather(emit, fileWeight(emit, table), ids), 'float32')
  if (location?.kind !== 'quantised' || location.scheme !== 'int8')
    return gather(emit, read(emit, table), ids)
  const [codes, scales] = partTensors(emit, table, location)
  const blocks = [-1, location.blockValues]
  const rows = scaled(emit, {
    codes: reshape(emit, cast(emit, gather(emit, codes!, ids), 'float32'), emit.integers(blocks)),
    scales: reshape(emit, cast(emit, gather(emit, scales!, ids), 'float32'), emit.integers([-1, 1])),
  })
  return reshape(emit, rows, emit.integers([-1, lastOf(table.shape)]))
}

/** A weight of float32 or half precision as it lies in its file. */
function fileWeight(emit: Emitter, value: Value): Tensor {
  const location = emit.locationOf(value)
  if (location?.kind !== 'file') throw new Error(`${value.name} lies in no file.`)
  const part = partsOf(value.name, location).get(value.name)!
  return stored(emit, value.name, location.folder, part)
}

/** The parts of a weight in 4 or 8 bits, in the order of `partsOf`; two numbers of 4 bits are a byte here. */
function partTensors(emit: Emitter, value: Value, location: QuantisedLocation): readonly Tensor[] {
  return [...partsOf(value.name, location)].map(([name, part]) => stored(emit, name, location.folder, part))
}

function stored(emit: Emitter, name: string, folder: string, part: StoredPart): Tensor {
  const mapped = (): Tensor => mappedPart(emit, folder, part)
  return emit.share(`stored ${name}`, () =>
    emit.residence === 'mapped' ? mapped() : resident(emit, name, sizesOfPart(part), mapped),
  )
}

/** Two numbers of 4 bits are a byte here. */
const sizesOfPart = ({ elementType, dims, lengthBytes }: StoredPart): readonly number[] =>
  elementType === 'uint4' ? [lengthBytes] : dims

function mappedPart(emit: Emitter, folder: string, part: StoredPart): Tensor {
  const elementType: DataType = part.elementType === 'uint4' ? 'uint8' : part.elementType
  const numbers = numbersInFile(emit, `${folder}/${part.file}`, part, elementType)
  return reshape(emit, numbers, emit.integers(sizesOfPart(part)))
}

/**
 * A variable that is filled once, when the graph is loaded, and read where it lies. The file is mapped by the processor
 * alone: a card would be given all of it.
 */
function resident(emit: Emitter, name: string, dims: readonly number[], value: () => Tensor): Tensor {
  const made = emit.atLoading('/device:CPU:0', value)
  const handle = emit.atLoading(null, () => {
    const handle = variable(emit, name, made.dataType, dims)
    emit.assignments.push(assign(emit, handle, made))
    return handle
  })
  return readVariable(emit, handle, made.dataType)
}

const bytesOfElement: Partial<Record<DataType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
}

/**
 * A part of a file, mapped: of rows of 64 bytes a range is a view. What does not begin and end at such a row is
 * copied on every run; our own files hold no large weight of that kind.
 */
function numbersInFile(
  emit: Emitter,
  path: string,
  { offsetBytes, lengthBytes }: StoredPart,
  elementType: DataType,
): Tensor {
  const end = emit.endOfFile(path)
  const width = bytesOfElement[elementType]!
  const isAligned = offsetBytes % alignmentBytes === 0 && lengthBytes % alignmentBytes === 0
  if (isAligned) {
    const dims = [Math.floor(end / alignmentBytes), alignmentBytes / width]
    const file = shareFile(emit, path, elementType, dims)
    const begin = emit.integers([offsetBytes / alignmentBytes, 0])
    return slice(emit, file, begin, emit.integers([lengthBytes / alignmentBytes, dims[1]!]))
  }
  const file = shareFile(emit, path, 'uint8', [end])
  const bytes = slice(emit, file, emit.longIntegers([offsetBytes]), emit.longIntegers([lengthBytes]))
  if (width === 1) return elementType === 'uint8' ? bytes : bitcast(emit, bytes, elementType)
  return bitcast(emit, reshape(emit, bytes, emit.integers([-1, width])), elementType)
}

function shareFile(emit: Emitter, path: string, elementType: DataType, dims: readonly number[]): Tensor {
  return emit.share(`${elementType}[${dims.join()}] of ${path}`, () => {
    const file = mappedFile(emit, path, elementType, dims)
    if (emit.residence === 'mapped') emit.mapped.push({ file, dims })
    return file
  })
}

/**
 * To be fetched beside the results: something of every mapped file, held until all results are there. An operator writes
 * its result over an operand that nobody else holds, and of a mapped file that ends the process: the last reader of a
 * file's last weight would do so.
 */
export const holdFiles = (emit: Emitter, results: readonly Tensor[]): readonly Tensor[] =>
  emit.mapped.map(({ file, dims }) => {
    const first = slice(emit, file, emit.integers(dims.map(() => 0)), emit.integers([1, ...dims.slice(1)]))
    return cast(emit, emit.after(first, results), 'float32')
  })

function decode(emit: Emitter, weight: Value, location: QuantisedLocation): Tensor {
  const blocks = emit.integers([-1, location.blockValues])
  const column = emit.integers([-1, 1])
  const whole = (tensor: Tensor): Tensor => reshape(emit, tensor, emit.integers(location.shape))
  const parts = partTensors(emit, weight, location)
  if (location.scheme === 'nf4') {
    const absmax = emit.placeholder(absmaxName(weight.name), 'float32', [
      countOf(location.shape) / location.blockValues,
    ])
    const codes = reshape(emit, nf4Levels(emit, location, parts[0]!), blocks)
    return whole(scaled(emit, { codes, scales: reshape(emit, absmax, column) }))
  }
  const scales = reshape(emit, cast(emit, parts[1]!, 'float32'), column)
  if (location.scheme === 'int8')
    return whole(scaled(emit, { codes: reshape(emit, cast(emit, parts[0]!, 'float32'), blocks), scales }))
  const zeros = multiply(emit, cast(emit, parts[2]!, 'float32'), emit.scalar(1 / 16))
  const codes = reshape(emit, cast(emit, bothHalves(emit, parts[0]!), 'float32'), blocks)
  // The difference is exact, so there is one rounding, as in the quantiser's formula.
  const centred = subtract(emit, codes, reshape(emit, zeros, column))
  return whole(scaled(emit, { codes: centred, scales }))
}

interface Blocks {
  /** float32 [blocks, values] */
  readonly codes: Tensor
  /** float32 [blocks, 1] */
  readonly scales: Tensor
}

const scaled = (emit: Emitter, { codes, scales }: Blocks): Tensor => multiply(emit, codes, scales)

/** uint8 [n] -> [n,2]: the low half of each byte, then the high one. */
function bothHalves(emit: Emitter, bytes: Tensor): Tensor {
  const low = bitwiseAnd(emit, bytes, emit.byte(15))
  return pack(emit, [low, rightShift(emit, bytes, emit.byte(4))], 1)
}

/** float32 [n,2]: the levels of both codes of a byte, the high half first, by a table of all bytes. */
function nf4Levels(emit: Emitter, { levels }: QuantisedIn<'nf4'>, bytes: Tensor): Tensor {
  const pairs = Float32Array.from({ length: 512 }, (_, i) => levels[i % 2 === 0 ? i >> 5 : (i >> 1) & 15]!)
  return gather(emit, emit.floats([256, 2], pairs), cast(emit, bytes, 'int32'))
}
