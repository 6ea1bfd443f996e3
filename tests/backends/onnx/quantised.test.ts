// Weights in 4 and 8 bits: the values that products see are those of the quantiser, bit by bit, and what reads them.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { FilePart, QuantisedLocation, Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import {
  blockValues,
  dequantiseInt4,
  dequantiseInt8,
  quantiseInt4,
  quantiseInt8,
} from '#formats/quantise-blocks.ts'
import { dequantiseNf4, dynamicMap, nf4BlockValues, nf4Levels, quantiseNf4 } from '#formats/quantise-nf4.ts'
import { unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../../engine/support/numbers.ts'

const backend = createOnnxBackend()
const schemes = ['nf4', 'int4', 'int8'] as const
type Scheme = (typeof schemes)[number]

/** 33 * 640 values are 330 blocks of 64: more than one scale has, and not a multiple. */
const [outputs, inputs, rank] = [33, 640, 4]
const file = 'weights.bin'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-quantised-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

interface Stored {
  readonly location: QuantisedLocation
  /** What the quantiser says the bytes are. */
  readonly values: Float32Array
}

/** One weight in a file of its own, and its values. */
async function store(scheme: Scheme): Promise<Stored> {
  const original = Float32Array.from(randomTensor([outputs, inputs], 'weight').data)
  const parts: Uint8Array[] = []
  let length = 0
  const part = (array: Uint8Array | Int8Array | Uint16Array | Float32Array): FilePart => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    const offsetBytes = length
    parts.push(bytes, new Uint8Array((64 - (bytes.length % 64)) % 64))
    length += Math.ceil(bytes.length / 64) * 64
    return { offsetBytes, lengthBytes: bytes.length }
  }
  const head = { kind: 'quantised', folder, file, shape: [outputs, inputs] } as const
  const stored = ((): Stored => {
    if (scheme === 'nf4') {
      const { codes, absmaxCodes, absmaxScales, absmaxOffset } = quantiseNf4(original)
      const values = dequantiseNf4({ codes, absmaxCodes, absmaxScales, absmaxOffset }, original.length)
      const places = { codes: part(codes), absmaxCodes: part(absmaxCodes), absmaxScales: part(absmaxScales) }
      const tables = { levels: nf4Levels, absmaxMap: dynamicMap, absmaxOffset }
      return { values, location: { ...head, scheme, blockValues: nf4BlockValues, ...places, ...tables } }
    }
    if (scheme === 'int4') {
      const weight = quantiseInt4(original)
      const { codes, scales, zeros } = weight
      const places = { codes: part(codes), scales: part(scales), zeros: part(zeros) }
      return {
        values: dequantiseInt4(weight),
        location: { ...head, scheme, blockValues, ...places },
      }
    }
    const weight = quantiseInt8(original)
    const places = { codes: part(weight.codes), scales: part(weight.scales) }
    return { values: dequantiseInt8(weight), location: { ...head, scheme, blockValues, ...places } }
  })()
  await writeFile(join(folder, file), Buffer.concat(parts))
  return stored
}

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

const compile = (graph: Graph, location: WeightLocation) =>
  backend.compile(graph, { threads: 2, weights: new Map([['weight', location]]), workFolder: folder })

test.each(schemes)('%s: every op that reads a weight', async (scheme) => {
  const { location, values } = await store(scheme)
  const graph = everyReader()
  const tensor = { dtype: 'float32', shape: [outputs, inputs], data: values } as const
  const weights = new Map([['weight', { kind: 'memory', tensor } as const]])
  const reference = createReferenceBackend({ precision: 'float64' })
  const truth = unwrap(await reference.compile(graph, { threads: 1, weights, workFolder: '' }))
  const session = unwrap(await compile(graph, location))
  const worst = worstDifference(await truth.run(feeds), await session.run(feeds))
  expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
  await session.dispose()
})

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

test.each(schemes)(
  '%s: forward and backward products see the same bits, those of the quantiser',
  async (scheme) => {
    const { location, values } = await store(scheme)
    const session = unwrap(await compile(unitProducts(), location))
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

test('of an int8 table only the rows picked become float32', async () => {
  const { location } = await store('int8')
  const builder = new GraphBuilder()
  const table = builder.parameter('weight', [outputs, inputs], false)
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  builder.inRegion('embedding', () => builder.output(builder.add('embedding', [table, ids], {}, 'y')[0]))
  const { nodes } = lowerGraph(builder.build(), new Map([['weight', location]]))
  for (const { operator, inputs: read } of nodes)
    if (operator !== 'Gather') expect(read.filter((name) => name.startsWith('weight'))).toEqual([])
})

test('a loss chunk reads the float32 copy of the one before', async () => {
  const { location } = await store('int8')
  const builder = new GraphBuilder()
  const table = builder.parameter('weight', [outputs, inputs], false)
  const x = builder.input('x', 'float32', ['L', inputs])
  for (const region of ['loss.1', 'loss.0', 'layer.0.backward'])
    builder.inRegion(region, () => builder.output(builder.add('linear', [x, table, null], { scale: 1 })[0]))
  const { nodes } = lowerGraph(builder.build(), new Map([['weight', location]]))
  expect(nodes.filter(({ inputs: read }) => read.includes('weight.codes'))).toHaveLength(2)
})

test('a file that was cut short, or parts that do not fit, are a Problem', async () => {
  const { location } = await store('nf4')
  if (location.scheme !== 'nf4') throw new Error('another scheme')
  const problemOf = async (wrong: QuantisedLocation) => {
    const result = await compile(unitProducts(), wrong)
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

test('the reference backend refuses them', async () => {
  const { location } = await store('int4')
  const reference = createReferenceBackend({ precision: 'float64' })
  const options = { threads: 1, weights: new Map([['weight', location]]), workFolder: '' }
  expect(await reference.compile(unitProducts(), options)).toMatchObject({ ok: false })
})
