// Rows of a source and a target as a sequence-to-sequence model is fed them.
import { describe, expect, it } from 'vitest'
import { buildScoringGraph, createReferenceBackend, type Tensor } from '../../../src/engine/index.ts'
import { causalCollation, collate, countLabelled } from '../../../src/engine/train/collate.ts'
import { lossesOf, sumLosses } from '../../../src/engine/train/loss-chunks.ts'
import { collateSharedSources, twoHalvesOf } from '../../../src/engine/train/source-target.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { bindFeeds } from '../support/feeds.ts'
import { tinyConfig, weightFeeds } from '../support/tiny-models.ts'
import { pairRow, tinyT5 } from '../support/tiny-t5.ts'

const config = tinyT5()
const collation = { ...causalCollation(1), halves: twoHalvesOf(config) }
const rows = [pairRow([5, 6, 7, 1], [8, 1]), pairRow([9, 1], [10, 11, 12, 1])]
const numbersOf = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe('a batch of pairs', () => {
  const { feeds, ...batch } = collate(rows, collation)
  const fed = (name: string): number[] => numbersOf(feeds.get(name)!.data)

  it('has the sources in one grid and the targets, one place later, in another', () => {
    expect(feeds.get('ids')!.shape).toEqual([2, 4])
    expect(fed('ids')).toEqual([5, 6, 7, 1, 9, 1, 0, 0])
    expect(fed('segments')).toEqual([0, 0, 0, 0, 0, 0, 1, 1])
    expect(feeds.get('decoder.ids')!.shape).toEqual([2, 4])
    expect(fed('decoder.ids')).toEqual([2, 8, 0, 0, 2, 10, 11, 12])
    expect(fed('decoder.segments')).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(feeds.get('buckets')!.shape).toEqual([4, 4])
    expect(feeds.get('decoder.buckets')!.shape).toEqual([4, 4])
  })

  it('predicts every token of the targets, their ends among them', () => {
    expect(fed('rows.0')).toEqual([0, 1, 4, 5, 6, 7])
    expect(fed('targets.0')).toEqual([8, 1, 10, 11, 12, 1])
    expect(batch).toMatchObject({ shape: [2, 4], starts: [0, 4], lengths: [4, 2] })
    expect(batch).toMatchObject({ tokens: 12, labelledTokens: 6 })
    expect(rows.map((row) => countLabelled(row))).toEqual([2, 4])
  })

  it('gives the losses of its rows alone: padding changes nothing', async () => {
    const method = { kind: 'none' } as const
    const built = buildScoringGraph(config, method, { lossChunks: 1 })
    const { weights, feeds: none } = bindFeeds(built, weightFeeds(built, config))
    expect(none.size).toBe(0)
    const backend = createReferenceBackend({ precision: 'float64' })
    const session = unwrap(await backend.compile(built.graph, { threads: 1, weights, workFolder: '' }))
    const lossOf = async (some: typeof rows): Promise<number> =>
      sumLosses(await session.run(collate(some, collation).feeds), 1)
    const alone = (await lossOf([rows[0]!])) + (await lossOf([rows[1]!]))
    expect(await lossOf(rows)).toBeCloseTo(alone, 5)
    expect(alone).toBeGreaterThan(1)
  })

  it('is made of models with two halves only', () => {
    expect(twoHalvesOf(tinyConfig())).toBeNull()
    expect(twoHalvesOf(config)?.startToken).toBe(2)
  })
})

describe('answers to one source', () => {
  const halves = twoHalvesOf(config)!
  const shared = [
    { source: [5, 6, 7, 1], answers: [[8, 1], [], [10, 11, 12, 1]] },
    { source: [9, 1], answers: [[1], [8, 13, 1], [14, 1]] },
  ]
  const feeds = collateSharedSources(shared, halves, 1)
  const fed = (name: string): number[] => numbersOf(feeds.get(name)!.data)

  it('lie behind each other, each behind a start of its own, beside a source that stands once', () => {
    expect(fed('ids')).toEqual([5, 6, 7, 1, 9, 1, 0, 0])
    expect(fed('decoder.ids')).toEqual([2, 8, 2, 2, 10, 11, 12, 2, 2, 8, 13, 2, 14, 0])
    expect(fed('decoder.documents')).toEqual([0, 0, 1, 2, 2, 2, 2, 0, 1, 1, 1, 2, 2, 3])
    expect(fed('decoder.segments')).toEqual(Array.from({ length: 14 }, () => 0))
    expect(fed('rows.0')).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(fed('targets.0')).toEqual([8, 1, 10, 11, 12, 1, 1, 8, 13, 1, 14, 1])
  })

  it('have the losses that each has beside a source of its own', async () => {
    const backend = createReferenceBackend({ precision: 'float64' })
    const losses = async (isPacked: boolean, fedWith: ReadonlyMap<string, Tensor>): Promise<number[]> => {
      const options = { lossChunks: 1, isPacked } as const
      const built = buildScoringGraph(config, { kind: 'none' }, options)
      const { weights } = bindFeeds(built, weightFeeds(built, config))
      const session = unwrap(await backend.compile(built.graph, { threads: 1, weights, workFolder: '' }))
      return [...lossesOf(await session.run(fedWith), 1)]
    }
    const alone = shared.flatMap(({ source, answers }) =>
      answers.filter(({ length }) => length > 0).map((answer) => pairRow(source, answer)),
    )
    const expected = await losses(false, collate(alone, collation).feeds)
    const found = await losses(true, feeds)
    expect(found).toHaveLength(12)
    for (const [at, loss] of expected.entries()) expect(found[at]).toBeCloseTo(loss, 6)
  })
})
