// The interpreter and its backend port: hand-worked numbers, packed rows, bounds, and the refusals of the port.
import { describe, expect, test } from 'vitest'
import type { MethodSpec, NumericTensor, WeightLocation } from '../../../src/engine/index.ts'
import { buildScoringGraph, createReferenceBackend, interpret } from '../../../src/engine/index.ts'
import { unwrap } from '../../../src/shared/result.ts'
import { bindFeeds } from '../support/feeds.ts'
import { Bench } from '../support/gradient-check.ts'
import { largestDifference, wholeTensor } from '../support/numbers.ts'
import { wholeModel } from '../support/tiny-methods.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const config = tinyConfig()
const none: MethodSpec = { kind: 'none' }

describe('interpret', () => {
  test('cross-entropy of even logits is the log of their number, times the weight', () => {
    const bench = new Bench()
    const { builder } = bench
    const [losses, dLogits] = builder.inRegion('test', () => {
      const logits = builder.input('logits', 'float32', [1, 4])
      const inputs = [
        logits,
        bench.whole('targets', [1], [2]),
        builder.input('weights', 'float32', [1]),
      ] as const
      return builder.add('softmaxCrossEntropy', [...inputs], { smoothing: 0 }, 'losses', 'dLogits')
    })
    builder.output(losses)
    builder.output(dLogits)
    const feeds = new Map<string, NumericTensor>(bench.feeds)
    feeds.set('logits', { shape: [1, 4], data: Float64Array.of(800, 800, 800, 800) })
    feeds.set('weights', { shape: [1], data: Float64Array.of(3) })
    const results = interpret(builder.build(), feeds)
    expect(results.get('losses')?.data[0]).toBeCloseTo(3 * Math.log(4), 10)
    expect([...(results.get('dLogits')?.data ?? [])]).toEqual([0.75, 0.75, -2.25, 0.75])
  })

  test('an index beyond its table is an error, not another row', () => {
    const bench = new Bench()
    const [y] = bench.builder.inRegion('test', () =>
      bench.builder.add('embedding', [bench.fixed('table', [3, 2]), bench.whole('ids', [1, 2], [0, 3])], {}),
    )
    bench.builder.output(y)
    expect(() => interpret(bench.builder.build(), bench.feeds)).toThrow('token 3 is not below 3')
  })

  test('feeds that are missing or do not fit are errors', () => {
    const built = buildScoringGraph(config, none, { lossChunks: 1 })
    const feeds = new Map([...weightFeeds(built, config), ...trainingFeeds(config, 1)])
    const without = new Map(feeds)
    without.delete('ids')
    expect(() => interpret(built.graph, without)).toThrow('ids was not fed')
    const longer = new Map(feeds).set('positions', wholeTensor([2, 6], Array(12).fill(0)))
    expect(() => interpret(built.graph, longer)).toThrow('positions: expected [B,S] with B=2 S=5, got [2,6]')
    const wrong = new Map(feeds).set('ids', { shape: [2, 5], data: new Float64Array(10) })
    expect(() => interpret(built.graph, wrong)).toThrow('ids: expected int64')
  })
})

describe('createReferenceBackend', () => {
  const built = buildScoringGraph(config, wholeModel, { lossChunks: 2 })
  const numbers = new Map([...weightFeeds(built, config), ...trainingFeeds(config, 2)])
  const { weights, feeds } = bindFeeds(built, numbers)
  const options = { threads: 1, workFolder: '', weights }

  test('float64 and float32 agree as far as float32 reaches', async () => {
    const losses = async (precision: 'float64' | 'float32'): Promise<Float32Array> => {
      const session = unwrap(await createReferenceBackend({ precision }).compile(built.graph, options))
      const results = await session.run(feeds)
      await session.dispose()
      return Float32Array.from(results.get('losses.0')?.data as Float32Array)
    }
    const [exact, rounded] = [await losses('float64'), await losses('float32')]
    expect(largestDifference(exact, rounded)).toBeLessThan(1e-5)
    expect(exact.every((loss) => loss > 0)).toBe(true)
  })

  test('a weight that is missing, or lies in a file, is a problem by name', async () => {
    const backend = createReferenceBackend({ precision: 'float32' })
    const missing = await backend.compile(built.graph, { ...options, weights: new Map() })
    expect(missing).toMatchObject({ ok: false, problem: { code: 'model.missing-tensor', where: 'rope.cos' } })
    const file: WeightLocation = {
      kind: 'file',
      folder: '.',
      file: 'model.safetensors',
      offsetBytes: 0,
      lengthBytes: 4,
      dtype: 'float32',
      shape: [1],
    }
    const inFile = await backend.compile(built.graph, {
      ...options,
      weights: new Map<string, WeightLocation>(weights).set('rope.sin', file),
    })
    expect(inFile).toMatchObject({ ok: false, problem: { code: 'backend.failed', where: 'rope.sin' } })
  })
})
