// The real sentence encoder all-MiniLM-L6-v2 on ONNX Runtime beside transformers: embeddings of sentences.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import { buildEmbeddingGraph, normaliseRows, poolingFeed, type Tensor } from '#engine/index.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
import { unwrap } from '#shared/result.ts'
import { familyFeeds } from '../engine/support/family-feeds.ts'
import { asTensor } from '../engine/support/feeds.ts'
import { largestDifference } from '../engine/support/numbers.ts'
import { findShared, findTestModel } from '../support/models.ts'
import { readTensors } from '../support/tensor-files.ts'

const golden = findShared('goldens/minilm')
const found = findTestModel('sentence_bert_config.json')

/** 'embeddings' [B,C] of texts of token ids, each of length 1. */
async function embed(folder: string, texts: readonly (readonly number[])[]): Promise<Float32Array> {
  const config = await readModelConfig(folder)
  const built = buildEmbeddingGraph(config, { kind: 'none' })
  const longest = Math.max(...texts.map((ids) => ids.length))
  const padded = (row: readonly number[], fill: number): readonly number[] =>
    Array.from({ length: longest }, (_, s) => row[s] ?? fill)
  const batch = {
    ids: texts.map((ids) => padded(ids, 0)),
    mask: texts.map((ids) =>
      padded(
        ids.map(() => 1),
        0,
      ),
    ),
    types: null,
    labels: texts.map(() => 0),
    startId: 0,
  }
  const task = { kind: 'sequence-classes', classes: 1 } as const
  const inputs = new Set(built.graph.inputs.map(({ name }) => name))
  const feeds = new Map<string, Tensor>([
    ...[...familyFeeds(config, task, batch, 1, longest)]
      .filter(([name]) => inputs.has(name))
      .map(([name, tensor]) => [name, asTensor(tensor)] as const),
    [
      'pooling',
      poolingFeed(
        'mean',
        texts.map((ids) => ids.length),
        longest,
      ),
    ],
  ])
  const weights = await locateWeights(folder, config, built, longest)
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 2, weights, workFolder: '' }),
  )
  const data = (await session.run(feeds)).get('embeddings')?.data
  const embeddings = data instanceof Float32Array ? Float32Array.from(data) : new Float32Array()
  await session.dispose()
  normaliseRows(embeddings, config.hidden)
  return embeddings
}

describe.skipIf(!golden || !found)('all-MiniLM-L6-v2', () => {
  const open = async () => {
    const { ids } = JSON.parse(readFileSync(join(golden!, 'golden.json'), 'utf8')) as { ids: number[][] }
    const expected = (await readTensors(join(golden!, 'embeddings.safetensors'))).get('embeddings')
    return ids.map((text, at) => ({ text, embedding: expected?.data.slice(at * 384, (at + 1) * 384) ?? [] }))
  }

  test.each([
    ['short ones side by side', 0, 64],
    ['one of 256 tokens', 256, 257],
  ])('embeddings within 1e-5 of transformers: %s', async (_, fewest, most) => {
    const chosen = (await open()).filter(({ text }) => text.length >= fewest && text.length < most)
    const texts = fewest === 0 ? chosen : chosen.slice(0, 1)
    expect(texts.length).toBeGreaterThan(0)
    const embeddings = await embed(
      dirname(found!),
      texts.map(({ text }) => text),
    )
    const expected = texts.flatMap(({ embedding }) => [...embedding])
    expect(largestDifference(embeddings, expected)).toBeLessThan(1e-5)
  })
})
