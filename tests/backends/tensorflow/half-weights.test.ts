// Weights rounded to bfloat16 into a file of the work folder: the same bits as the runtime's own cast, written once.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { halveWeights } from '#backends/tensorflow/half-weight-files.ts'
import type { Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { unwrap } from '#shared/result.ts'
import { findTensorflow } from '../../support/tensorflow.ts'

const [outputs, inputs] = [80, 64]
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-halves-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Every exponent from -90 to 90, both signs, fractions that lie halfway between two of bfloat16 and beside. */
function hardNumbers(): Float32Array<ArrayBuffer> {
  const words = Uint32Array.from({ length: outputs * inputs }, (_, i) => {
    const fraction = [0x8000, 0x18000, 0x7fff, 0x8001, 0x7fffff, 0x7f8000, 0, 0x123456][i % 8]!
    return ((i & 16 ? 0x80000000 : 0) | ((127 - 90 + (i % 181)) << 23) | fraction) >>> 0
  })
  return new Float32Array(words.buffer)
}

async function storedWeight() {
  const numbers = hardNumbers()
  await writeFile(join(folder, 'weights.bin'), new Uint8Array(numbers.buffer))
  const shape = [outputs, inputs]
  const place = { folder, file: 'weights.bin', offsetBytes: 0, lengthBytes: numbers.byteLength }
  const inFile = { kind: 'file', ...place, dtype: 'float32', shape } as const
  return { numbers, inFile, tensor: { dtype: 'float32', shape, data: numbers } as Tensor }
}

/** y = I weight^T: the weight itself, turned, since a product of one number with 1 is exact. */
function weightItself() {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['T', inputs])
  const weight = builder.parameter('weight', [outputs, inputs], false)
  builder.inRegion('layer.0', () =>
    builder.output(builder.add('linear', [x, weight, null], { scale: 1 }, 'y')[0]),
  )
  const identity = new Float32Array(inputs * inputs)
  for (let i = 0; i < inputs; i += 1) identity[i * inputs + i] = 1
  const feeds = new Map<string, Tensor>([
    ['x', { dtype: 'float32', shape: [inputs, inputs], data: identity }],
  ])
  return { graph: builder.build(), feeds }
}

describe.skipIf(findTensorflow('bfloat16').length === 0).each(findTensorflow('bfloat16'))(
  '$name',
  (backend) => {
    test('a weight rounded into a file has the bits of one that the runtime rounds', async () => {
      const { inFile, tensor, numbers } = await storedWeight()
      const { graph, feeds } = weightItself()
      const run = async (location: WeightLocation): Promise<Float32Array> => {
        const workFolder = join(folder, 'work')
        const options = { threads: 2, weights: new Map([['weight', location]]), workFolder }
        const session = unwrap(await backend.compile(graph, options))
        const y = (await session.run(feeds)).get('y')!.data.slice() as Float32Array
        await session.dispose()
        return y
      }
      const rounded = await run(inFile)
      expect(Buffer.from(rounded.buffer)).toEqual(Buffer.from((await run({ kind: 'memory', tensor })).buffer))
      // And they were rounded: not the numbers of the file.
      expect(rounded).not.toEqual(
        Float32Array.from(rounded, (_, i) => numbers[(i % outputs) * inputs + Math.floor(i / outputs)]!),
      )
    })
  },
)

test('two sessions that begin at once share one file, whole, and it goes with the last', async () => {
  const { inFile } = await storedWeight()
  const weights = new Map([['weight', inFile]])
  const work = join(folder, 'work')
  const both = await Promise.all([halveWeights(weights, work), halveWeights(weights, work)])
  expect(both.map(({ locations }) => locations.size)).toEqual([1, 1])
  expect(await readdir(work)).toHaveLength(1)
  await both[0].release()
  expect(await readdir(work)).toHaveLength(1)
  await both[1].release()
  expect(await readdir(work)).toEqual([])
})
