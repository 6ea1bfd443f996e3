// The file of quantised weights: what is written piece by piece is what the quantisers give for the whole weight.
import { describe, expect, test } from 'vitest'
import { counterRandom } from '#engine/index.ts'
import { bytesAsSource } from '#formats/byte-source.ts'
import { narrowToBfloat16 } from '#formats/float16.ts'
import { quantiseInt4, quantiseInt8 } from '#formats/quantise-blocks.ts'
import { quantiseNf4 } from '#formats/quantise-nf4.ts'
import {
  findParts,
  isQuantisable,
  type QuantisedScheme,
  quantisedBytes,
  quantisedChunks,
} from '#formats/quantised-weights.ts'
import { encodeSafetensors, readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { watchedSource } from '../support/watched-source.ts'

const noise = (length: number, seed: number): Float32Array => {
  const random = counterRandom(seed, 'weights')
  return Float32Array.from({ length }, (_, i) => random(i) - 0.5)
}

/** More values than one piece of the reader has, and a number of blocks that fills no whole group of 256. */
const wide = { name: 'wide.weight', shape: [1100, 1024], data: noise(1100 * 1024, 1) }
const small = { name: 'small.weight', shape: [3, 64], data: noise(192, 2) }

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of chunks) pieces.push(Uint8Array.from(piece))
  return new Uint8Array(Buffer.concat(pieces))
}

async function quantiseFile(scheme: QuantisedScheme, file: Uint8Array) {
  const source = watchedSource(file)
  const { tensors } = unwrap(await readSafetensorsHeader(source))
  const weights = [...tensors].map(([name, entry]) => ({ name, scheme, entry }))
  const bytes = await collect(quantisedChunks(source, weights, { format: 'test' }))
  const header = unwrap(await readSafetensorsHeader(bytesAsSource('quantised', bytes)))
  const stretch = ({ offsetBytes, lengthBytes }: { offsetBytes: number; lengthBytes: number }): Buffer =>
    Buffer.from(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))
  return { bytes, header, stretch, largestReadBytes: source.largestReadBytes }
}

const modelFile = encodeSafetensors(new Map([wide, small].map(({ name, ...tensor }) => [name, tensor])))
const bufferOf = (data: ArrayBufferView): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

describe('a model in fewer bits', () => {
  test('int8', async () => {
    const { header, stretch } = await quantiseFile('int8', modelFile)
    for (const weight of [wide, small]) {
      const parts = findParts(header, { ...weight, scheme: 'int8' })!
      const { codes, scales } = quantiseInt8(weight.data)
      expect(stretch(parts.codes).equals(bufferOf(codes))).toBe(true)
      expect(stretch(parts.scales).equals(bufferOf(scales))).toBe(true)
    }
  })

  test('int4', async () => {
    const { header, stretch } = await quantiseFile('int4', modelFile)
    for (const weight of [wide, small]) {
      const parts = findParts(header, { ...weight, scheme: 'int4' })!
      const { codes, scales, zeros } = quantiseInt4(weight.data)
      expect(stretch(parts.codes).equals(bufferOf(codes))).toBe(true)
      expect(stretch(parts.scales).equals(bufferOf(scales))).toBe(true)
      expect(stretch(parts.zeros).equals(bufferOf(zeros))).toBe(true)
    }
  })

  test('nf4', async () => {
    const { header, stretch } = await quantiseFile('nf4', modelFile)
    for (const weight of [wide, small]) {
      const parts = findParts(header, { ...weight, scheme: 'nf4' })!
      const { codes, absmaxCodes, absmaxScales, absmaxOffset } = quantiseNf4(weight.data)
      expect(stretch(parts.codes).equals(bufferOf(codes))).toBe(true)
      expect(stretch(parts.absmaxCodes).equals(bufferOf(absmaxCodes))).toBe(true)
      expect(stretch(parts.absmaxScales).equals(bufferOf(absmaxScales))).toBe(true)
      expect(stretch(parts.absmaxOffset).readFloatLE(0)).toBe(absmaxOffset)
    }
  })

  test.each(['int8', 'int4', 'nf4'] as const)(
    '%s: parts begin on 64 bytes and have the size foretold; no more than a piece is read at once',
    async (scheme) => {
      const { bytes, header, largestReadBytes } = await quantiseFile(scheme, modelFile)
      expect(largestReadBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
      for (const { offsetBytes } of header.tensors.values()) expect(offsetBytes % 64).toBe(0)
      const [first] = header.tensors.values()
      const foretold = quantisedBytes(scheme, wide.shape) + quantisedBytes(scheme, small.shape)
      expect(bytes.length - first!.offsetBytes).toBe(foretold)
    },
  )

  test('bfloat16 weights are widened first', async () => {
    const narrow = narrowToBfloat16(small.data)
    const text = `{"small.weight":{"dtype":"BF16","shape":[3,64],"data_offsets":[0,384]}}`
    const file = new Uint8Array(8 + text.length + 384)
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
    file.set(new TextEncoder().encode(text), 8)
    file.set(narrow, 8 + text.length)
    const source = bytesAsSource('model', file)
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    const values = unwrap(await readFloat32(source, tensors.get('small.weight')!))
    const { header, stretch } = await quantiseFile('int8', file)
    const parts = findParts(header, { ...small, scheme: 'int8' })!
    expect(stretch(parts.codes).equals(bufferOf(quantiseInt8(values).codes))).toBe(true)
  })

  test('a weight that is no number is named and refused', async () => {
    const data = Float32Array.from(small.data)
    data[77] = Number.NaN
    const file = encodeSafetensors(new Map([['small.weight', { shape: [3, 64], data }]]))
    await expect(quantiseFile('nf4', file)).rejects.toMatchObject({
      problem: { code: 'safetensors.invalid', where: 'model, tensor "small.weight"' },
    })
  })
})

test('a shape that is not in the file, or not that of the weight, is not found', async () => {
  const { header } = await quantiseFile('int4', modelFile)
  expect(findParts(header, { ...small, scheme: 'int4', shape: [30, 64] })).toBeNull()
  expect(findParts(header, { ...small, scheme: 'nf4' })).toBeNull()
  expect(findParts(header, { name: 'other.weight', scheme: 'int4', shape: [3, 64] })).toBeNull()
})

test('rows that are no whole blocks, and vectors, are left as they are', () => {
  expect(isQuantisable('nf4', [8, 96])).toBe(false)
  expect(isQuantisable('int4', [8, 96])).toBe(true)
  expect(isQuantisable('int8', [64])).toBe(false)
})
