// Weights in fewer bits beside the model's own: what is chosen, that a damaged or half-written file is made anew, and
// that a whole one is left alone.
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { quantisedWeights } from '#core/models/quantised-weights.ts'
import type { QuantisedLocation } from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import { tinyConfig, writeTinyModel } from '../../processes/tiny-model.ts'

let folder: string
beforeEach(async () => {
  folder = writeTinyModel(await mkdtemp(join(tmpdir(), 'tunewright-quantised-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sha256 = 'a'.repeat(64)
const quantise = (scheme: 'int8' | 'int4' | 'nf4' = 'int4', weightsSha256 = sha256) =>
  quantisedWeights({ folder, config: tinyConfig, scheme, weightsSha256 })
const pathOf = (name: string): string => join(folder, name)
/** Names that the model itself does not have. */
const added = (): string[] => readdirSync(folder).filter((name) => /^model\.(int|nf)/.test(name))

describe('what is chosen', () => {
  test('linear layers in the scheme, the table of the vocabulary in 8 bits, norms not at all', async () => {
    const locations = unwrap(await quantise('int4'))
    const schemes = [...locations].map(([name, { scheme }]) => [name.split('.').at(-2), scheme])
    expect(new Set(schemes.map(String))).toEqual(
      new Set([
        'embed_tokens,int8',
        ...['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'].map(
          (name) => `${name},int4`,
        ),
      ]),
    )
    expect(locations.size).toBe(1 + 2 * 7)
  })

  test('rows that are no whole blocks of 64 stay as they are', async () => {
    const locations = unwrap(await quantise('nf4'))
    const names = [...locations].map(([name]) => name.split('.').at(-2))
    expect(names).toEqual(['embed_tokens', 'down_proj', 'down_proj'])
  })

  test('every part lies in the file that is named, one behind the other', async () => {
    const locations = unwrap(await quantise('int4'))
    const sizeBytes = statSync(pathOf('model.int4.safetensors')).size
    let end = 0
    for (const location of locations.values()) {
      expect(location).toMatchObject({ kind: 'quantised', folder, file: 'model.int4.safetensors' })
      const { codes, scales } = location as Extract<QuantisedLocation, { scheme: 'int4' | 'int8' }>
      for (const { offsetBytes, lengthBytes } of [codes, scales]) {
        expect(offsetBytes).toBeGreaterThanOrEqual(end)
        end = offsetBytes + lengthBytes
        expect(end).toBeLessThanOrEqual(sizeBytes)
      }
    }
  })
})

describe('once made', () => {
  const change = (name: string): void => {
    const bytes = readFileSync(pathOf(name))
    bytes[bytes.length - 70]! ^= 1
    writeFileSync(pathOf(name), bytes)
  }

  test('the file is used again as it is', async () => {
    const first = unwrap(await quantise())
    utimesSync(pathOf('model.int4.safetensors'), 1000, 1000)
    expect(unwrap(await quantise())).toEqual(first)
    expect(statSync(pathOf('model.int4.safetensors')).mtimeMs).toBe(1_000_000)
  })

  test('a file with a changed byte is made anew', async () => {
    unwrap(await quantise())
    const whole = readFileSync(pathOf('model.int4.safetensors'))
    change('model.int4.safetensors')
    unwrap(await quantise())
    expect(readFileSync(pathOf('model.int4.safetensors')).equals(whole)).toBe(true)
  })

  test('so is one of other weights', async () => {
    unwrap(await quantise())
    utimesSync(pathOf('model.int4.safetensors'), 1000, 1000)
    unwrap(await quantise('int4', 'b'.repeat(64)))
    expect(statSync(pathOf('model.int4.safetensors')).mtimeMs).toBeGreaterThan(1_000_000)
  })

  test('and one that a killed process left without its description, whose rest is swept when it is old', async () => {
    unwrap(await quantise())
    const whole = readFileSync(pathOf('model.int4.safetensors'))
    rmSync(pathOf('model.int4.json'))
    writeFileSync(pathOf('model.int4.safetensors'), whole.subarray(0, 1000))
    writeFileSync(pathOf('model.int4.safetensors.tmp-old'), 'half')
    utimesSync(pathOf('model.int4.safetensors.tmp-old'), 1000, 1000)
    writeFileSync(pathOf('model.int4.safetensors.tmp-new'), 'another process is writing this')
    unwrap(await quantise())
    expect(readFileSync(pathOf('model.int4.safetensors')).equals(whole)).toBe(true)
    expect(added().sort()).toEqual([
      'model.int4.json',
      'model.int4.safetensors',
      'model.int4.safetensors.tmp-new',
    ])
  })
})

test('a model without one of its weights is damaged, and nothing is written', async () => {
  const config = { ...tinyConfig, layers: tinyConfig.layers, vocabulary: tinyConfig.vocabulary + 1 }
  const result = await quantisedWeights({ folder, config, scheme: 'int8', weightsSha256: sha256 })
  expect(result.ok ? null : result.problem.code).toBe('model.damaged')
  expect(added()).toEqual([])
})
