// Weights in 4 and 8 bits on every backend that reads files: the values that products see are those of the quantiser, bit by
// bit, and what reads them.
import { rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Backend, QuantisedLocation, Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { unwrap } from '#shared/result.ts'
import { asTensor } from '../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../engine/support/numbers.ts'
import { fileBackends } from './backends.ts'
import { worstDifference } from './compare.ts'
import { file, inputs, newFolder, outputs, schemes, store } from './quantised-file.ts'
import { storeStep } from './stored-steps.ts'

const rank = 4

let folder: string
beforeEach(async () => {
  folder = await newFolder()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Everything that reads a frozen weight. */
function everyReader(): Graph {
  const builder = new GraphBuilder()
  const weight = builder.parameter('weight', [outputs, inputs], false)
  const input = (name: string, shape: readonly (number | string)[]): Value =>
    builder.input(name, 'float32', shape)
  const [x, dy] = [input('x', ['B', 'S', inputs]), input('dy', ['B', 'S', outputs])]
  const [bias, addend] = [input('bias', [outputs]), input('addend', ['B', 'S', inputs])]
  const [a, b] = [input('a', [rank, inputs]), input('b', [outputs, rank])]
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  builder.inRegion('layer.0', () => {
    builder.output(builder.add('linear', [x, weight, null], { scale: 1 }, 'product')[0])
    builder.output(builder.add('linear', [x, weight, bias], { scale: 0.5 }, 'biased')[0])
    builder.output(
      builder.add('adaptedRowNorms', [weight, a, b], { scale: 2, isInputFirst: false }, 'norms')[0],
    )
    builder.output(builder.add('embedding', [weight, ids], {}, 'embedded')[0])
  })
  builder.inRegion('layer.0.backward', () => {
    builder.output(builder.add('linearInputBackward', [dy, weight, null], { scale: 1 }, 'dx')[0])
    builder.output(builder.add('linearInputBackward', [dy, weight, addend], { scale: 3 }, 'dxAdded')[0])
  })
  return builder.build()
}

const feeds: ReadonlyMap<string, Tensor> = new Map<string, Tensor>([
  ...Object.entries({
    x: [2, 3, inputs],
    dy: [2, 3, outputs],
    bias: [outputs],
    addend: [2, 3, inputs],
    a: [rank, inputs],
    b: [outputs, rank],
  }).map(([name, shape]) => [name, asTensor(randomTensor(shape, name))] as const),
  ['ids', wholeTensor([2, 3], [0, 32, 7, 7, 1, 31])],
])

const compile = (backend: Backend, graph: Graph, location: WeightLocation) =>
  backend.compile(graph, { threads: 2, weights: new Map([['weight', location]]), workFolder: folder })

/** Products with the unit matrix on either side: their sums have one term that is not 0. */
function unitProducts(): Graph {
  const builder = new GraphBuilder()
  const weight = builder.parameter('weight', [outputs, inputs], false)
  const [right, left] = [
    builder.input('right', 'float32', [inputs, inputs]),
    builder.input('left', 'float32', [outputs, outputs]),
  ]
  builder.inRegion('layer.0', () => {
    builder.output(builder.add('linear', [right, weight, null], { scale: 1 }, 'turned')[0])
    builder.output(builder.add('linearInputBackward', [left, weight, null], { scale: 1 }, 'whole')[0])
  })
  return builder.build()
}

function unit(size: number): Tensor {
  const data = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0))
  return { dtype: 'float32', shape: [size, size], data }
}

describe.each(fileBackends)('$name', (backend) => {
  test.each(schemes)('%s: every op that reads a weight', async (scheme) => {
    const { location, values } = await store(folder, scheme)
    const graph = everyReader()
    const tensor = { dtype: 'float32', shape: [outputs, inputs], data: values } as const
    const weights = new Map([['weight', { kind: 'memory', tensor } as const]])
    const reference = createReferenceBackend({ precision: 'float64' })
    const truth = unwrap(await reference.compile(graph, { threads: 1, weights, workFolder: '' }))
    const session = unwrap(await compile(backend, graph, location))
    const worst = worstDifference(await truth.run(feeds), await session.run(feeds))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
    await session.dispose()
  })

  test.each(schemes)('%s: a training step with DoRA and checkpointing, its table in int8', async (scheme) => {
    const { built, weights, stored, feeds: batch } = await storeStep(folder, scheme, { decomposed: true })
    expect([...stored.values()].filter(({ kind }) => kind === 'quantised')).toHaveLength(1 + 2 * 7)
    const reference = createReferenceBackend({ precision: 'float64' })
    const options = { threads: 2, workFolder: folder }
    const truth = unwrap(await reference.compile(built.graph, { ...options, weights }))
    const session = unwrap(await backend.compile(built.graph, { ...options, weights: stored }))
    const worst = worstDifference(await truth.run(batch), await session.run(batch))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
    await session.dispose()
  })

  test.each(schemes)(
    '%s: forward and backward products see the same bits, those of the quantiser',
    async (scheme) => {
      const { location, values } = await store(folder, scheme)
      const session = unwrap(await compile(backend, unitProducts(), location))
      const results = await session.run(
        new Map([
          ['right', unit(inputs)],
          ['left', unit(outputs)],
        ]),
      )
      const turned = results.get('turned')!.data as Float32Array
      expect(results.get('whole')!.data).toEqual(values)
      expect(
        Float32Array.from(values, (_, i) => turned[(i % inputs) * outputs + Math.floor(i / inputs)]!),
      ).toEqual(values)
      await session.dispose()
    },
  )

  test('a file that was cut short, or parts that do not fit, are a Problem', async () => {
    const { location } = await store(folder, 'nf4')
    if (location.scheme !== 'nf4') throw new Error('another scheme')
    const problemOf = async (wrong: QuantisedLocation) => {
      const result = await compile(backend, unitProducts(), wrong)
      return result.ok ? null : result.problem
    }
    const damaged = { code: 'model.damaged', where: `${file}, weight` }
    const shorter = { ...location.absmaxCodes, lengthBytes: location.absmaxCodes.lengthBytes - 1 }
    expect(await problemOf({ ...location, absmaxCodes: shorter })).toMatchObject(damaged)
    expect(await problemOf({ ...location, shape: [inputs, outputs] })).toMatchObject(damaged)
    expect(await problemOf({ ...location, shape: [outputs * 2, inputs / 2] })).toMatchObject(damaged)
    await truncate(join(folder, file), location.absmaxScales.offsetBytes + 4)
    expect(await problemOf(location)).toMatchObject(damaged)
  })
})

test('the reference backend refuses them', async () => {
  const { location } = await store(folder, 'int4')
  const reference = createReferenceBackend({ precision: 'float64' })
  const options = { threads: 1, weights: new Map([['weight', location]]), workFolder: '' }
  expect(await reference.compile(unitProducts(), options)).toMatchObject({ ok: false })
})
