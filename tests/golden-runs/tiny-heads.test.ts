// A head on a frozen body, on ONNX Runtime: the body runs once as a graph of its own, the head trains on what it gave. Loss
// and gradients of the head are those of transformers, which trained the whole model (../shared/goldens/tiny).
import { expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import {
  type BuiltGraph,
  buildPrefixGraph,
  buildTrainingGraph,
  headShapes,
  type Tensor,
} from '#engine/index.ts'
import { sumLosses } from '#engine/train/loss-chunks.ts'
import { unwrap } from '#shared/result.ts'
import { bindFeeds, type Feeds } from '../engine/support/feeds.ts'
import { norm, relativeDifference } from '../engine/support/numbers.ts'
import { openTinyGoldens, tinyFeeds } from '../support/tiny-golden.ts'

async function run(built: BuiltGraph, numbers: Feeds): Promise<ReadonlyMap<string, Tensor>> {
  const { weights, feeds } = bindFeeds(built, numbers)
  const options = { threads: 2, weights, workFolder: '' }
  const session = unwrap(await createOnnxBackend().compile(built.graph, options))
  const outputs = structuredClone(await session.run(feeds))
  await session.dispose()
  return outputs
}

const goldens = (await openTinyGoldens()).filter(({ task }) => task.kind !== 'language-model')

test.skipIf(goldens.length === 0)('there are tiny goldens with heads', () => {
  expect(goldens.length).toBeGreaterThan(3)
})

test.skipIf(goldens.length === 0).each(goldens)('tiny golden $name', async (golden) => {
  const { config, task, figures } = golden
  const feeds: Feeds = tinyFeeds(golden, 1)
  const hidden = (await run(buildPrefixGraph(config, config.layers), feeds)).get('hidden')!
  const head = buildTrainingGraph(
    config,
    { kind: 'head' },
    { task, lossChunks: 1, gradientCheckpointing: true, fromLayer: config.layers },
  )
  expect(head.trainable).toEqual(headShapes(config, task))
  const outputs = await run(head, new Map([...feeds, ['hidden', hidden]]))
  expect(relativeDifference(sumLosses(outputs, 1), figures.loss)).toBeLessThan(1e-5)
  for (const { name } of head.trainable) {
    const gradient = Array.from(outputs.get(`grad.${name}`)!.data, Number)
    expect(relativeDifference(norm(gradient), figures.grad_norm[name]!), name).toBeLessThan(1e-3)
  }
})
