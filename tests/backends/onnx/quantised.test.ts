// Weights in 4 and 8 bits: what the ONNX lowering makes float32, and when.
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { inputs, newFolder, outputs, store } from '../../conformance/quantised-file.ts'

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
