// Weights in files, failures, memory: what the ONNX session does with the disk and the runtime.
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph } from '#engine/ir/types.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from '#formats/float16.ts'
import { type Problem, unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../../engine/support/numbers.ts'

const backend = createOnnxBackend()
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-onnx-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

type FileDtype = 'float32' | 'float16' | 'bfloat16'

const narrow: Record<FileDtype, (values: Float32Array) => Uint8Array> = {
  float32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  float16: narrowToFloat16,
  bfloat16: narrowToBfloat16,
}
const widen: Record<FileDtype, (bytes: Uint8Array) => Float32Array> = {
  float32: (bytes) => new Float32Array(bytes.slice().buffer),
  float16: (bytes) => widened(bytes, widenFloat16),
  bfloat16: (bytes) => widened(bytes, widenBfloat16),
}
function widened(
  bytes: Uint8Array,
  write: (b: Uint8Array, t: Float32Array, at: number) => void,
): Float32Array {
  const values = new Float32Array(bytes.length / 2)
  write(bytes, values, 0)
  return values
}

/** All frozen weights in one file behind a header of 72 bytes, and the same numbers, as rounded, in memory. */
async function writeWeights(dtype: FileDtype): Promise<{
  inFile: Map<string, WeightLocation>
  inMemory: Map<string, WeightLocation>
}> {
  const inFile = new Map<string, WeightLocation>()
  const inMemory = new Map<string, WeightLocation>()
  const parts: Uint8Array[] = [new Uint8Array(72)]
  let offsetBytes = 72
  for (const [name, location] of tinyTrainings[0]!.weights) {
    const { shape, data } = location.tensor
    const bytes = narrow[dtype](data as Float32Array)
    parts.push(bytes)
    inFile.set(name, {
      kind: 'file',
      folder,
      file: 'model.safetensors',
      offsetBytes,
      lengthBytes: bytes.length,
      dtype,
      shape,
    })
    inMemory.set(name, { kind: 'memory', tensor: { dtype: 'float32', shape, data: widen[dtype](bytes) } })
    offsetBytes += bytes.length
  }
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat(parts))
  return { inFile, inMemory }
}

async function problemOf(weights: ReadonlyMap<string, WeightLocation>): Promise<Problem> {
  const { graph } = tinyTrainings[0]!.built
  const result = await backend.compile(graph, { threads: 1, weights, workFolder: folder })
  if (result.ok) throw new Error('expected a Problem')
  return result.problem
}

/** Resident anonymous memory after a collection. V8 and the C library may hold on to a dozen freed arrays. */
async function anonymousBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  await setTimeout(50)
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1])
}

/** A graph of one op on inputs. */
function graphOf(build: (builder: GraphBuilder) => void): Graph {
  const builder = new GraphBuilder()
  builder.inRegion('layer.0', () => build(builder))
  return builder.build()
}

describe('weights in a file', () => {
  test.each(['float32', 'float16', 'bfloat16'] as const)(
    '%s weights are read where they lie',
    async (dtype) => {
      const { built, feeds } = tinyTrainings[0]!
      const { inFile, inMemory } = await writeWeights(dtype)
      const reference = createReferenceBackend({ precision: 'float64' })
      const truth = unwrap(
        await reference.compile(built.graph, { threads: 1, weights: inMemory, workFolder: folder }),
      )
      const session = unwrap(
        await backend.compile(built.graph, { threads: 1, weights: inFile, workFolder: folder }),
      )
      const worst = worstDifference(await truth.run(feeds), await session.run(feeds))
      expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
      await session.dispose()
    },
  )

  test('nothing is left beside the weights while the session is in use', async () => {
    const { inFile } = await writeWeights('float32')
    const { graph } = tinyTrainings[0]!.built
    const session = unwrap(await backend.compile(graph, { threads: 1, weights: inFile, workFolder: folder }))
    expect(await readdir(folder)).toEqual(['model.safetensors'])
    await session.run(tinyTrainings[0]!.feeds)
    await session.dispose()
  })

  test('a file that was cut short is a Problem, not a crash at the first read', async () => {
    const { inFile } = await writeWeights('float32')
    const { length } = await readFile(join(folder, 'model.safetensors'))
    await truncate(join(folder, 'model.safetensors'), length - 1)
    expect(await problemOf(inFile)).toMatchObject({ code: 'model.damaged' })
    await rm(join(folder, 'model.safetensors'))
    expect(await problemOf(inFile)).toMatchObject({ code: 'model.damaged' })
  })

  test('a location that does not fit the weight is a Problem', async () => {
    const { inFile } = await writeWeights('float32')
    const name = 'model.norm.weight'
    const location = inFile.get(name) as WeightLocation & { kind: 'file' }
    for (const wrong of [{ shape: [4] }, { lengthBytes: 4 }, { dtype: 'float16' as const }, { file: '../x' }])
      expect(await problemOf(new Map([...inFile, [name, { ...location, ...wrong }]]))).toMatchObject({
        code: 'model.damaged',
        where: expect.stringContaining(name),
      })
  })

  test('weights in two folders are refused with a reason', async () => {
    const { inFile } = await writeWeights('float32')
    const name = 'model.norm.weight'
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'model.safetensors'), await readFile(join(folder, 'model.safetensors')))
    const location = inFile.get(name) as WeightLocation & { kind: 'file' }
    const problem = await problemOf(new Map([...inFile, [name, { ...location, folder: other }]]))
    expect(problem).toMatchObject({ code: 'backend.failed' })
  })

  // The folder's path is so long that only the weights' short name fits below it: that stops every user, root too.
  test.skipIf(process.platform !== 'linux')('nothing is written beside the weights', async () => {
    const { inFile } = await writeWeights('float32')
    let deep = folder
    while (deep.length < 4060) deep = join(deep, 'd'.repeat(Math.min(200, 4080 - deep.length)))
    await mkdir(deep, { recursive: true })
    await writeFile(join(deep, 'w'), await readFile(join(folder, 'model.safetensors')))
    const weights = [...inFile].map(
      ([name, location]) => [name, { ...location, folder: deep, file: 'w' }] as const,
    )
    const { graph } = tinyTrainings[0]!.built
    const compiled = await backend.compile(graph, {
      threads: 1,
      weights: new Map(weights),
      workFolder: folder,
    })
    const session = unwrap(compiled)
    await session.run(tinyTrainings[0]!.feeds)
    await session.dispose()
  })
})

describe('running', () => {
  test('an error of the runtime is a Problem with its text as details', async () => {
    const graph = graphOf((builder) => {
      const table = builder.input('table', 'float32', [3, 2])
      const ids = builder.input('ids', 'int64', ['B', 'S'])
      builder.output(builder.add('embedding', [table, ids], {}, 'y')[0])
    })
    const session = unwrap(
      await backend.compile(graph, { threads: 1, weights: new Map(), workFolder: folder }),
    )
    const feeds = new Map<string, Tensor>([
      ['table', { dtype: 'float32', shape: [3, 2], data: new Float32Array(6) }],
      ['ids', { dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(7n) }],
    ])
    await expect(session.run(feeds)).rejects.toMatchObject({
      problem: { code: 'backend.failed', details: expect.stringContaining('7') },
    })
    await session.dispose()
    await expect(session.run(feeds)).rejects.toThrow(/disposed/)
    await session.dispose()
  })

  test('positions that the rotary tables do not have are refused: the runtime would read beyond their end', async () => {
    const { built, weights, feeds } = tinyTrainings[0]!
    const session = unwrap(await backend.compile(built.graph, { threads: 1, weights, workFolder: folder }))
    const positions = structuredClone(feeds.get('positions')!)
    positions.data[0] = 16n
    await expect(session.run(new Map([...feeds, ['positions', positions]]))).rejects.toThrow(
      /positions 0 to 15/,
    )
    await session.dispose()
  })

  test('results are given back when the next run begins: those of many runs would pile up until a collection', async () => {
    const { built, weights, feeds } = tinyTrainings[0]!
    const session = unwrap(await backend.compile(built.graph, { threads: 1, weights, workFolder: folder }))
    const first = [...(await session.run(feeds)).values()]
    for (const { data } of first) expect(data.length).toBeGreaterThan(0)
    await session.run(feeds)
    for (const { data } of first) expect(data.length).toBe(0)
    await session.dispose()
  })

  test('rows that repeat are added up in one order, whatever the threads do', async () => {
    const graph = graphOf((builder) => {
      const dy = builder.input('dy', 'float32', ['B', 'S', 64])
      const ids = builder.input('ids', 'int64', ['B', 'S'])
      builder.output(builder.add('embeddingBackward', [dy, ids], { vocabulary: 5 }, 'dTable')[0])
    })
    const ids = Array.from({ length: 2048 }, (_, i) => i % 5)
    const feeds = new Map<string, Tensor>([
      ['dy', asTensor(randomTensor([8, 256, 64], 'dy'))],
      ['ids', wholeTensor([8, 256], ids)],
    ])
    const session = unwrap(
      await backend.compile(graph, { threads: 4, weights: new Map(), workFolder: folder }),
    )
    const once = structuredClone(await session.run(feeds))
    for (let i = 0; i < 20; i += 1) expect(await session.run(feeds)).toEqual(once)
    await session.dispose()
  })

  test.skipIf(process.platform !== 'linux')('memory stays flat over 100 runs', async () => {
    const graph = graphOf((builder) => {
      const [gate, up] = ['gate', 'up'].map((name) => builder.input(name, 'float32', ['B', 1024]))
      builder.output(builder.add('gatedActivation', [gate!, up!], { kind: 'silu' }, 'y')[0])
    })
    const session = unwrap(
      await backend.compile(graph, { threads: 2, weights: new Map(), workFolder: folder }),
    )
    const tensor: Tensor = {
      dtype: 'float32',
      shape: [4096, 1024],
      data: new Float32Array(4096 * 1024).fill(0.5),
    }
    const feeds = new Map([
      ['gate', tensor],
      ['up', tensor],
    ])
    for (let i = 0; i < 5; i += 1) await session.run(feeds)
    const before = await anonymousBytes()
    // One tensor is 16.8 MB: any that stayed behind in every run would add up to 1.7 GB.
    for (let i = 0; i < 100; i += 1) await session.run(feeds)
    expect((await anonymousBytes()) - before).toBeLessThan(500e6)
    await session.dispose()
  })
})
