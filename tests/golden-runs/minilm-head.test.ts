// A head on the embeddings that transformers made with all-MiniLM-L6-v2, on ONNX Runtime: loss and gradients are torch's.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import { buildTrainingGraph, type Tensor } from '#engine/index.ts'
import { lossChunkFeeds, sumLosses } from '#engine/train/loss-chunks.ts'
import { unwrap } from '#shared/result.ts'
import { largestDifference, relativeDifference } from '../engine/support/numbers.ts'
import { findShared, findTestModel } from '../support/models.ts'
import { readTensors } from '../support/tensor-files.ts'

const golden = findShared('goldens/minilm')
const found = findTestModel('sentence_bert_config.json')

test.skipIf(!golden || !found)('a head on averaged texts has the loss and gradients of torch', async () => {
  const { labels, head_loss: meanLoss } = JSON.parse(readFileSync(join(golden!, 'golden.json'), 'utf8')) as {
    labels: number[]
    head_loss: number
  }
  const tensors = await readTensors(join(golden!, 'embeddings.safetensors'))
  const config = await readModelConfig(dirname(found!))
  expect(config.isSentenceEncoder).toBe(true)
  const task = { kind: 'sequence-classes', classes: 3, isAveraged: true } as const
  const options = { task, lossChunks: 1, gradientCheckpointing: false, fromLayer: config.layers }
  const built = buildTrainingGraph(config, { kind: 'head' }, options)
  const rows = labels.length
  const float = (shape: number[], data: Iterable<number>): Tensor => ({
    dtype: 'float32',
    shape,
    data: Float32Array.from(data),
  })
  const whole = (): Tensor => ({ dtype: 'int64', shape: [rows, 1], data: new BigInt64Array(rows) })
  // An embedding is its own mean over one place.
  const feeds = new Map<string, Tensor>([
    ...['segments', 'positions', 'types'].map((name) => [name, whole()] as const),
    ['hidden', float([rows, 1, config.hidden], tensors.get('embeddings')!.data)],
    [
      'pooling',
      float(
        [rows, 1],
        labels.map(() => 1),
      ),
    ],
    ['mean_classifier.weight', float([3, config.hidden], tensors.get('head.weight')!.data)],
    ['mean_classifier.bias', float([3], [0, 0, 0])],
    ...lossChunkFeeds(
      labels.map((_, row) => row),
      labels,
      1,
    ),
  ])
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 1, weights: new Map(), workFolder: '' }),
  )
  const outputs = structuredClone(await session.run(feeds))
  await session.dispose()
  expect(relativeDifference(sumLosses(outputs, 1) / rows, meanLoss)).toBeLessThan(1e-6)
  for (const part of ['weight', 'bias']) {
    const sums = outputs.get(`grad.mean_classifier.${part}`)!.data as Float32Array
    const gradient = Array.from(sums, (sum) => sum / rows)
    const expected = [...tensors.get(`head.${part}.grad`)!.data]
    expect(largestDifference(gradient, expected), part).toBeLessThan(1e-7)
  }
})
