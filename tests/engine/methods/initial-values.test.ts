// How trained weights start: adapters that change nothing, heads drawn, the model's own weights read.
import { describe, expect, test } from 'vitest'
import type { NumericTensor, Task } from '../../../src/engine/index.ts'
import {
  adapterShapes,
  buildLogitsGraph,
  initialValues,
  interpret,
  languageModel,
  parameterShapes,
} from '../../../src/engine/index.ts'
import { rowNorms } from '../../../src/engine/methods/initial-values.ts'
import { countOf, largestDifference, norm, wholeTensor } from '../support/numbers.ts'
import { tinyLora } from '../support/tiny-methods.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const lora = { ...tinyLora, rank: 16, alpha: 4 }
const wide = tinyConfig({ hidden_size: 64, intermediate_size: 100 })
const unread = async (name: string): Promise<never> => {
  throw new Error(`${name} is read without need`)
}
const request = { config: wide, method: lora, task: languageModel, seed: 42, read: unread }
const classes: Task = { kind: 'sequence-classes', classes: 5 }

describe('adapters', () => {
  test('B is zero; A is uniform within 1/sqrt(inputs)', async () => {
    const start = await initialValues(request)
    expect([...start.keys()]).toEqual(adapterShapes(wide, lora).map(({ name }) => name))
    for (const { name, shape } of adapterShapes(wide, lora)) {
      const data = start.get(name) ?? new Float32Array()
      expect(data.length).toBe(countOf(shape))
      if (name.includes('lora_B')) expect(norm(data)).toBe(0)
      else {
        const bound = 1 / Math.sqrt(shape[1] ?? 0)
        expect(Math.max(...data)).toBeLessThanOrEqual(Math.fround(bound))
        expect(Math.min(...data)).toBeGreaterThanOrEqual(-Math.fround(bound))
        // The variance of a uniform number in [-b, b] is b^2 / 3.
        const variance = norm(data) ** 2 / data.length
        expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(0.15)
      }
    }
  })

  test('are a pure function of seed and name', async () => {
    const start = await initialValues(request)
    const below = await initialValues({ ...request, method: { ...lora, targets: ['v_proj'] } })
    for (const [name, data] of below) expect(start.get(name)).toEqual(data)
    const [a, b] = [...start].filter(([name]) => name.includes('lora_A'))
    expect(a?.[1].slice(0, 8)).not.toEqual(b?.[1].slice(0, 8))
    const other = await initialValues({ ...request, seed: 43 })
    expect(other.get(String(a?.[0]))).not.toEqual(a?.[1])
  })

  test.each([
    ['LoRA leaves the logits as they were, to the bit', lora, 0],
    // Norms are rounded to float32, so that magnitude / norm is 1 within 6e-8.
    ['DoRA leaves the logits as they were, to rounding', { ...lora, decomposed: true }, 1e-5],
  ] as const)('%s', async (_, method, tolerance) => {
    const config = tinyConfig()
    const base = buildLogitsGraph(config, { kind: 'none' })
    const adapted = buildLogitsGraph(config, method)
    const feeds = new Map([...weightFeeds(base, config), ...trainingFeeds(config, 1)])
    feeds.set('rows', wholeTensor([3], [0, 4, 9]))
    const read = async (name: string): Promise<Float32Array> =>
      Float32Array.from(feeds.get(name)!.data as Float64Array)
    const start = await initialValues({ config, method, task: languageModel, seed: 7, read })
    const both = new Map<string, NumericTensor>(feeds)
    for (const { name, shape } of adapted.trainable) both.set(name, { shape, data: start.get(name)! })
    const [before, after] = [interpret(base.graph, feeds), interpret(adapted.graph, both)].map(
      (results) => results.get('logits')!.data,
    )
    expect(largestDifference(after!, before!)).toBeLessThanOrEqual(tolerance)
  })

  test('norms of rows, whichever way round the weight is kept', () => {
    const linear = {
      roles: [],
      path: 'x',
      inputWidth: 2,
      outputWidth: 3,
      hasBias: false,
      isInputFirst: false,
    }
    expect([...rowNorms(Float32Array.of(3, 4, 0, 1, 5, 12), linear)]).toEqual([5, 1, 13])
    const turned = { ...linear, isInputFirst: true }
    expect([...rowNorms(Float32Array.of(3, 0, 5, 4, 1, 12), turned)]).toEqual([5, 1, 13])
    expect(() => rowNorms(new Float32Array(5), linear)).toThrow('expected 3 x 2')
  })
})

describe('the model and its head', () => {
  test('full training starts from the files', async () => {
    const config = tinyConfig()
    const read = async (name: string): Promise<Float32Array> => Float32Array.of(name.length)
    const start = await initialValues({
      config,
      method: { kind: 'full', topLayers: null },
      task: languageModel,
      seed: 1,
      read,
    })
    expect([...start.keys()]).toEqual(parameterShapes(config).map(({ name }) => name))
    for (const [name, data] of start) expect([...data]).toEqual([name.length])
  })

  test('a head that the files do not hold is drawn: normal numbers of deviation 0.02', async () => {
    const config = tinyConfig({ hidden_size: 400 })
    const read = async (): Promise<null> => null
    const start = await initialValues({ config, method: { kind: 'head' }, task: classes, seed: 3, read })
    const weight = start.get('score.weight')!
    expect(weight.length).toBe(5 * 400)
    const mean = weight.reduce((sum, value) => sum + value, 0) / weight.length
    expect(Math.abs(mean)).toBeLessThan(0.002)
    expect(Math.abs(norm(weight) / Math.sqrt(weight.length) / 0.02 - 1)).toBeLessThan(0.05)
    // Of normal numbers 4.6 % are further than two deviations from their mean; of uniform ones none.
    const far = weight.filter((value) => Math.abs(value) > 0.04).length / weight.length
    expect(far).toBeGreaterThan(0.03)
    expect(far).toBeLessThan(0.06)
  })

  test('a head that the files hold in its size goes on from there; one of another size is drawn anew', async () => {
    const config = tinyConfig()
    const held = new Float32Array(5 * 8).fill(0.5)
    const start = (task: Task) =>
      initialValues({ config, method: { kind: 'head' }, task, seed: 3, read: async () => held })
    expect((await start(classes)).get('score.weight')).toEqual(held)
    const other = (await start({ ...classes, classes: 6 })).get('score.weight')!
    expect(other.length).toBe(6 * 8)
    expect(other.includes(0.5)).toBe(false)
  })

  test('a weight of the model that the files do not hold is a bug', async () => {
    const method = { kind: 'full', topLayers: null } as const
    const missing = initialValues({ ...request, method, read: async () => null })
    await expect(missing).rejects.toThrow('do not hold model.embed_tokens.weight')
  })
})
