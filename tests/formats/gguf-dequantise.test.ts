// Block formats against vectors of Python's gguf package: equal bits, not nearly equal.
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { bytesAsSource } from '#formats/byte-source.ts'
import { readGgufFloat32 } from '#formats/gguf-dequantise.ts'
import type { GgufTensorTypeName } from '#formats/gguf-types.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { findShared } from '../support/models.ts'

const golden = findShared('goldens/quant/gguf.safetensors')
const cases: [string, GgufTensorTypeName][] = [
  ...(['F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q4_K', 'Q5_K', 'Q6_K'] as const).map(
    (type): [string, GgufTensorTypeName] => [type, type],
  ),
  ['real.blk.0.attn_q.weight', 'Q4_1'],
  ['real.blk.3.ffn_down.weight', 'Q4_1'],
  ['real.token_embd.weight', 'Q8_0'],
]

describe.skipIf(golden === null)('blocks of the Python reference', () => {
  it.each(cases)('%s as %s', async (name, type) => {
    const source = bytesAsSource('gguf.safetensors', await readFile(golden!))
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    const raw = tensors.get(`${name}.raw`)!
    const expected = unwrap(await readFloat32(source, tensors.get(`${name}.dequant`)!))
    const values = unwrap(await readGgufFloat32(source, { ...raw, type }))
    expect(values.length).toBe(expected.length)
    expect(Buffer.compare(Buffer.from(values.buffer), Buffer.from(expected.buffer))).toBe(0)
  })
})

describe('formats that are not turned back', () => {
  it.each(['Q2_K', 'Q3_K', 'IQ4_NL', 'IQ4_XS', 'MXFP4', 'Q8_K'] as const)('names %s', async (type) => {
    const tensor = { type, shape: [0], offsetBytes: 0, lengthBytes: 0 }
    const result = await readGgufFloat32(bytesAsSource('model', new Uint8Array(0)), tensor)
    expect(result.ok ? null : result.problem.code).toBe('gguf.unsupported')
    expect(result.ok ? '' : result.problem.message).toContain(type)
  })
})
