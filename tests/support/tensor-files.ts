// Small safetensors files of golden references, read whole into memory.
import { readFileSync } from 'node:fs'
import { bytesAsSource } from '#formats/byte-source.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'

export interface FloatTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Every tensor of a file in float32, names passed through `rename`. */
export async function readTensors(
  path: string,
  rename: (name: string) => string = (name) => name,
): Promise<Map<string, FloatTensor>> {
  const source = bytesAsSource(path, readFileSync(path))
  const { tensors } = unwrap(await readSafetensorsHeader(source))
  const read = new Map<string, FloatTensor>()
  for (const [name, entry] of tensors)
    read.set(rename(name), { shape: entry.shape, data: unwrap(await readFloat32(source, entry)) })
  return read
}

/** An int32 tensor of a file. */
export async function readWholeNumbers(path: string, name: string): Promise<Int32Array> {
  const bytes = readFileSync(path)
  const { tensors } = unwrap(await readSafetensorsHeader(bytesAsSource(path, bytes)))
  const entry = tensors.get(name)
  if (entry?.dtype !== 'I32') throw new Error(`${path} has no int32 tensor ${name}`)
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset + entry.offsetBytes).slice(0, entry.lengthBytes))
}

/** PEFT's name of an adapter weight -> ours. */
export const withoutPeftPrefix = (name: string): string => name.replace('base_model.model.', '')
