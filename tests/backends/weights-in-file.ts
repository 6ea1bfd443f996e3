// A tiny model's frozen weights in a file, as a folder of the library has them.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WeightLocation } from '#engine/backend-port.ts'
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from '#formats/float16.ts'
import { tinyTrainings } from '../conformance/tiny-training.ts'

export type FileDtype = 'float32' | 'float16' | 'bfloat16'

const narrow: Record<FileDtype, (values: Float32Array) => Uint8Array> = {
  float32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  float16: narrowToFloat16,
  bfloat16: narrowToBfloat16,
}
const widen: Record<FileDtype, (bytes: Uint8Array) => Float32Array> = {
  float32: (bytes) => new Float32Array(bytes.slice().buffer),
  float16: (bytes) => widened(bytes, widenFloat16),
  bfloat16: (bytes) => widened(bytes, widenBfloat16),
}
function widened(
  bytes: Uint8Array,
  write: (b: Uint8Array, t: Float32Array, at: number) => void,
): Float32Array {
  const values = new Float32Array(bytes.length / 2)
  write(bytes, values, 0)
  return values
}

/** All frozen weights in one file behind a header of 72 bytes, and the same numbers, as rounded, in memory. */
export async function writeWeights(
  folder: string,
  dtype: FileDtype,
): Promise<{ inFile: Map<string, WeightLocation>; inMemory: Map<string, WeightLocation> }> {
  const inFile = new Map<string, WeightLocation>()
  const inMemory = new Map<string, WeightLocation>()
  const parts: Uint8Array[] = [new Uint8Array(72)]
  let offsetBytes = 72
  for (const [name, location] of tinyTrainings[0]!.weights) {
    const { shape, data } = location.tensor
    const bytes = narrow[dtype](data as Float32Array)
    parts.push(bytes)
    inFile.set(name, {
      kind: 'file',
      folder,
      file: 'model.safetensors',
      offsetBytes,
      lengthBytes: bytes.length,
      dtype,
      shape,
    })
    inMemory.set(name, { kind: 'memory', tensor: { dtype: 'float32', shape, data: widen[dtype](bytes) } })
    offsetBytes += bytes.length
  }
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat(parts))
  return { inFile, inMemory }
}
