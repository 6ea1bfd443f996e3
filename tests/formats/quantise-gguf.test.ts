// The number formats that are written to GGUF, against the bytes that Python's gguf package gives for the same values.
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { bytesAsSource } from '#formats/byte-source.ts'
import { quantise } from '#formats/gguf-quantise.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { findShared } from '../support/models.ts'

const golden = findShared('goldens/quant/gguf.safetensors')

describe.skipIf(golden === null)('bytes of the Python reference', () => {
  it.each(['Q8_0', 'F16', 'BF16'] as const)('%s', async (type) => {
    const bytes = await readFile(golden!)
    const source = bytesAsSource('gguf.safetensors', bytes)
    const { tensors } = unwrap(await readSafetensorsHeader(source))
    const values = unwrap(await readFloat32(source, tensors.get('input')!))
    const { offsetBytes, lengthBytes } = tensors.get(`${type}.raw`)!
    const expected = bytes.subarray(offsetBytes, offsetBytes + lengthBytes)
    expect(Buffer.concat([...quantise(values, type)]).equals(expected)).toBe(true)
  })
})
