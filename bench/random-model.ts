// Models of random numbers in known shapes, for benchmarks whose numbers do not matter: made in the temporary folder on first
// use, their weights in bfloat16 as most models are published.
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeNewFile } from '#core/system/durable-files.ts'
import { parameterShapes, parseModelConfig } from '#engine/index.ts'
import { safetensorsChunks } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'

const llama = {
  model_type: 'llama',
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
}

/** config.json as Hugging Face writes it: SmolLM2-135M, Llama 3.2 1B, Llama 3.1 8B. */
export const modelShapes = {
  '135m': {
    ...{ ...llama, vocab_size: 49_152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3, rope_theta: 100_000, tie_word_embeddings: true },
  },
  '1b': {
    ...{ ...llama, vocab_size: 128_256, hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, head_dim: 64, tie_word_embeddings: true },
  },
  '8b': {
    ...{ ...llama, vocab_size: 128_256, hidden_size: 4096, intermediate_size: 14_336, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, tie_word_embeddings: false },
  },
} as const
export type ModelShape = keyof typeof modelShapes

const pieceValues = 1 << 20

/** bfloat16 numbers between -0.03 and 0.03 in the order of Marsaglia's xorshift (2003); of a norm 1. */
function* randomPieces(length: number, isNorm: boolean, seed: number): Generator<Uint8Array> {
  let state = seed
  for (let at = 0; at < length; at += pieceValues) {
    const values = new Float32Array(Math.min(pieceValues, length - at))
    const words = new Uint32Array(values.buffer)
    const halves = new Uint16Array(values.length)
    for (let i = 0; i < values.length; i += 1) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      values[i] = isNorm ? 1 : state * (0.03 / 2 ** 31)
      halves[i] = words[i]! >>> 16
    }
    yield new Uint8Array(halves.buffer)
  }
}

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** The folder; throws where the disk has no room for it and for its weights in 8 bits beside it. */
export async function placeRandomModel(name: ModelShape): Promise<string> {
  const folder = join(tmpdir(), `tunewright-random-${name}-bfloat16`)
  if (existsSync(folder)) return folder
  const shapes = parameterShapes(unwrap(parseModelConfig(modelShapes[name])))
  const neededBytes = 3.5 * shapes.reduce((sum, { shape }) => sum + countOf(shape), 0)
  const temporary = `${folder}.tmp-${process.pid}`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary)
  const { bavail, bsize } = await statfs(temporary)
  if (bavail * bsize < neededBytes)
    throw new Error(`this needs ${formatBytes(neededBytes)} in the temporary folder (TMPDIR names another)`)
  const tensors = shapes.map(({ name: parameter, shape }, index) => ({
    name: parameter,
    dtype: 'BF16' as const,
    shape,
    read: () => randomPieces(countOf(shape), shape.length === 1, index + 1),
  }))
  await writeNewFile(join(temporary, 'model.safetensors'), safetensorsChunks(tensors))
  await writeFile(join(temporary, 'config.json'), JSON.stringify(modelShapes[name]))
  await rename(temporary, folder)
  return folder
}
