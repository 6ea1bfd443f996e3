// Weights for benchmarks and golden runs: the starter model as safetensors in a temporary folder, made once from its GGUF,
// or random numbers in the same shapes where that is not at hand; as float32, or in half precision as models are published.

import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelConfig } from '#core/models/model-json.ts'
import { writeNewFile } from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { counterRandom, type ModelConfig, parameterShapes, parseModelConfig } from '#engine/index.ts'
import { narrowToBfloat16 } from '#formats/float16.ts'
import { readGguf } from '#formats/gguf.ts'
import { huggingFaceModelOf } from '#formats/gguf-model.ts'
import { type SafetensorsInput, safetensorsChunks } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'

export interface StarterWeights {
  readonly folder: string
  readonly config: ModelConfig
  readonly isReal: boolean
}

/** config.json of SmolLM2-135M, for the case that only its shapes are wanted. */
const starterConfig = {
  model_type: 'llama',
  vocab_size: 49_152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
  tie_word_embeddings: true,
}

/** How weights lie in the file. */
export type WeightType = 'float32' | 'bfloat16'

const storedAs = { float32: 'F32', bfloat16: 'BF16' } as const

const bytesOf: Readonly<Record<WeightType, (values: Float32Array) => Uint8Array>> = {
  float32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  bfloat16: narrowToBfloat16,
}

/**
 * The folder with config.json and model.safetensors (540 MB, or 270), made on first use and kept in the system's temporary
 * folder. `ggufPath` null gives random weights.
 */
export async function prepareStarterWeights(
  ggufPath: string | null,
  type: WeightType = 'float32',
): Promise<StarterWeights> {
  const isReal = ggufPath !== null
  const folder = join(tmpdir(), `tunewright-starter-${isReal ? 'real' : 'random'}-${type}`)
  if (!existsSync(folder)) {
    const temporary = `${folder}.tmp-${process.pid}`
    await mkdir(temporary, { recursive: true })
    if (ggufPath) await convert(ggufPath, temporary, type)
    else await randomise(temporary, type)
    // Another process may have been faster: then its folder serves as well.
    await rename(temporary, folder).catch(() => rm(temporary, { recursive: true, force: true }))
  }
  return { folder, config: await readModelConfig(folder), isReal }
}

async function convert(ggufPath: string, folder: string, type: WeightType): Promise<void> {
  const source = await openFileBytes(ggufPath)
  try {
    const model = unwrap(await huggingFaceModelOf(unwrap(await readGguf(source)), source))
    const inputs = model.tensors.map(
      ({ name, shape, load }): SafetensorsInput => ({
        name,
        dtype: storedAs[type],
        shape,
        read: async () => bytesOf[type](unwrap(await load(source))),
      }),
    )
    await write(folder, model.config, inputs)
  } finally {
    await source.close()
  }
}

/** Uniform numbers of the model's usual size; norms are 1. */
async function randomise(folder: string, type: WeightType): Promise<void> {
  const shapes = parameterShapes(unwrap(parseModelConfig(starterConfig)))
  const inputs = shapes.map(({ name, shape }): SafetensorsInput => {
    const random = counterRandom(1, name)
    const length = shape.reduce((product, size) => product * size, 1)
    const value = shape.length === 1 ? () => 1 : (i: number) => (2 * random(i) - 1) * 0.07
    return {
      name,
      dtype: storedAs[type],
      shape,
      read: () => bytesOf[type](Float32Array.from({ length }, (_, i) => value(i))),
    }
  })
  await write(folder, starterConfig, inputs)
}

async function write(folder: string, config: unknown, inputs: readonly SafetensorsInput[]): Promise<void> {
  await writeNewFile(join(folder, 'model.safetensors'), safetensorsChunks(inputs))
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
}
