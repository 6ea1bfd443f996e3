// Logits and losses of the real starter model beside transformers' (../shared/goldens/smollm2).
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '#engine/index.ts'
import { buildLogitsGraph, buildScoringGraph } from '#engine/index.ts'
import { causalCollation, collate } from '#engine/train/collate.ts'
import { batchFeeds } from '../engine/support/feeds.ts'
import { wholeTensor } from '../engine/support/numbers.ts'
import { readTensors } from '../support/tensor-files.ts'
import { findGolden, openStarter, readJson, type Starter } from './starter.ts'

interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[]
    readonly top20_ids: readonly (readonly number[])[]
    readonly top20_values: readonly (readonly number[])[]
    readonly logsumexp: readonly number[]
  }[]
  readonly loss_batch: {
    readonly input_ids: readonly (readonly number[])[]
    readonly attention_mask: readonly (readonly number[])[]
    readonly labels: readonly (readonly number[])[]
    readonly loss: number
    readonly per_token_loss: readonly (readonly number[])[]
  }
}

const found = findGolden('smollm2')

describe.skipIf(!found)('SmolLM2-135M-Instruct on ONNX Runtime', () => {
  if (!found) return
  const golden = readJson<Golden>(found.folder, 'golden.json')
  let starter: Starter
  let session: Session

  beforeAll(async () => {
    starter = await openStarter(found.ggufPath, 128)
    session = await starter.compile(buildLogitsGraph(starter.config, { kind: 'none' }))
  })
  afterAll(() => session.dispose())

  async function logitsOf(ids: readonly number[]): Promise<readonly Float32Array[]> {
    const places = ids.map((_, place) => place)
    const rows = wholeTensor([ids.length], places)
    const outputs = await session.run(batchFeeds([ids]).set('rows', rows))
    const flat = outputs.get('logits')!.data as Float32Array
    const { vocabulary } = starter.config
    return places.map((place) => flat.slice(place * vocabulary, (place + 1) * vocabulary))
  }

  test.each(golden.prompts.map((prompt, index) => ({ prompt, index })))(
    'prompt $index: within 2e-3 everywhere, the same best token at every position',
    async ({ prompt, index }) => {
      const logits = await logitsOf(prompt.ids)
      let worst = 0
      for (const [place, row] of logits.entries()) {
        const best = row.reduce((at, value, id) => (value > row[at]! ? id : at), 0)
        expect(best).toBe(prompt.top20_ids[place]![0])
        for (const [rank, id] of prompt.top20_ids[place]!.entries())
          worst = Math.max(worst, Math.abs(row[id]! - prompt.top20_values[place]![rank]!))
        const sum = row.reduce((total, value) => total + Math.exp(value - row[best]!), 0)
        worst = Math.max(worst, Math.abs(row[best]! + Math.log(sum) - prompt.logsumexp[place]!))
      }
      const whole = (await readTensors(join(found.folder, 'logits.safetensors'))).get(
        `prompt${index}.last_logits`,
      )!.data
      const last = logits.at(-1)!
      expect(last.length).toBe(whole.length)
      for (const [id, value] of whole.entries()) worst = Math.max(worst, Math.abs(last[id]! - value))
      console.info(`prompt ${index}: largest difference ${worst.toExponential(2)}`)
      expect(worst).toBeLessThan(2e-3)
    },
  )

  test.each(['padded', 'packed'] as const)('loss of a batch, token by token: %s', async (layout) => {
    const { input_ids, attention_mask, labels, per_token_loss, loss } = golden.loss_batch
    const rows = input_ids.map((ids, b) => {
      const length = attention_mask[b]!.reduce((sum, bit) => sum + bit, 0)
      return { rowId: String(b), ids: ids.slice(0, length), labels: labels[b]!.slice(0, length) }
    })
    const expected = per_token_loss.flatMap((losses, b) => losses.slice(0, rows[b]!.ids.length - 1))
    const isPacked = layout === 'packed'
    const batch = collate(rows, { ...causalCollation(1), layout, hasSegments: isPacked })
    const options = { lossChunks: 1, isPacked } as const
    const scoring = await starter.compile(buildScoringGraph(starter.config, { kind: 'none' }, options))
    const outputs = await scoring.run(batch.feeds)
    const losses = [...(outputs.get('losses.0')!.data as Float32Array)]
    await scoring.dispose()
    expect(losses.length).toBe(expected.length)
    for (const [i, value] of expected.entries()) expect(Math.abs(losses[i]! - value)).toBeLessThan(2e-3)
    const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length
    expect(Math.abs(mean - loss) / loss).toBeLessThan(1e-5)
  })
})
