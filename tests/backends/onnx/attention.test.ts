// Attention in blocks beside the float64 reference, in rows long enough for several blocks and with every way to hide.
import { expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Tensor } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph } from '#engine/ir/types.ts'
import { counterRandom } from '#engine/random.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'

interface Case {
  readonly name: string
  readonly rows: number
  readonly queries: number
  /** Other than the queries': keys of another sequence. */
  readonly keys?: number
  readonly heads?: number
  readonly kvHeads?: number
  readonly causal?: boolean
  readonly window?: number
  readonly softCap?: number
  readonly querySegment?: (row: number, index: number) => number
  /** Other than the queries'. */
  readonly keySegment?: (row: number, index: number) => number
  readonly mask?: (row: number, query: number, key: number) => number
  readonly hasBias?: boolean
}

const width = 4

const cases: readonly Case[] = [
  { name: 'causal, one block', rows: 3, queries: 7, causal: true },
  { name: 'causal, blocks of 100', rows: 1, queries: 300, causal: true },
  { name: 'causal, two rows', rows: 2, queries: 259, causal: true, heads: 2, kvHeads: 2 },
  { name: 'not causal', rows: 1, queries: 131 },
  { name: 'causal in a window', rows: 1, queries: 401, causal: true, window: 37 },
  { name: 'causal in a window of 1', rows: 2, queries: 130, causal: true, window: 1 },
  { name: 'in a window', rows: 1, queries: 270, window: 20 },
  { name: 'in a window wider than the row', rows: 1, queries: 140, causal: true, window: 500 },
  { name: 'with a cap', rows: 1, queries: 140, causal: true, softCap: 1.5 },
  {
    name: 'packed and causal',
    rows: 1,
    queries: 400,
    causal: true,
    querySegment: (_, i) => Math.floor(i / 23),
  },
  {
    name: 'packed rows, not causal, another in each row',
    rows: 2,
    queries: 300,
    querySegment: (row, i) => Math.floor(i / (row === 0 ? 150 : 17)),
  },
  {
    name: 'packed, in a window, with a cap and a bias',
    rows: 3,
    queries: 150,
    window: 30,
    softCap: 2,
    querySegment: (row, i) => Math.floor(i / (30 + row)),
    hasBias: true,
  },
  { name: 'of another sequence', rows: 2, queries: 140, keys: 9 },
  { name: 'of a longer sequence, with a bias', rows: 2, queries: 5, keys: 300, hasBias: true },
  {
    name: 'of another sequence, some queries without a key, some keys without a query',
    rows: 2,
    queries: 300,
    keys: 170,
    querySegment: (row, i) => 2 * Math.floor(i / 40) + row,
    keySegment: (_, i) => 3 * Math.floor(i / 20),
  },
  {
    name: 'of another sequence, no query with a key',
    rows: 1,
    queries: 10,
    keys: 12,
    querySegment: () => 0,
    keySegment: () => 1,
  },
  {
    name: 'masked',
    rows: 2,
    queries: 140,
    causal: true,
    mask: (row, query, key) => ((query + key + row) % 3 === 0 ? -1e9 : 0),
  },
  {
    name: 'masked by minus infinity, some queries wholly',
    rows: 1,
    queries: 140,
    mask: (_, query, key) => (query % 5 === 0 || key % 2 === 0 ? Number.NEGATIVE_INFINITY : 0),
  },
]

const product = (shape: readonly number[]): number => shape.reduce((count, size) => count * size, 1)

function build(of: Case): { readonly graph: Graph; readonly feeds: ReadonlyMap<string, Tensor> } {
  const { rows, queries, heads = 6, kvHeads = 2, causal = false, window = null, softCap = null } = of
  const [keys, keySymbol] = of.keys === undefined ? [queries, 'S'] : [of.keys, 'T']
  const builder = new GraphBuilder()
  const feeds = new Map<string, Tensor>()
  const sizes: Readonly<Record<string, number>> = { B: rows, S: queries, T: keys }
  const float = (name: string, shape: readonly (number | string)[], at?: (index: number) => number) => {
    const bound = shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]!))
    const random = counterRandom(5, `${of.name}: ${name}`)
    const data = Float32Array.from({ length: product(bound) }, (_, i) => at?.(i) ?? 4 * random(i) - 2)
    feeds.set(name, { dtype: 'float32', shape: bound, data })
    return builder.input(name, 'float32', shape)
  }
  const segments = (name: string, symbol: string, segment: (row: number, index: number) => number) => {
    const size = sizes[symbol]!
    const data = BigInt64Array.from({ length: rows * size }, (_, i) =>
      BigInt(segment(Math.floor(i / size), i % size)),
    )
    feeds.set(name, { dtype: 'int64', shape: [rows, size], data })
    return builder.input(name, 'int64', ['B', symbol])
  }
  const q = float('q', ['B', 'S', heads * width])
  const k = float('k', ['B', keySymbol, kvHeads * width])
  const v = float('v', ['B', keySymbol, kvHeads * width])
  const dOut = float('dOut', ['B', 'S', heads * width])
  const querySegments = of.querySegment ? segments('segments', 'S', of.querySegment) : null
  const keySegments =
    of.keySegment && keySymbol === 'T' ? segments('key segments', 'T', of.keySegment) : querySegments
  const { mask: masked } = of
  const mask = masked
    ? float('mask', ['B', 'S', keySymbol], (i) =>
        masked(Math.floor(i / (queries * keys)), Math.floor(i / keys) % queries, i % keys),
      )
    : null
  const bias = of.hasBias ? float('bias', ['S', keySymbol, heads]) : null
  const forward = [q, k, v, querySegments, keySegments, mask, bias] as const
  const attributes = { heads, kvHeads, scale: 0.5, causal, window, softCap, sharesStart: false }
  builder.inRegion('layer.0', () => {
    const [out, logSumExp] = builder.add('attention', [...forward], attributes, 'out', 'logSumExp')
    const operands = [dOut, out, logSumExp, ...forward] as const
    const gradients = builder.add('attentionBackward', [...operands], attributes, 'dq', 'dk', 'dv')
    for (const value of [out, logSumExp, ...gradients]) builder.output(value)
    if (bias)
      for (const value of builder.add('attentionBiasBackward', [...operands], attributes))
        builder.output(value)
  })
  return { graph: builder.build(), feeds }
}

const options = { threads: 2, weights: new Map(), workFolder: '' }
const truth = createReferenceBackend({ precision: 'float64' })

test.each(cases)('$name', async (of) => {
  const { graph, feeds } = build(of)
  const expected = await unwrap(await truth.compile(graph, options)).run(feeds)
  const session = unwrap(await createOnnxBackend().compile(graph, options))
  const actual = await session.run(feeds)
  for (const [name, tensor] of expected) {
    const infinite = [...tensor.data].flatMap((x, i) => (Number.isFinite(Number(x)) ? [] : [i, x]))
    const { data } = actual.get(name)!
    expect(
      [...data].flatMap((x, i) => (Number.isFinite(Number(x)) ? [] : [i, x])),
      name,
    ).toEqual(infinite)
    for (let i = 0; i < infinite.length; i += 2)
      for (const side of [tensor.data, data]) side[Number(infinite[i])] = 0
  }
  const worst = worstDifference(expected, actual)
  expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
  await session.dispose()
})

test('a document is not changed by a bit by what stands beside it', async () => {
  const packed = cases.find(({ name }) => name === 'packed and causal')!
  const { graph, feeds } = build(packed)
  const session = unwrap(await createOnnxBackend().compile(graph, options))
  const before = structuredClone(await session.run(feeds))
  const changed = structuredClone(feeds)
  // Segments are 23 positions long: everything but segment 6.
  const isSixth = (position: number): boolean => Math.floor(position / 23) === 6
  for (const name of ['q', 'k', 'v', 'dOut']) {
    const { data, shape } = changed.get(name)!
    for (let i = 0; i < data.length; i += 1)
      if (!isSixth(Math.floor(i / shape[2]!))) (data as Float32Array)[i] = 50 * Math.sin(i)
  }
  const after = await session.run(changed)
  for (const name of ['out', 'dq', 'dk', 'dv']) {
    const { shape } = after.get(name)!
    const sixth = ({ data }: Tensor) =>
      Array.from(data, Number).filter((_, i) => isSixth(Math.floor(i / shape[2]!)))
    expect(sixth(after.get(name)!), name).toEqual(sixth(before.get(name)!))
  }
  await session.dispose()
})

test('one session takes rows of any length and number, and gives the same bits again', async () => {
  const sizes = [
    [1, 300],
    [9, 33],
    [2, 1],
    [1, 300],
  ] as const
  const session = unwrap(await createOnnxBackend().compile(build(ofSizes(1, 1)).graph, options))
  const results = []
  for (const [rows, queries] of sizes) {
    const { graph, feeds } = build(ofSizes(rows, queries))
    const actual = structuredClone(await session.run(feeds))
    const worst = worstDifference(await unwrap(await truth.compile(graph, options)).run(feeds), actual)
    expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
    results.push(actual)
  }
  expect(results[3]).toEqual(results[0])
  await session.dispose()
})

const ofSizes = (rows: number, queries: number): Case => ({ name: 'any', rows, queries, causal: true })
