// Weights in files as external initializers: one for a weight of float32 or half precision, several for one in 4 or 8
// bits. Pure: what lies in the file is the session's to check.
import type { FilePart, QuantisedLocation, WeightLocation } from '#engine/backend-port.ts'
import type { ElementType, OnnxExternal } from './model-proto.ts'

export type StoredWeight = Exclude<WeightLocation, { kind: 'memory' }>

/** Blocks whose largest magnitudes share a scale. */
export const blocksOfScale = 256

/** The decoded scales of an nf4 weight: fed, as they are in no file. */
export const absmaxName = (weight: string): string => `${weight}.absmax`

/** What rules read where it lies, by name. */
export function externalsOf(name: string, location: StoredWeight): ReadonlyMap<string, OnnxExternal> {
  const parts = new Map(partsOf(name, location))
  parts.delete(`${name}.absmax.codes`)
  parts.delete(`${name}.absmax.scales`)
  return parts
}

/** Everything that lies in the file. */
export function partsOf(name: string, location: StoredWeight): ReadonlyMap<string, OnnxExternal> {
  if (location.kind === 'quantised') return quantisedParts(name, location)
  const { file, dtype, shape, offsetBytes, lengthBytes } = location
  return new Map([[name, { elementType: dtype, dims: shape, file, offsetBytes, lengthBytes }]])
}

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)

function quantisedParts(name: string, location: QuantisedLocation): ReadonlyMap<string, OnnxExternal> {
  const part = (
    elementType: ElementType,
    dims: readonly number[],
    { offsetBytes, lengthBytes }: FilePart,
  ) => ({
    elementType,
    dims,
    file: location.file,
    offsetBytes,
    lengthBytes,
  })
  if (location.scheme === 'nf4') {
    const values = countOf(location.shape)
    const blocks = values / location.blockValues
    return new Map([
      [`${name}.codes`, part('uint8', [values / 2], location.codes)],
      [`${name}.absmax.codes`, part('uint8', [blocks], location.absmaxCodes)],
      [
        `${name}.absmax.scales`,
        part('float32', [Math.ceil(blocks / blocksOfScale), 1], location.absmaxScales),
      ],
    ])
  }
  if (location.scheme === 'int8') {
    const [rows, width] = location.shape as readonly [number, number]
    return new Map([
      [`${name}.codes`, part('int8', [rows, width], location.codes)],
      [`${name}.scales`, part('float16', [rows, width / location.blockValues], location.scales)],
    ])
  }
  const blocks = countOf(location.shape) / location.blockValues
  return new Map([
    [`${name}.codes`, part('uint4', [blocks, location.blockValues], location.codes)],
    [`${name}.scales`, part('float16', [blocks, 1], location.scales)],
    [`${name}.zeros`, part('uint8', [blocks, 1], location.zeros)],
  ])
}

const bitsOf: Readonly<Record<ElementType, number>> = {
  float32: 32,
  int64: 64,
  bool: 8,
  float16: 16,
  bfloat16: 16,
  int32: 32,
  uint8: 8,
  int8: 8,
  uint4: 4,
}

export const bytesOf = ({ elementType, dims }: OnnxExternal): number =>
  Math.ceil((countOf(dims) * bitsOf[elementType]) / 8)
