// Every tiny decoder of ../shared/goldens/tiny writes greedily on ONNX Runtime what transformers writes: 12 tokens behind a
// prompt that is longer than the windows of some of them.
import { expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { createDecoding } from '#engine/decode.ts'
import { buildDecodingGraph, type NumericTensor, ropeWeights } from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import { bindFeeds } from '../engine/support/feeds.ts'
import { openTinyGoldens } from '../support/tiny-golden.ts'

const goldens = (await openTinyGoldens()).flatMap(({ name, config, weights, figures }) => {
  const { greedy_prompt: prompt, greedy_12: answer } = figures
  return prompt && answer ? [{ name, config, weights, prompt, answer }] : []
})

test.skipIf(goldens.length === 0)('there are tiny goldens of decoders', () => {
  expect(goldens.length).toBeGreaterThan(3)
})

test.skipIf(goldens.length === 0).each(goldens)('tiny golden $name', async (golden) => {
  const { config, weights, prompt, answer } = golden
  const mostTokens = answer.length
  const built = buildDecodingGraph(config, { kind: 'none' })
  const numbers = new Map<string, NumericTensor>([
    ...ropeWeights(config, prompt.length + mostTokens),
    ...weights,
  ])
  const bound = bindFeeds(built, numbers)
  const options = { threads: 2, weights: bound.weights, workFolder: '' }
  const session = unwrap(await createOnnxBackend().compile(built.graph, options))
  // A shorter prompt beside it: what one answer remembers is hidden from the other.
  const prompts = [prompt.slice(0, 3), prompt]
  const decoding = createDecoding(session, built, new Map(), { prompts, stopIds: new Set(), mostTokens })
  for (const _ of prompts) await decoding.read()
  while (await decoding.write());
  await session.dispose()
  expect(decoding.answers[1]?.ids).toEqual(answer)
})
