// A model folder of the library as GGUF, for llama.cpp and for programs built on it.
import { join } from 'node:path'
import { ggufOfModel, type ModelTensor, type WritableGgufType } from '#formats/gguf-export.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import type { NewValues } from './changed-weights.ts'
import { readModelJson } from './model-json.ts'

/** A matrix has a number that half precision does not hold. */
export class BeyondHalf extends Error {}

const largestHalf = 65_504

/**
 * The bytes of the file, with `replaced` weights in place of the folder's. Throws ProblemError (model.unsupported-family
 * and those of `ggufOfModel`) before the first byte, BeyondHalf where `type` is F16 and a weight does not fit.
 */
export async function* ggufOfFolder(
  folder: string,
  replaced: ReadonlyMap<string, NewValues>,
  type: WritableGgufType,
): AsyncGenerator<Uint8Array> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const inputs: ModelTensor[] = [...tensors].map(([name, entry]) => ({
      name,
      shape: entry.shape,
      load: async () => {
        const values = (await replaced.get(name)?.()) ?? unwrap(await readFloat32(file, entry))
        // Vectors stay float32 in the file, whatever the type of the matrices.
        if (type === 'F16' && entry.shape.length > 1) requireHalfRange(values)
        return values
      },
    }))
    const [config, tokenizer, tokenizerConfig] = await Promise.all(
      ['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => readModelJson(folder, name)),
    )
    yield* unwrap(ggufOfModel(config, tokenizer, tokenizerConfig, inputs, type))
  } finally {
    await file.close()
  }
}

function requireHalfRange(values: Float32Array): void {
  for (const value of values) if (Math.abs(value) > largestHalf) throw new BeyondHalf('a weight is too large')
}
