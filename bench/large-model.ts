// A model of a billion parameters (random weights in the shape of Llama 3.2 1B, made here on first use) takes LoRA steps on
// frozen weights in 4 bits: npx node bench/large-model.ts [--base int4] [--positions 512] [--steps 2]. Prints the time of a
// step and the peak memory.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readModelConfig } from '#core/models/model-json.ts'
import { quantisedWeights } from '#core/models/quantised-weights.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { unwrap } from '#shared/result.ts'
import { placeRandomModel } from './random-model.ts'
import { measureInChild } from './step-child.ts'

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
const folder = await placeRandomModel('1b')
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
