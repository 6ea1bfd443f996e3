// Weights in files, failures, memory: what the ONNX session does with the disk and the runtime.
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import type { Tensor, WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph } from '#engine/ir/types.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { type Problem, unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor, wholeTensor } from '../../engine/support/numbers.ts'
import { anonymousBytes } from '../anonymous-memory.ts'
import { writeWeights } from '../weights-in-file.ts'

const backend = createOnnxBackend()
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-onnx-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function problemOf(weights: ReadonlyMap<string, WeightLocation>): Promise<Problem> {
  const { graph } = tinyTrainings[0]!.built
  const result = await backend.compile(graph, { threads: 1, weights, workFolder: folder })
  if (result.ok) throw new Error('expected a Problem')
  return result.problem
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
      const { inFile, inMemory } = await writeWeights(folder, dtype)
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
    const { inFile } = await writeWeights(folder, 'float32')
    const { graph } = tinyTrainings[0]!.built
    const session = unwrap(await backend.compile(graph, { threads: 1, weights: inFile, workFolder: folder }))
    expect(await readdir(folder)).toEqual(['model.safetensors'])
    await session.run(tinyTrainings[0]!.feeds)
    await session.dispose()
  })

  test('a file that was cut short is a Problem, not a crash at the first read', async () => {
    const { inFile } = await writeWeights(folder, 'float32')
    const { length } = await readFile(join(folder, 'model.safetensors'))
    await truncate(join(folder, 'model.safetensors'), length - 1)
    expect(await problemOf(inFile)).toMatchObject({ code: 'model.damaged' })
    await rm(join(folder, 'model.safetensors'))
    expect(await problemOf(inFile)).toMatchObject({ code: 'model.damaged' })
  })

  test('a location that does not fit the weight is a Problem', async () => {
    const { inFile } = await writeWeights(folder, 'float32')
    const name = 'model.norm.weight'
    const location = inFile.get(name) as WeightLocation & { kind: 'file' }
    for (const wrong of [{ shape: [4] }, { lengthBytes: 4 }, { dtype: 'float16' as const }, { file: '../x' }])
      expect(await problemOf(new Map([...inFile, [name, { ...location, ...wrong }]]))).toMatchObject({
        code: 'model.damaged',
        where: expect.stringContaining(name),
      })
  })

  test('weights in two folders are refused with a reason', async () => {
    const { inFile } = await writeWeights(folder, 'float32')
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
    const { inFile } = await writeWeights(folder, 'float32')
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
