// Weights in 4 or 8 bits as a safetensors file: written from a model's own file piece by piece, found again by name. Each
// weight is a few flat tensors; every one begins on a 64-byte boundary, so that a runtime can map the file into memory.
import { unwrap } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { blockValues, quantiseInt4, quantiseInt8 } from './quantise-blocks.ts'
import { encodeNf4, nf4BlocksPerScale, nf4BlockValues, quantiseAbsmax } from './quantise-nf4.ts'
import { readFloat32, type SafetensorsInput, safetensorsChunks } from './safetensors.ts'
import { dtypeBytes, type SafetensorsEntry, type SafetensorsFile } from './safetensors-types.ts'
import { damaged, quoteForeign } from './weight-problems.ts'

export type QuantisedScheme = 'int8' | 'int4' | 'nf4'

/** The tensors that stand for a weight, in their order in the file; in it they are called `<weight>.<part>`. */
const partDtypes = {
  int8: { codes: 'I8', scales: 'F16' },
  int4: { codes: 'U8', scales: 'F16', zeros: 'U8' },
  nf4: { codes: 'U8', absmaxCodes: 'U8', absmaxScales: 'F32', absmaxOffset: 'F32' },
} as const

type PartName<S extends QuantisedScheme> = Extract<keyof (typeof partDtypes)[S], string>
type Parts<S extends QuantisedScheme, T> = Readonly<Record<PartName<S>, T>>

const blockValuesOf: Readonly<Record<QuantisedScheme, number>> = {
  int8: blockValues,
  int4: blockValues,
  nf4: nf4BlockValues,
}

/** Whether a weight of this shape can be kept so: its rows are whole blocks. */
export const isQuantisable = (scheme: QuantisedScheme, shape: readonly number[]): boolean =>
  shape.length >= 2 && shape.at(-1)! % blockValuesOf[scheme] === 0

const alignmentBytes = 64
const aligned = (bytes: number): number => Math.ceil(bytes / alignmentBytes) * alignmentBytes

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1)

/** Bytes of each part, padding left out. */
const partBytes: {
  readonly [S in QuantisedScheme]: (values: number) => Parts<S, number>
} = {
  int8: (values) => ({ codes: values, scales: (2 * values) / blockValues }),
  int4: (values) => ({
    codes: values / 2,
    scales: (2 * values) / blockValues,
    zeros: values / blockValues,
  }),
  nf4: (values) => ({
    codes: values / 2,
    absmaxCodes: values / nf4BlockValues,
    absmaxScales: 4 * Math.ceil(values / nf4BlockValues / nf4BlocksPerScale),
    absmaxOffset: 4,
  }),
}

/** Bytes that a quantisable weight takes in the file, padding included. */
export const quantisedBytes = (scheme: QuantisedScheme, shape: readonly number[]): number =>
  Object.values(partBytes[scheme](product(shape))).reduce((sum, bytes) => sum + aligned(bytes), 0)

export interface WeightToQuantise {
  readonly name: string
  readonly scheme: QuantisedScheme
  /** In the model's file: F32, F16 or BF16, of a quantisable shape. */
  readonly entry: SafetensorsEntry
}

const pieceValues = 1 << 20

/**
 * The bytes of a file with the given weights of `source`, a piece of about a million values in memory at a time. Throws
 * ProblemError: safetensors.invalid where a value is no finite number, and what reading says.
 */
export function quantisedChunks(
  source: ByteSource,
  weights: readonly WeightToQuantise[],
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  return safetensorsChunks(
    weights.flatMap((weight) => partsToWrite(source, weight)),
    metadata,
  )
}

function partsToWrite(source: ByteSource, weight: WeightToQuantise): SafetensorsInput[] {
  const { name, scheme, entry } = weight
  if (!isQuantisable(scheme, entry.shape)) throw new Error(`${name} [${entry.shape.join()}] as ${scheme}`)
  const quantiser = quantisers[scheme]()
  const values = product(entry.shape)
  const dtypes: Readonly<Record<string, 'I8' | 'U8' | 'F16' | 'F32'>> = partDtypes[scheme]
  return Object.entries(partBytes[scheme](values)).map(([part, bytes], index): SafetensorsInput => {
    const dtype = dtypes[part]!
    const padding = new Uint8Array(aligned(bytes) - bytes)
    return {
      name: `${name}.${part}`,
      dtype,
      shape: [aligned(bytes) / dtypeBytes[dtype]],
      // The file is written in this order: the codes' pass over the weight fills what comes after them.
      read: () =>
        index === 0
          ? codesAndPadding(source, weight, quantiser, padding)
          : [quantiser.rest()[index - 1]!, padding],
    }
  })
}

async function* codesAndPadding(
  source: ByteSource,
  { name, entry }: WeightToQuantise,
  quantiser: Quantiser,
  padding: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const valueBytes = dtypeBytes[entry.dtype]
  for (let at = 0; at < entry.lengthBytes; at += pieceValues * valueBytes) {
    const lengthBytes = Math.min(pieceValues * valueBytes, entry.lengthBytes - at)
    const piece = { ...entry, offsetBytes: entry.offsetBytes + at, lengthBytes }
    const values = unwrap(await readFloat32(source, piece))
    requireFinite(source.name, name, values)
    yield quantiser.take(values)
  }
  yield padding
}

function requireFinite(file: string, name: string, values: Float32Array): void {
  let sum = 0
  for (let i = 0; i < values.length; i += 1) sum += values[i]! * 0
  if (sum === 0) return
  const message = 'A weight is not a finite number, so it cannot be kept in fewer bits.'
  throw damaged('safetensors.invalid', file, `tensor ${quoteForeign(name)}`, message)
}

/** Takes a weight piece by piece, in whole blocks; gives the codes of each at once and the other parts at the end. */
interface Quantiser {
  take(values: Float32Array): Uint8Array
  rest(): readonly Uint8Array[]
}

const bytesOf = (data: Int8Array | Uint16Array | Float32Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const quantisers: Readonly<Record<QuantisedScheme, () => Quantiser>> = {
  int8: () => {
    const scales: Uint8Array[] = []
    return {
      take(values) {
        const weight = quantiseInt8(values)
        scales.push(bytesOf(weight.scales))
        return bytesOf(weight.codes)
      },
      rest: () => [joined(scales)],
    }
  },
  int4: () => {
    const scales: Uint8Array[] = []
    const zeros: Uint8Array[] = []
    return {
      take(values) {
        const weight = quantiseInt4(values)
        scales.push(bytesOf(weight.scales))
        zeros.push(weight.zeros)
        return weight.codes
      },
      rest: () => [joined(scales), joined(zeros)],
    }
  },
  nf4: () => {
    const pieces: Uint8Array[] = []
    return {
      take(values) {
        const { codes, absmax } = encodeNf4(values)
        pieces.push(bytesOf(absmax))
        return codes
      },
      rest() {
        const absmax = new Float32Array(joined(pieces).buffer)
        const { absmaxCodes, absmaxScales, absmaxOffset } = quantiseAbsmax(absmax)
        return [absmaxCodes, bytesOf(absmaxScales), bytesOf(Float32Array.of(absmaxOffset))]
      },
    }
  },
}

interface Stretch {
  readonly offsetBytes: number
  readonly lengthBytes: number
}

/** Where the parts of a weight lie in a file that `quantisedChunks` wrote, padding left out; null where it is not there. */
export function findParts<S extends QuantisedScheme>(
  file: SafetensorsFile,
  weight: { readonly name: string; readonly scheme: S; readonly shape: readonly number[] },
): Parts<S, Stretch> | null {
  const { name, scheme, shape } = weight
  const dtypes: Readonly<Record<string, string>> = partDtypes[scheme]
  const parts: [string, Stretch][] = []
  for (const [part, lengthBytes] of Object.entries(partBytes[scheme](product(shape)))) {
    const entry = file.tensors.get(`${name}.${part}`)
    if (entry?.dtype !== dtypes[part] || entry?.lengthBytes !== aligned(lengthBytes)) return null
    parts.push([part, { offsetBytes: entry.offsetBytes, lengthBytes }])
  }
  return Object.fromEntries(parts) as Parts<S, Stretch>
}
