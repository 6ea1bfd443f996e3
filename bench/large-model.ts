// A model of a billion parameters (random weights in the shape of Llama 3.2 1B, made here on first use) takes LoRA steps on
// frozen weights in 4 bits: npx node bench/large-model.ts [--base int4] [--positions 512] [--steps 2]. Prints the time of a
// step and the peak memory.
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readModelConfig } from '#core/models/model-json.ts'
import { quantisedWeights } from '#core/models/quantised-weights.ts'
import { sha256File, writeNewFile } from '#core/system/durable-files.ts'
import { parameterShapes, parseModelConfig } from '#engine/index.ts'
import { safetensorsChunks } from '#formats/safetensors.ts'
import { unwrap } from '#shared/result.ts'
import { measureInChild } from './step-child.ts'

const hfConfig = {
  model_type: 'llama',
  vocab_size: 128_256,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  tie_word_embeddings: true,
}

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

async function placeLargeModel(): Promise<string> {
  const folder = join(tmpdir(), 'tunewright-billion-bfloat16')
  if (existsSync(folder)) return folder
  const temporary = `${folder}.tmp-${process.pid}`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary)
  const { bavail, bsize } = await statfs(temporary)
  if (bavail * bsize < 6e9) throw new Error('this needs 6 GB in the temporary folder')
  const tensors = parameterShapes(unwrap(parseModelConfig(hfConfig))).map(({ name, shape }, index) => ({
    name,
    dtype: 'BF16' as const,
    shape,
    read: () =>
      randomPieces(
        shape.reduce((product, size) => product * size, 1),
        shape.length === 1,
        index + 1,
      ),
  }))
  await writeNewFile(join(temporary, 'model.safetensors'), safetensorsChunks(tensors))
  await writeFile(join(temporary, 'config.json'), JSON.stringify(hfConfig))
  await rename(temporary, folder)
  return folder
}

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'int4' },
    positions: { type: 'string', default: '512' },
    rows: { type: 'string', default: '1' },
    steps: { type: 'string', default: '2' },
    threads: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
  },
})
const base = values.base as 'int4' | 'nf4' | 'int8'
const folder = await placeLargeModel()
const config = await readModelConfig(folder)
const startMs = performance.now()
const weightsSha256 = await sha256File(join(folder, 'model.safetensors'))
const quantised = unwrap(await quantisedWeights({ folder, weightsSha256, config, scheme: base }))
const seconds = (ms: number): string => (ms / 1000).toFixed(1)
console.log(`${quantised.size} weights as ${base}: ready after ${seconds(performance.now() - startMs)} s.`)
const figures = await measureInChild({
  rows: Number(values.rows),
  positions: Number(values.positions),
  checkpointing: true,
  labelledShare: 0.25,
  base,
  backend: 'onnx',
  steps: Number(values.steps),
  threads: Number(values.threads),
  folder,
})
console.log(
  `${values.rows}x${values.positions} tokens: ${figures.stepsMs.map(seconds).join(', ')} s a step, peak ` +
    `${(figures.peakMib / 1024).toFixed(2)} GiB resident, ${((figures.anonymousMib ?? 0) / 1024).toFixed(2)} of it anonymous.`,
)
