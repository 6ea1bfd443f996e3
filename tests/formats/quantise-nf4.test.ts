// NF4 against vectors of an independent numpy implementation that was itself held to bitsandbytes: equal bits.
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { counterRandom } from '#engine/index.ts'
import { bytesAsSource } from '#formats/byte-source.ts'
import {
  dequantiseNf4,
  dynamicMap,
  encodeNf4,
  nf4Absmax,
  nf4Levels,
  quantiseAbsmax,
  quantiseNf4,
} from '#formats/quantise-nf4.ts'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { findShared } from '../support/models.ts'

const path = findShared('goldens/quant/nf4.safetensors')

async function openGolden(file: string) {
  const bytes = readFileSync(file)
  const { tensors } = unwrap(await readSafetensorsHeader(bytesAsSource('nf4', bytes)))
  const raw = (name: string): Uint8Array => {
    const { offsetBytes, lengthBytes } = tensors.get(name)!
    return Uint8Array.from(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))
  }
  const floats = (name: string): Float32Array => new Float32Array(raw(name).buffer)
  const matrices = [...tensors.keys()]
    .filter((name) => name.endsWith('.input'))
    .map((name) => name.slice(0, -6))
  return { raw, floats, matrices }
}

/** The 16-bit halves of floats differ where any bit does, NaN and -0 included. */
const bits = (values: Float32Array): Uint32Array => new Uint32Array(Float32Array.from(values).buffer)

describe.skipIf(path === null)('NF4 of the Python reference', async () => {
  if (path === null) return
  const golden = await openGolden(path)

  it('has the same levels and the same map for absmax', () => {
    expect(bits(nf4Levels)).toEqual(bits(golden.floats('nf4_levels')))
    expect(bits(dynamicMap)).toEqual(bits(golden.floats('dynamic_map_256')))
  })

  it.each(golden.matrices)('%s: the same codes, absmax, scales and values', (name) => {
    const values = golden.floats(`${name}.input`)
    const { codes, absmax } = encodeNf4(values)
    expect(codes).toEqual(golden.raw(`${name}.packed`))
    expect(bits(absmax)).toEqual(bits(golden.floats(`${name}.absmax`)))
    const second = quantiseAbsmax(absmax)
    expect(second.absmaxCodes).toEqual(golden.raw(`${name}.dq_absmax_codes`))
    expect(bits(second.absmaxScales)).toEqual(bits(golden.floats(`${name}.dq_absmax2`)))
    expect(second.absmaxOffset).toBe(golden.floats(`${name}.dq_offset`)[0])
    expect(bits(nf4Absmax(second))).toEqual(bits(golden.floats(`${name}.dq_absmax`)))
    const back = dequantiseNf4({ codes, ...second }, values.length)
    expect(bits(back)).toEqual(bits(golden.floats(`${name}.dq_dequant`)))
  })
})

test('every value has the level nearest to it, whatever the bucket it is looked up in', () => {
  const random = counterRandom(3, 'values')
  const values = Float32Array.from({ length: 64 * 400 }, (_, i) => (i % 64 === 0 ? 1 : 2 * random(i) - 1))
  const { codes, absmax } = encodeNf4(values)
  expect(absmax.every((largest) => largest === 1)).toBe(true)
  for (const [i, value] of values.entries()) {
    const code = i % 2 === 0 ? codes[i >> 1]! >> 4 : codes[i >> 1]! & 15
    const distances = Array.from(nf4Levels, (level) => Math.abs(level - value))
    expect(distances[code]).toBe(Math.min(...distances))
  }
})

test('a value halfway between two levels belongs to the lower one', () => {
  const halfway = (i: number): number => (nf4Levels[i]! + nf4Levels[i + 1]!) / 2
  const exact = [...Array(15).keys()].filter((i) => Math.fround(halfway(i)) === halfway(i))
  expect(exact.length).toBeGreaterThan(0)
  const values = new Float32Array(64)
  values[63] = 1
  for (const [place, i] of exact.entries()) values[place] = halfway(i)
  const { codes } = encodeNf4(values)
  const found = exact.map((_, place) => (place % 2 === 0 ? codes[place >> 1]! >> 4 : codes[place >> 1]! & 15))
  expect(found).toEqual(exact)
})

test.each([0, 1, 63, 65, 64 * 257 + 3])('%i values come back, the last block short', (length) => {
  const random = counterRandom(length, 'values')
  const values = Float32Array.from({ length }, (_, i) => 0.1 * (2 * random(i) - 1))
  const weight = quantiseNf4(values)
  expect(weight.codes.length).toBe(Math.ceil(length / 2))
  expect(weight.absmaxScales.length).toBe(Math.ceil(length / 64 / 256))
  const back = dequantiseNf4(weight, length)
  for (const [i, value] of values.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(0.02)
})

test('numbers too small for a reciprocal in float32 are still told apart', () => {
  const tiny = 2 ** -140
  const { codes, absmax } = encodeNf4(Float32Array.of(tiny, 0, -tiny, 0))
  expect(absmax[0]).toBe(tiny)
  expect([...codes]).toEqual([0xf7, 0x07])
})
