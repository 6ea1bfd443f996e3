// Weights in 4 and 8 bits: the values that products see are those of the quantiser, bit by bit, and what reads them.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
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
import { tinyTraining } from '../../conformance/tiny-training.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../../engine/support/numbers.ts'
import { tinyLora } from '../../engine/support/tiny-methods.ts'

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
  readonly values: Float32Array<ArrayBuffer>
}

/** The parts of quantised weights, each from a 64-byte boundary on. */
class WeightFile {
  readonly #pieces: Uint8Array[] = []
  #length = 0

  #part(array: Uint8Array | Int8Array | Uint16Array | Float32Array): FilePart {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    const part = { offsetBytes: this.#length, lengthBytes: bytes.length }
    const padding = (64 - (bytes.length % 64)) % 64
    this.#pieces.push(bytes, new Uint8Array(padding))
    this.#length += bytes.length + padding
    return part
  }

  add(scheme: Scheme, shape: readonly number[], original: Float32Array): Stored {
    const head = { kind: 'quantised', folder, file, shape } as const
    if (scheme === 'nf4') {
      const weight = quantiseNf4(original)
      const location = {
        ...head,
        scheme,
        blockValues: nf4BlockValues,
        codes: this.#part(weight.codes),
        absmaxCodes: this.#part(weight.absmaxCodes),
        absmaxScales: this.#part(weight.absmaxScales),
        absmaxOffset: weight.absmaxOffset,
        levels: nf4Levels,
        absmaxMap: dynamicMap,
      }
      return { location, values: dequantiseNf4(weight, original.length) }
    }
    if (scheme === 'int4') {
      const weight = quantiseInt4(original)
      const [codes, scales, zeros] = [weight.codes, weight.scales, weight.zeros].map((part) =>
        this.#part(part),
      )
      const location = { ...head, scheme, blockValues, codes: codes!, scales: scales!, zeros: zeros! }
      return { location, values: dequantiseInt4(weight) }
    }
    const weight = quantiseInt8(original)
    const [codes, scales] = [weight.codes, weight.scales].map((part) => this.#part(part))
    const location = { ...head, scheme, blockValues, codes: codes!, scales: scales! }
    return { location, values: dequantiseInt8(weight) }
  }

  write(): Promise<void> {
    return writeFile(join(folder, file), Buffer.concat(this.#pieces))
  }
}

/** One weight in a file of its own, and its values. */
async function store(scheme: Scheme): Promise<Stored> {
  const weights = new WeightFile()
  const shape = [outputs, inputs]
  const stored = weights.add(scheme, shape, Float32Array.from(randomTensor(shape, 'weight').data))
  await weights.write()
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

const wide = {
  hidden_size: 64,
  intermediate_size: 128,
  head_dim: 16,
  vocab_size: 64,
  attention_bias: true,
  tie_word_embeddings: true,
}

test.each(schemes)('%s: a training step with DoRA and checkpointing, its table in int8', async (scheme) => {
  const { built, weights, feeds: batch } = tinyTraining({ ...tinyLora, decomposed: true }, 2, true, wide)
  const stored = new WeightFile()
  const inFile = new Map<string, WeightLocation>(weights)
  const inMemory = new Map<string, WeightLocation>(weights)
  for (const [name, { tensor }] of weights) {
    if (tensor.shape.length !== 2 || !name.endsWith('.weight')) continue
    const { location, values } = stored.add(
      name.includes('embed') ? 'int8' : scheme,
      tensor.shape,
      tensor.data as Float32Array,
    )
    inFile.set(name, location)
    inMemory.set(name, { kind: 'memory', tensor: { ...tensor, data: values } })
  }
  await stored.write()
  expect([...inFile.values()].filter(({ kind }) => kind === 'quantised')).toHaveLength(1 + 2 * 7)
  const reference = createReferenceBackend({ precision: 'float64' })
  const options = { threads: 2, workFolder: folder }
  const truth = unwrap(await reference.compile(built.graph, { ...options, weights: inMemory }))
  const session = unwrap(await backend.compile(built.graph, { ...options, weights: inFile }))
  const worst = worstDifference(await truth.run(batch), await session.run(batch))
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

describe('a large weight in 8 bits', () => {
  /** Two slices, the last of them shorter. */
  const [words, width] = [8001, 512]
  const shape = [words, width]
  const input = (builder: GraphBuilder, name: string, shape: readonly (number | string)[]): Value =>
    builder.input(name, 'float32', shape)

  function head(): Graph {
    const builder = new GraphBuilder()
    const weight = builder.parameter('weight', [words, width], false)
    const x = input(builder, 'x', ['L', width])
    const bias = input(builder, 'bias', [words])
    const addend = input(builder, 'addend', ['L', width])
    const targets = builder.input('targets', 'int64', ['L'])
    const weights = input(builder, 'weights', ['L'])
    const dy = input(builder, 'dy', ['B', 'S', words])
    builder.inRegion('loss.0', () => {
      const [logits] = builder.add('linear', [x, weight, null], { scale: 1 }, 'logits')
      const [losses, dLogits] = builder.add('softmaxCrossEntropy', [logits, targets, weights], {
        smoothing: 0,
      })
      builder.output(losses)
      const back = (sum: Value | null, scale: number): void =>
        builder.output(builder.add('linearInputBackward', [dLogits, weight, sum], { scale })[0])
      back(null, 1)
      back(addend, 2)
      builder.output(builder.add('linear', [x, weight, bias], { scale: 0.5 }, 'biased')[0])
      builder.output(builder.add('linearInputBackward', [dy, weight, null], { scale: 1 }, 'dx')[0])
    })
    return builder.build()
  }

  const rows: ReadonlyMap<string, Tensor> = new Map<string, Tensor>([
    ...Object.entries({
      x: [3, width],
      bias: [words],
      addend: [3, width],
      weights: [3],
      dy: [1, 2, words],
    }).map(([name, shape]) => [name, asTensor(randomTensor(shape, name))] as const),
    // The first row, the last, and the first of a slice.
    ['targets', wholeTensor([3], [0, 8000, 4001])],
  ])

  async function run(location: WeightLocation): Promise<ReadonlyMap<string, Tensor>> {
    const session = unwrap(await compile(head(), location))
    const results = structuredClone(await session.run(rows))
    await session.dispose()
    return results
  }

  it('gives what the whole weight gives', async () => {
    const weights = new WeightFile()
    const original = Float32Array.from({ length: words * width }, (_, i) => Math.sin(1.7 * i))
    const { location, values } = weights.add('int8', shape, original)
    await weights.write()
    const whole = await run({ kind: 'memory', tensor: { dtype: 'float32', shape, data: values } })
    const worst = worstDifference(whole, await run(location))
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
  })

  it('is float32 nowhere but in slices', () => {
    const part: FilePart = { offsetBytes: 0, lengthBytes: 0 }
    const location: QuantisedLocation = {
      kind: 'quantised',
      scheme: 'int8',
      folder,
      file,
      shape,
      blockValues,
      codes: part,
      scales: part,
    }
    const { nodes, between } = lowerGraph(head(), new Map([['weight', location]]))
    expect(nodes.filter(({ inputs: read }) => read.some((name) => name.startsWith('weight.')))).toEqual([])
    expect(between.filter(({ dims }) => dims[0] === words)).toEqual([])
    expect(nodes.filter(({ operator }) => operator === 'Loop')).toHaveLength(5)
  })
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
