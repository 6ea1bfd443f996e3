// Weights in a file, in 4 and 8 bits or in half precision, as backends are given them, and the values that they stand for.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FilePart, QuantisedLocation, WeightLocation } from '#engine/backend-port.ts'
import { narrowToBfloat16, widenBfloat16 } from '#formats/float16.ts'
import {
  blockValues,
  dequantiseInt4,
  dequantiseInt8,
  quantiseInt4,
  quantiseInt8,
} from '#formats/quantise-blocks.ts'
import { dequantiseNf4, dynamicMap, nf4BlockValues, nf4Levels, quantiseNf4 } from '#formats/quantise-nf4.ts'
import { randomTensor } from '../engine/support/numbers.ts'

export const schemes = ['nf4', 'int4', 'int8'] as const
export type Scheme = (typeof schemes)[number]

/** 33 * 640 values are 330 blocks of 64: more than one scale has, and not a multiple. */
export const [outputs, inputs] = [33, 640]
export const file = 'weights.bin'

/** A folder of its own for weights. */
export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'tunewright-quantised-'))

interface Stored<Location extends WeightLocation = QuantisedLocation> {
  readonly location: Location
  /** What the bytes are, by the quantiser or by the rounding to half precision. */
  readonly values: Float32Array<ArrayBuffer>
}

/** Weights, and parts of quantised ones, each from a 64-byte boundary on. */
export class WeightFile {
  readonly #folder: string
  readonly #pieces: Uint8Array[] = []
  #length = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  #part(array: Uint8Array | Int8Array | Uint16Array | Float32Array): FilePart {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    const part = { offsetBytes: this.#length, lengthBytes: bytes.length }
    const padding = (64 - (bytes.length % 64)) % 64
    this.#pieces.push(bytes, new Uint8Array(padding))
    this.#length += bytes.length + padding
    return part
  }

  add(scheme: Scheme, shape: readonly number[], original: Float32Array): Stored {
    const head = { kind: 'quantised', folder: this.#folder, file, shape } as const
    if (scheme === 'nf4') {
      const weight = quantiseNf4(original)
      const location = {
        ...head,
        scheme,
        blockValues: nf4BlockValues,
        codes: this.#part(weight.codes),
        absmaxCodes: this.#part(weight.absmaxCodes),
        absmaxScales: this.#part(weight.absmaxScales),
        absmaxOffset: weight.absmaxOffset,
        levels: nf4Levels,
        absmaxMap: dynamicMap,
      }
      return { location, values: dequantiseNf4(weight, original.length) }
    }
    if (scheme === 'int4') {
      const weight = quantiseInt4(original)
      const [codes, scales, zeros] = [weight.codes, weight.scales, weight.zeros].map((part) =>
        this.#part(part),
      )
      const location = { ...head, scheme, blockValues, codes: codes!, scales: scales!, zeros: zeros! }
      return { location, values: dequantiseInt4(weight) }
    }
    const weight = quantiseInt8(original)
    const [codes, scales] = [weight.codes, weight.scales].map((part) => this.#part(part))
    const location = { ...head, scheme, blockValues, codes: codes!, scales: scales! }
    return { location, values: dequantiseInt8(weight) }
  }

  addBfloat16(shape: readonly number[], original: Float32Array): Stored<WeightLocation> {
    const bytes = narrowToBfloat16(original)
    const values = new Float32Array(original.length)
    widenBfloat16(bytes, values, 0)
    const head = { kind: 'file', folder: this.#folder, file, shape } as const
    return { location: { ...head, ...this.#part(bytes), dtype: 'bfloat16' }, values }
  }

  write(): Promise<void> {
    return writeFile(join(this.#folder, file), Buffer.concat(this.#pieces))
  }
}

/** One weight in a file of its own, and its values. */
export async function store(folder: string, scheme: Scheme): Promise<Stored> {
  const weights = new WeightFile(folder)
  const shape = [outputs, inputs]
  const stored = weights.add(scheme, shape, Float32Array.from(randomTensor(shape, 'weight').data))
  await weights.write()
  return stored
}
