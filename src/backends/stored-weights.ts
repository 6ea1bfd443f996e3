// Weights in files as backends read them: one stretch of a file for a weight of float32 or half precision, several for one
// in 4 or 8 bits. Pure: `weight-files.ts` asks the disk.
import type { FilePart, QuantisedLocation, WeightLocation } from '#engine/backend-port.ts'

export type StoredWeight = Exclude<WeightLocation, { kind: 'memory' }>

export type FileLocation = Extract<WeightLocation, { kind: 'file' }>

export type QuantisedIn<Scheme> = Extract<QuantisedLocation, { readonly scheme: Scheme }>

/** Numbers as they lie in a file. */
export interface StoredPart {
  readonly elementType: 'float32' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'uint4'
  readonly dims: readonly number[]
  readonly file: string
  readonly offsetBytes: number
  readonly lengthBytes: number
}

/** Blocks whose largest magnitudes share a scale. */
const blocksOfScale = 256

/** The decoded scales of an nf4 weight: fed, as they are in no file. */
export const absmaxName = (weight: string): string => `${weight}.absmax`

/** What rules read where it lies, by name. */
export function partsRead(name: string, location: StoredWeight): ReadonlyMap<string, StoredPart> {
  const parts = new Map(partsOf(name, location))
  parts.delete(`${name}.absmax.codes`)
  parts.delete(`${name}.absmax.scales`)
  return parts
}

/** Everything that lies in the file. */
export function partsOf(name: string, location: StoredWeight): ReadonlyMap<string, StoredPart> {
  if (location.kind === 'quantised') return quantisedParts(name, location)
  const { file, dtype, shape, offsetBytes, lengthBytes } = location
  return new Map([[name, { elementType: dtype, dims: shape, file, offsetBytes, lengthBytes }]])
}

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)

function quantisedParts(name: string, location: QuantisedLocation): ReadonlyMap<string, StoredPart> {
  const part = (
    elementType: StoredPart['elementType'],
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

const bitsOf: Readonly<Record<StoredPart['elementType'], number>> = {
  float32: 32,
  float16: 16,
  bfloat16: 16,
  uint8: 8,
  int8: 8,
  uint4: 4,
}

export const bytesOf = ({ elementType, dims }: StoredPart): number =>
  Math.ceil((countOf(dims) * bitsOf[elementType]) / 8)

/**
 * Double quantisation (QLoRA, section 3): the largest magnitude of each block = map[code] * scale of 256 blocks + offset.
 * Decoded once and fed: 7 nodes at every use took more memory than these numbers, and twice the time to prepare.
 */
export function decodeAbsmax(
  location: QuantisedIn<'nf4'>,
  codes: Uint8Array,
  scales: Float32Array,
): Float32Array {
  return Float32Array.from(codes, (code, block) => {
    const scale = scales[Math.floor(block / blocksOfScale)]!
    return Math.fround(location.absmaxMap[code]! * scale) + location.absmaxOffset
  })
}
