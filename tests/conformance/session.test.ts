// The laws of the Backend port that have nothing to do with numbers: repeatability, changing shapes, wrong use.
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Tensor } from '#engine/backend-port.ts'
import { unwrap } from '#shared/result.ts'
import { backends, truth } from './backends.ts'
import { worstDifference } from './compare.ts'
import { opCases } from './op-cases.ts'
import { tinyTrainings } from './tiny-training.ts'

const training = tinyTrainings.find(({ name }) => name.startsWith('full') && name.includes('with check'))!
const options = { threads: 2, weights: training.weights, workFolder: tmpdir() }

/** The feeds with every row and every labelled position so many times. */
function repeated(feeds: ReadonlyMap<string, Tensor>, times: number): Map<string, Tensor> {
  const isBatch = (name: string) => /^(ids|positions|rows|targets|weights)(\.|$)/.test(name)
  const repeat = ({ dtype, shape, data }: Tensor): Tensor => {
    const longer = shape.map((size, axis) => (axis === 0 ? size * times : size))
    if (data instanceof Float32Array)
      return {
        dtype,
        shape: longer,
        data: Float32Array.from({ length: data.length * times }, (_, i) => data[i % data.length]!),
      }
    return {
      dtype,
      shape: longer,
      data: BigInt64Array.from({ length: data.length * times }, (_, i) => data[i % data.length]!),
    }
  }
  return new Map([...feeds].map(([name, tensor]) => [name, isBatch(name) ? repeat(tensor) : tensor]))
}

/** Three rows of so many positions, and labels anywhere in them. */
function withPositions(feeds: ReadonlyMap<string, Tensor>, positions: number): Map<string, Tensor> {
  const tensor = (shape: readonly number[], value: (i: number) => number): Tensor => {
    const length = shape.reduce((product, size) => product * size, 1)
    return { dtype: 'int64', shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(value(i))) }
  }
  const changed = new Map(feeds)
  changed.set(
    'ids',
    tensor([3, positions], (i) => (i * 5 + 2) % 13),
  )
  changed.set(
    'positions',
    tensor([3, positions], (i) => i % positions),
  )
  for (const name of feeds.keys())
    if (name.startsWith('rows.'))
      changed.set(
        name,
        tensor(feeds.get(name)!.shape, (i) => (i * 7) % (3 * positions)),
      )
  return changed
}

describe.each(backends)('$name', (backend) => {
  test('the same feeds give the same bits, in one session and in another', async () => {
    const [first, second] = [
      unwrap(await backend.compile(training.built.graph, options)),
      unwrap(await backend.compile(training.built.graph, options)),
    ]
    const once = structuredClone(await first.run(training.feeds))
    await first.run(repeated(training.feeds, 3))
    for (const session of [first, second, first])
      expect(structuredClone(await session.run(training.feeds))).toEqual(once)
    await first.dispose()
    await second.dispose()
  })

  test('shapes may change from run to run', async () => {
    const session = unwrap(await backend.compile(training.built.graph, options))
    const reference = unwrap(await truth.compile(training.built.graph, options))
    for (const times of [1, 3, 2]) {
      const feeds = repeated(training.feeds, times)
      const worst = worstDifference(await reference.run(feeds), await session.run(feeds))
      expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
    }
    await session.dispose()
  })

  test.each([1, 2, 3, 4, 9, 16])('rows of %i positions', async (positions) => {
    const session = unwrap(await backend.compile(training.built.graph, options))
    const reference = unwrap(await truth.compile(training.built.graph, options))
    const feeds = withPositions(training.feeds, positions)
    const worst = worstDifference(await reference.run(feeds), await session.run(feeds))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
    await session.dispose()
  })

  test('feeds are only read', async () => {
    const session = unwrap(await backend.compile(training.built.graph, options))
    const before = structuredClone(training.feeds)
    await session.run(training.feeds)
    expect(training.feeds).toEqual(before)
    await session.dispose()
  })

  test('a missing weight is a Problem that names it', async () => {
    const lora = tinyTrainings[0]!
    const weights = new Map(lora.weights)
    weights.delete('model.norm.weight')
    const result = await backend.compile(lora.built.graph, { ...options, weights })
    expect(result).toMatchObject({
      ok: false,
      problem: { code: 'model.missing-tensor', where: 'model.norm.weight' },
    })
  })

  test('a feed that is missing or does not fit is refused', async () => {
    const { graph, feeds } = opCases.find(({ kind }) => kind === 'add')!
    const session = unwrap(await backend.compile(graph, options))
    const without = new Map(feeds)
    without.delete('b')
    await expect(session.run(without)).rejects.toThrow(/b/)
    const long: Tensor = { dtype: 'float32', shape: [2, 6, 12], data: new Float32Array(144) }
    await expect(session.run(new Map([...feeds, ['b', long]]))).rejects.toThrow(/b/)
    const short: Tensor = { dtype: 'float32', shape: [2, 5, 12], data: new Float32Array(3) }
    await expect(session.run(new Map([...feeds, ['b', short]]))).rejects.toThrow(/b/)
    await session.dispose()
  })
})
