// Weights in 4 and 8 bits: what the ONNX lowering makes float32, and when.
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { FilePart, QuantisedLocation, Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { blockValues } from '#formats/quantise-blocks.ts'
import { unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { file, inputs, newFolder, outputs, store, WeightFile } from '../../conformance/quantised-file.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../../engine/support/numbers.ts'

let folder: string
beforeEach(async () => {
  folder = await newFolder()
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('of an int8 table only the rows picked become float32', async () => {
  const { location } = await store(folder, 'int8')
  const builder = new GraphBuilder()
  const table = builder.parameter('weight', [outputs, inputs], false)
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  builder.inRegion('embedding', () => builder.output(builder.add('embedding', [table, ids], {}, 'y')[0]))
  const { nodes } = lowerGraph(builder.build(), new Map([['weight', location]]))
  for (const { operator, inputs: read } of nodes)
    if (operator !== 'Gather') expect(read.filter((name) => name.startsWith('weight'))).toEqual([])
})

test('a loss chunk reads the float32 copy of the one before', async () => {
  const { location } = await store(folder, 'int8')
  const builder = new GraphBuilder()
  const table = builder.parameter('weight', [outputs, inputs], false)
  const x = builder.input('x', 'float32', ['L', inputs])
  for (const region of ['loss.1', 'loss.0', 'layer.0.backward'])
    builder.inRegion(region, () => builder.output(builder.add('linear', [x, table, null], { scale: 1 })[0]))
  const { nodes } = lowerGraph(builder.build(), new Map([['weight', location]]))
  expect(nodes.filter(({ inputs: read }) => read.includes('weight.codes'))).toHaveLength(2)
})

describe('a large weight in 8 bits', () => {
  /** Nine slices, the last of them shorter. */
  const [words, width] = [60_001, 512]
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
    ['targets', wholeTensor([3], [0, 60_000, 6667])],
  ])

  async function run(location: WeightLocation): Promise<ReadonlyMap<string, Tensor>> {
    const session = unwrap(
      await createOnnxBackend().compile(head(), {
        threads: 1,
        weights: new Map([['weight', location]]),
        workFolder: '',
      }),
    )
    const results = structuredClone(await session.run(rows))
    await session.dispose()
    return results
  }

  it('gives what the whole weight gives', async () => {
    const weights = new WeightFile(folder)
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
