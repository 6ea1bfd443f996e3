// The tiny Llama with llama3 rope of ../shared/goldens/tiny on ONNX Runtime beside transformers and PEFT.
import { describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import {
  type BuiltGraph,
  buildLogitsGraph,
  buildTrainingGraph,
  type MethodSpec,
  type NumericTensor,
  type Tensor,
  type WeightLocation,
} from '#engine/index.ts'
import { sumLosses } from '#engine/train/evaluation.ts'
import { linearNames } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { asTensor } from '../conformance/tiny-training.ts'
import { norm, relativeDifference, relativeDistance, wholeTensor } from '../engine/support/numbers.ts'
import {
  batchFeeds,
  labelFeeds,
  readTinyAdapter,
  readTinyAdapterGradients,
  readTinyConfig,
  readTinyGolden,
  readTinyWeights,
  ropeFeeds,
  tinyFolder,
} from '../engine/support/tiny-golden.ts'

type Numbers = ReadonlyMap<string, NumericTensor>

async function run(built: BuiltGraph, numbers: Numbers): Promise<ReadonlyMap<string, Tensor>> {
  const isFrozen = new Set(built.frozen.map(({ name }) => name))
  const weights = new Map<string, WeightLocation>()
  const feeds = new Map<string, Tensor>()
  for (const [name, tensor] of numbers)
    if (isFrozen.has(name)) weights.set(name, { kind: 'memory', tensor: asTensor(tensor) })
    else feeds.set(name, asTensor(tensor))
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 2, weights, workFolder: '' }),
  )
  const outputs = structuredClone(await session.run(feeds))
  await session.dispose()
  return outputs
}

const floats = (tensor: Tensor | undefined): Float32Array =>
  (tensor?.data ?? new Float32Array()) as Float32Array

describe.skipIf(!tinyFolder)('tiny Llama golden on ONNX Runtime', () => {
  if (!tinyFolder) return
  const config = readTinyConfig()
  const golden = readTinyGolden()
  const batch = [...ropeFeeds(config, config.maxPositions), ...batchFeeds(golden.input_ids)]
  const lora: MethodSpec = {
    kind: 'lora',
    rank: golden.lora.r,
    alpha: golden.lora.alpha,
    targets: linearNames,
    topLayers: null,
  }

  test('logits within 1e-4 at every real position', async () => {
    const places = golden.attention_mask.flat().flatMap((bit, place) => (bit === 1 ? [place] : []))
    const rows: [string, NumericTensor] = ['rows', wholeTensor([places.length], places)]
    const numbers = new Map([...batch, ...(await readTinyWeights()), rows])
    const logits = floats((await run(buildLogitsGraph(config, { kind: 'none' }), numbers)).get('logits'))
    let worst = 0
    for (const [row, place] of places.entries())
      for (let id = 0; id < config.vocabulary; id += 1) {
        const expected = golden.logits[place * config.vocabulary + id]!
        worst = Math.max(worst, Math.abs(logits[row * config.vocabulary + id]! - expected))
      }
    expect(logits.length).toBe(places.length * config.vocabulary)
    expect(worst).toBeLessThan(1e-4)
  })

  test.each([false, true])('full training, checkpointing %s: every gradient norm', async (checkpointing) => {
    const options = { lossChunks: 2, gradientCheckpointing: checkpointing }
    const built = buildTrainingGraph(config, { kind: 'full' }, options)
    const numbers = new Map([...batch, ...(await readTinyWeights()), ...labelFeeds(golden.labels, 2)])
    const outputs = await run(built, numbers)
    expect(relativeDifference(sumLosses(outputs, 2), golden.loss)).toBeLessThan(1e-5)
    expect(Object.keys(golden.grad_norm).length).toBe(built.trainable.length)
    for (const [name, expected] of Object.entries(golden.grad_norm))
      expect(relativeDifference(norm(floats(outputs.get(`grad.${name}`))), expected), name).toBeLessThan(1e-3)
  })

  test.each([false, true])('LoRA, checkpointing %s: every gradient', async (checkpointing) => {
    const options = { lossChunks: 3, gradientCheckpointing: checkpointing }
    const built = buildTrainingGraph(config, lora, options)
    const adapter = await readTinyAdapter()
    const numbers = new Map([
      ...batch,
      ...(await readTinyWeights()),
      ...adapter,
      ...labelFeeds(golden.labels, 3),
    ])
    const outputs = await run(built, numbers)
    expect(relativeDifference(sumLosses(outputs, 3), golden.lora.loss)).toBeLessThan(1e-5)
    const expected = await readTinyAdapterGradients()
    expect(expected.size).toBe(built.trainable.length)
    for (const [name, { data }] of expected) {
      const gradient = floats(outputs.get(`grad.${name}`))
      expect(relativeDistance(gradient, Array.from(data, Number)), name).toBeLessThan(1e-4)
    }
  })
})
