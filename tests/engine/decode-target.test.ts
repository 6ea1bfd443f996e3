// Targets written greedily, beside both halves run anew over source and target for every token.
import { describe, expect, test } from 'vitest'
import { createTargetDecoding } from '../../src/engine/decode-target.ts'
import {
  type BuiltGraph,
  buildLogitsGraph,
  buildTargetGraphs,
  createReferenceBackend,
  type MethodSpec,
  type Session,
  type Tensor,
} from '../../src/engine/index.ts'
import { sourceFeeds, targetFeeds, twoHalvesOf } from '../../src/engine/train/source-target.ts'
import { linearNames } from '../../src/shared/recipe.ts'
import { unwrap } from '../../src/shared/result.ts'
import { bindFeeds } from './support/feeds.ts'
import { wholeTensor } from './support/numbers.ts'
import { tinyLora } from './support/tiny-methods.ts'
import { weightFeeds } from './support/tiny-models.ts'
import { tinyT5 } from './support/tiny-t5.ts'

const config = tinyT5()
const halves = twoHalvesOf(config)!
const method: MethodSpec = { ...tinyLora, targets: linearNames, topLayers: null }
const prompts = [
  [3, 4, 5, 1],
  [6, 1],
  [7, 8, 9, 10, 11, 1],
]

async function open(built: BuiltGraph): Promise<{ session: Session; trained: ReadonlyMap<string, Tensor> }> {
  const { weights, feeds } = bindFeeds(built, weightFeeds(built, config))
  const options = { threads: 1, weights, workFolder: '' }
  const compiled = await createReferenceBackend({ precision: 'float64' }).compile(built.graph, options)
  return { session: unwrap(compiled), trained: feeds }
}

async function openDecoding(stopIds: readonly number[], mostTokens: number) {
  const graphs = buildTargetGraphs(config, method)
  const reading = await open(graphs.reading)
  const writing = await open(graphs.writing)
  const trained = new Map([...reading.trained, ...writing.trained])
  const sessions = { reading: reading.session, writing: writing.session }
  return createTargetDecoding(sessions, halves, trained, { prompts, stopIds: new Set(stopIds), mostTokens })
}

async function decode(stopIds: readonly number[], mostTokens: number) {
  const decoding = await openDecoding(stopIds, mostTokens)
  for (const _ of prompts) await decoding.read()
  while (await decoding.write());
  return decoding.answers
}

describe('targets', () => {
  test('are, token by token, what the whole model makes likeliest', async () => {
    const { session, trained } = await open(buildLogitsGraph(config, method))
    const likeliestAfter = async (source: readonly number[], target: readonly number[]): Promise<number> => {
      const feeds = [...sourceFeeds([source], halves), ...targetFeeds([target], halves)]
      const rows = wholeTensor([1], [target.length])
      const outputs = await session.run(new Map([...trained, ...feeds, ['rows', rows]]))
      const logits = [...(outputs.get('logits')!.data as Float32Array)]
      return logits.indexOf(Math.max(...logits))
    }
    const answers = await decode([], 6)
    for (const [row, { ids, isEnded }] of answers.entries()) {
      expect(isEnded).toBe(false)
      expect(ids).toHaveLength(6)
      for (const [at, id] of ids.entries())
        expect(id).toBe(await likeliestAfter(prompts[row]!, ids.slice(0, at)))
    }
    expect(new Set(answers.map(({ ids }) => ids.join())).size).toBeGreaterThan(1)
  })

  test('of sources that are read later are the same', async () => {
    const together = await decode([], 4)
    const decoding = await openDecoding([], 4)
    await decoding.read()
    await decoding.write()
    await decoding.read()
    await decoding.read()
    while (await decoding.write());
    expect(decoding.answers.map(({ ids }) => ids)).toEqual(together.map(({ ids }) => ids))
  })

  test('end before a stop token, and the others go on', async () => {
    const free = await decode([], 6)
    const stop = free[0]!.ids[2]!
    const answers = await decode([stop], 6)
    for (const [row, { ids, isEnded }] of answers.entries()) {
      const end = free[row]!.ids.indexOf(stop)
      expect({ ids, isEnded }).toEqual({
        ids: end < 0 ? free[row]!.ids : free[row]!.ids.slice(0, end),
        isEnded: end >= 0,
      })
    }
  })
})
