// Greedy answers with remembered keys and values, beside the whole text run anew for every token.
import { describe, expect, test } from 'vitest'
import { createDecoding } from '../../src/engine/decode.ts'
import {
  type BuiltGraph,
  buildDecodingGraph,
  buildLogitsGraph,
  createReferenceBackend,
  type MethodSpec,
  type ModelConfig,
  type Session,
  type Tensor,
} from '../../src/engine/index.ts'
import { unwrap } from '../../src/shared/result.ts'
import { batchFeeds, bindFeeds } from './support/feeds.ts'
import { wholeTensor } from './support/numbers.ts'
import { tinyLora } from './support/tiny-methods.ts'
import { tinyConfig, weightFeeds } from './support/tiny-models.ts'

const method: MethodSpec = { ...tinyLora, targets: ['q_proj', 'k_proj', 'v_proj', 'down_proj'], topLayers: 1 }
const plain = tinyConfig()
/** One block with a window of 3, one without: a prompt of 6 tokens does not fit into the window. */
const windowed = tinyConfig({
  model_type: 'gemma2',
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 4,
  sliding_window: 3,
  layer_types: ['sliding_attention', 'full_attention'],
  attn_logit_softcapping: 2,
  final_logit_softcapping: 3,
  tie_word_embeddings: true,
})
const prompts = [[3, 1, 4], [1], [5, 9, 2, 6, 5, 3]]

async function open(
  config: ModelConfig,
  built: BuiltGraph,
): Promise<{ session: Session; trained: ReadonlyMap<string, Tensor> }> {
  const { weights, feeds } = bindFeeds(built, weightFeeds(built, config))
  const compiled = await createReferenceBackend({ precision: 'float64' }).compile(built.graph, {
    threads: 1,
    weights,
    workFolder: '',
  })
  return { session: unwrap(compiled), trained: feeds }
}

/** The likeliest token after `ids`, from a graph that remembers nothing. */
async function openWhole(config: ModelConfig): Promise<(ids: readonly number[]) => Promise<number>> {
  const { session, trained } = await open(config, buildLogitsGraph(config, method))
  return async (ids) => {
    const rows = wholeTensor([1], [ids.length - 1])
    const outputs = await session.run(new Map([...trained, ...batchFeeds([ids]), ['rows', rows]]))
    const logits = [...(outputs.get('logits')!.data as Float32Array)]
    return logits.indexOf(Math.max(...logits))
  }
}

async function openDecoding(stopIds: readonly number[], mostTokens: number, config = plain) {
  const built = buildDecodingGraph(config, method)
  const { session, trained } = await open(config, built)
  const decoding = createDecoding(session, built, trained, { prompts, stopIds: new Set(stopIds), mostTokens })
  return { decoding }
}

async function decode(stopIds: readonly number[], mostTokens: number, config = plain) {
  const { decoding } = await openDecoding(stopIds, mostTokens, config)
  for (const _ of prompts) await decoding.read()
  let writes = 0
  while (await decoding.write()) writes += 1
  return { answers: decoding.answers, writes }
}

describe('greedy decoding', () => {
  test.each([
    ['without windows', plain],
    ['with windows that prompts and answers outgrow', windowed],
  ])('each token is the one that the whole text so far makes likeliest: %s', async (_, config) => {
    const likeliestAfter = await openWhole(config)
    const { answers, writes } = await decode([], 8, config)
    expect(writes).toBe(7)
    for (const [row, { ids, isEnded }] of answers.entries()) {
      expect(isEnded).toBe(false)
      expect(ids).toHaveLength(8)
      for (const [at, id] of ids.entries())
        expect(id).toBe(await likeliestAfter([...prompts[row]!, ...ids.slice(0, at)]))
    }
  })

  test('each window has a mask of its own', () => {
    expect(buildDecodingGraph(plain, method).masks).toEqual([{ name: 'past.mask', window: null }])
    expect(buildDecodingGraph(windowed, method).masks).toEqual([
      { name: 'past.mask.3', window: 3 },
      { name: 'past.mask', window: null },
    ])
  })

  test('a prompt that is read later, behind answers that are done, changes nothing', async () => {
    const together = (await decode([], 4)).answers
    const { decoding } = await openDecoding([], 4)
    await decoding.read()
    while (await decoding.write());
    await decoding.read()
    await decoding.read()
    while (await decoding.write());
    expect(decoding.answers.map(({ ids }) => ids)).toEqual(together.map(({ ids }) => ids))
  })

  test('an answer ends before a stop token, and the others go on', async () => {
    const free = (await decode([], 6)).answers
    const stop = free[0]!.ids[2]!
    const { answers } = await decode([stop], 6)
    for (const [row, { ids, isEnded }] of answers.entries()) {
      const end = free[row]!.ids.indexOf(stop)
      expect({ ids, isEnded }).toEqual({
        ids: end < 0 ? free[row]!.ids : free[row]!.ids.slice(0, end),
        isEnded: end >= 0,
      })
    }
  })
})
