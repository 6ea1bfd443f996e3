// A model of the library with some of its weights replaced by others: what a run that trains the model itself leaves, and
// what an adapter becomes that is worked into its model. One weight is in memory at a time.
import { join } from 'node:path'
import {
  readSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsInput,
  safetensorsChunks,
} from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { type OpenFile, openFileBytes } from '../system/file-bytes.ts'

/** Values of a weight in place of those of the file. */
export type NewValues = () => Float32Array | Promise<Float32Array>

const pieceBytes = 8 * 2 ** 20

/**
 * The bytes of a model.safetensors: weights that are replaced as float32, all others bit for bit as the model in `folder`
 * has them, under its names and in its order. A name that the model has not is a bug. Throws ProblemError.
 */
export async function* changedWeights(
  folder: string,
  replaced: ReadonlyMap<string, NewValues>,
): AsyncGenerator<Uint8Array> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    for (const name of replaced.keys()) if (!tensors.has(name)) throw new Error(`the model has no ${name}`)
    yield* safetensorsChunks(
      [...tensors].map(([name, entry]) => inputOf(file, name, entry, replaced.get(name))),
      { format: 'pt' },
    )
  } finally {
    await file.close()
  }
}

export interface ChosenWeight {
  /** In the new file. */
  readonly name: string
  readonly shape: readonly number[]
  /** Its name in the model's file, or values that the model has not. */
  readonly from: string | NewValues
}

/** The bytes of a model.safetensors of exactly these weights: the model's own bit for bit, others as float32. */
export async function* chosenWeights(
  folder: string,
  weights: readonly ChosenWeight[],
): AsyncGenerator<Uint8Array> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const inputs = weights.map(({ name, shape, from }): SafetensorsInput => {
      if (typeof from !== 'string') return newInput(name, shape, from)
      const entry = tensors.get(from)
      if (!entry) throw new Error(`the model has no ${from}`)
      return { name, dtype: entry.dtype, shape: entry.shape, read: () => piecesOf(file, entry) }
    })
    yield* safetensorsChunks(inputs, { format: 'pt' })
  } finally {
    await file.close()
  }
}

function newInput(name: string, shape: readonly number[], values: NewValues): SafetensorsInput {
  const read = async (): Promise<Uint8Array> => {
    const { buffer, byteOffset, byteLength } = await values()
    return new Uint8Array(buffer, byteOffset, byteLength)
  }
  return { name, dtype: 'F32', shape, read }
}

function inputOf(
  file: OpenFile,
  name: string,
  entry: SafetensorsEntry,
  values: NewValues | undefined,
): SafetensorsInput {
  const { dtype, shape } = entry
  if (values !== undefined) return newInput(name, shape, values)
  return { name, dtype, shape, read: () => piecesOf(file, entry) }
}

async function* piecesOf(
  file: OpenFile,
  { offsetBytes, lengthBytes }: SafetensorsEntry,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < lengthBytes; done += pieceBytes)
    yield await file.read(offsetBytes + done, Math.min(pieceBytes, lengthBytes - done))
}

/**
 * config.json of such a model: it says float32, under the name that it uses (`torch_dtype`, or `dtype` since transformers
 * 5), so that no program rounds on loading what was trained. The rest stays.
 */
export function floatConfig(config: object): Record<string, unknown> {
  const name = 'dtype' in config && !('torch_dtype' in config) ? 'dtype' : 'torch_dtype'
  return { ...config, [name]: 'float32' }
}
