// The self-test of a device: one training step of a tiny Llama with LoRA, its weights in a file as a model's are, against
// the same step by definition. Says how far they lie apart; what is too far is decided outside.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Backend,
  type BuiltGraph,
  buildTrainingGraph,
  counterRandom,
  createReferenceBackend,
  gradientOutputName,
  type LoraMethod,
  parameterShapes,
  parseModelConfig,
  ropeWeights,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
import { collate } from '#engine/train/collate.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { linearNames } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { SpeedEvent, SpeedJob } from '#shared/speed-protocol.ts'
import { locateWeights } from '../scorer/model-folder.ts'
import type { JobContext } from '../serve-job.ts'
import { randomRows } from './random-rows.ts'

const config = unwrap(
  parseModelConfig({
    model_type: 'llama',
    vocab_size: 96,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
  }),
)
const method: LoraMethod = {
  kind: 'lora',
  rank: 4,
  alpha: 8,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}
const rows = 3
const tokensPerRow = 12
const lossChunks = 2

/** Throws ProblemError where the backend cannot run. */
export async function checkStep(
  { workFolder, threads }: SpeedJob,
  backend: Backend,
  { emit }: JobContext<SpeedEvent>,
): Promise<void> {
  // Rows one behind the other, blocks computed twice: as runs are.
  const built = buildTrainingGraph(config, method, {
    lossChunks,
    gradientCheckpointing: true,
    isPacked: true,
  })
  const held = new Map(parameterShapes(config).map(({ name, shape }) => [name, randomTensor(name, shape)]))
  const file = encodeSafetensors(
    new Map([...held].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }])),
  )
  await writeFile(join(workFolder, 'model.safetensors'), file)
  const places = rows * tokensPerRow
  const feeds = feedsOf(built)
  const lossAndGradients = async (
    of: Backend,
    weights: ReadonlyMap<string, WeightLocation>,
  ): Promise<ReadonlyMap<string, Tensor>> => {
    const session = unwrap(await of.compile(built.graph, { threads, weights, workFolder }))
    try {
      return await session.run(feeds)
    } finally {
      await session.dispose()
    }
  }
  const inMemory = new Map(
    [...held, ...ropeWeights(config, places)].map(([name, tensor]) => [
      name,
      { kind: 'memory', tensor } as const,
    ]),
  )
  const byDefinition = await lossAndGradients(createReferenceBackend({ precision: 'float32' }), inMemory)
  const found = await lossAndGradients(backend, await locateWeights(workFolder, config, built, places))
  const difference = differenceOf(built, found, byDefinition)
  await emit({ kind: 'checked', difference: Number.isFinite(difference) ? difference : null })
}

function feedsOf(built: BuiltGraph): ReadonlyMap<string, Tensor> {
  const { feeds } = collate(randomRows({ rows, tokensPerRow, labelledShare: 0.5 }, config.vocabulary), {
    lossChunks,
    asks: 'next-token',
    layout: 'packed',
    hasSegments: true,
    hasTypes: false,
    firstPosition: 0,
  })
  const trained = built.trainable.map(({ name, shape }) => [name, randomTensor(name, shape)] as const)
  return new Map([...feeds, ...trained])
}

/** Norms around 1; other weights so large that a layer's output is about as large as its input. */
function randomTensor(name: string, shape: readonly number[]): Tensor {
  const random = counterRandom(11, name)
  const length = shape.reduce((product, size) => product * size, 1)
  const scale = 3 / Math.sqrt(shape.at(-1) ?? 1)
  const data = Float32Array.from({ length }, (_, i) =>
    name.includes('norm') ? 0.8 + 0.4 * random(i) : (random(i) - 0.5) * scale,
  )
  return { dtype: 'float32', shape, data }
}

type Results = ReadonlyMap<string, Tensor>

/** The larger one of the losses' and the gradients' distance, each over the length of what is right. */
function differenceOf({ trainable }: BuiltGraph, found: Results, right: Results): number {
  const losses = Array.from({ length: lossChunks }, (_, chunk) => `losses.${chunk}`)
  const gradients = trainable.map(({ name }) => gradientOutputName(name))
  const numbers = (results: Results, names: readonly string[]): number[] =>
    names.flatMap((name) => Array.from(results.get(name)!.data, Number))
  return Math.max(
    ...[losses, gradients].map((names) => relativeDistance(numbers(found, names), numbers(right, names))),
  )
}

function relativeDistance(found: readonly number[], right: readonly number[]): number {
  const length = (numbers: readonly number[]): number => Math.hypot(...numbers)
  return length(right.map((value, i) => value - found[i]!)) / length(right)
}
