// Greedy answers of the real starter model: the first token is transformers', and each is what the whole text, run anew,
// makes likeliest (../shared/goldens/smollm2).
import { expect, test } from 'vitest'
import { createDecoding } from '#engine/decode.ts'
import { buildDecodingGraph, buildLogitsGraph } from '#engine/index.ts'
import { batchFeeds } from '../engine/support/feeds.ts'
import { wholeTensor } from '../engine/support/numbers.ts'
import { findGolden, openStarter, readJson } from './starter.ts'

interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[]
    readonly top20_ids: readonly (readonly number[])[]
  }[]
}

const found = findGolden('smollm2')
const mostTokens = 12

test.skipIf(!found)(
  'SmolLM2-135M-Instruct on ONNX Runtime answers several prompts side by side',
  async () => {
    if (!found) return
    const { prompts } = readJson<Golden>(found.folder, 'golden.json')
    const { config, compile } = await openStarter(found.ggufPath, 256)
    const built = buildDecodingGraph(config, { kind: 'none' })
    const session = await compile(built)
    const asked = { prompts: prompts.map(({ ids }) => ids), stopIds: new Set<number>(), mostTokens }
    const decoding = createDecoding(session, built, new Map(), asked)
    for (const _ of prompts) await decoding.read()
    while (await decoding.write());
    await session.dispose()

    const whole = await compile(buildLogitsGraph(config, { kind: 'none' }))
    for (const [row, { ids, top20_ids }] of prompts.entries()) {
      const answer = decoding.answers[row]!.ids
      expect(answer[0]).toBe(top20_ids.at(-1)![0])
      const text = [...ids, ...answer]
      const rows = wholeTensor(
        [answer.length],
        answer.map((_, at) => ids.length - 1 + at),
      )
      const outputs = await whole.run(batchFeeds([text]).set('rows', rows))
      const logits = outputs.get('logits')!.data as Float32Array
      const best = answer.map((_, at) => {
        const of = logits.subarray(at * config.vocabulary, (at + 1) * config.vocabulary)
        return of.reduce((top, value, id) => (value > of[top]! ? id : top), 0)
      })
      expect(best).toEqual([...answer])
    }
    await whole.dispose()
  },
)
