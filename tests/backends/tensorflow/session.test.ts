// Weights in files, failures, memory: what the TensorFlow session does with the disk and the runtime.
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTensorflowBackend } from '#backends/tensorflow/session.ts'
import type { Backend, Tensor } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { trainedTensors } from '#engine/train/device-updater.ts'
import { initialState, layoutOf } from '#engine/train/state.ts'
import { narrowToBfloat16, widenBfloat16 } from '#formats/float16.ts'
import { optimizerSettings, regularisationSettings } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { tensorflowFolder } from '../../../scripts/tensorflow-folder.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { tinyTraining, tinyTrainings } from '../../conformance/tiny-training.ts'
import { asTensor } from '../../engine/support/feeds.ts'
import { randomTensor } from '../../engine/support/numbers.ts'
import { wholeModel } from '../../engine/support/tiny-methods.ts'
import { findTensorflow } from '../../support/tensorflow.ts'
import { anonymousBytes } from '../anonymous-memory.ts'
import { writeWeights } from '../weights-in-file.ts'

const reference = createReferenceBackend({ precision: 'float64' })
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tunewright-tensorflow-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('where the libraries are not there, the Problem says so', () => {
  expect(() => createTensorflowBackend({ folder })).toThrow(/TensorFlow is not installed/)
})

const found = findTensorflow('float32')

describe.skipIf(found.length === 0)('graphics cards', () => {
  test('where no card is found, the Problem says what is missing, and nothing is computed on the processor', () => {
    expect(() => createTensorflowBackend({ folder: tensorflowFolder, hardware: 'graphics' })).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'device.missing' }) }),
    )
  })

  test.each(['float32', 'bfloat16'] as const)(
    '%s: weights held in variables, as on a card, give the same numbers as mapped ones, run after run',
    async (products) => {
      const { built, feeds } = tinyTrainings[0]!
      const { inFile } = await writeWeights(folder, 'float32')
      const [mapped, resident] = await Promise.all(
        (['mapped', 'resident'] as const).map(async (residence) =>
          unwrap(
            await createTensorflowBackend({ folder: tensorflowFolder, products, residence }).compile(
              built.graph,
              optionsOf(inFile),
            ),
          ),
        ),
      )
      const expected = await mapped!.run(feeds)
      // The weights themselves are in the runtime's memory: their file is no longer read.
      await truncate(join(folder, 'model.safetensors'), 0)
      for (let run = 0; run < 2; run += 1)
        expect(worstDifference(expected, await resident!.run(feeds)).relative).toBe(0)
      await resident!.dispose()
    },
  )
})

/**
 * Counts the bytes that cross to the runtime and back: backends made from now on get a binding that counts. Its functions
 * cannot be replaced where they are.
 */
function countCrossing() {
  const require = createRequire(import.meta.url)
  const path = join(tensorflowFolder, 'lib/napi-v8/tfjs_binding.node')
  const library = require(path) as TFJSBinding
  const counted = { given: 0, returned: 0 }
  const createTensor: TFJSBinding['createTensor'] = (shape, dtype, numbers) => {
    counted.given += (numbers as Float32Array).byteLength
    return library.createTensor(shape, dtype, numbers)
  }
  const runSavedModel: TFJSBinding['runSavedModel'] = (...run) => {
    const results = library.runSavedModel(...run)
    for (const { shape } of results)
      counted.returned += 4 * shape.reduce((product, size) => product * size, 1)
    return results
  }
  const functions = { createTensor: { value: createTensor }, runSavedModel: { value: runSavedModel } }
  require.cache[require.resolve(path)]!.exports = Object.create(library, functions)
  return {
    stop() {
      require.cache[require.resolve(path)]!.exports = library
    },
    /** While `use` runs. */
    async during(use: () => Promise<unknown>): Promise<{ given: number; returned: number }> {
      counted.given = 0
      counted.returned = 0
      await use()
      return { ...counted }
    },
  }
}

describe.skipIf(found.length === 0)('what is trained held in variables', () => {
  const wide = { hidden_size: 256, intermediate_size: 512, head_dim: 64 }

  async function openWide() {
    const { built, weights, feeds } = tinyTraining(wholeModel, 1, true, wide)
    const settings = optimizerSettings.parse({})
    const backend = createTensorflowBackend({
      folder: tensorflowFolder,
      products: 'float32',
      residence: 'resident',
    })
    const session = unwrap(
      await backend.compile(built.graph, {
        ...optionsOf(weights),
        resident: { settings, rates: new Map() },
      }),
    )
    const layout = layoutOf(built.trainable)
    const initial = new Map([...feeds].map(([name, { data }]) => [name, data as Float32Array]))
    const state = initialState(layout, initial, {
      optimizer: settings,
      regularisation: regularisationSettings.parse({}),
    })
    const tensors = trainedTensors(layout, state)
    const batch = new Map([...feeds].filter(([name]) => !tensors.some((tensor) => tensor.name === name)))
    const training = session.resident!
    await training.load(tensors)
    let updates = 0
    const step = async (): Promise<void> => {
      updates += 1
      await session.run(batch)
      await session.run(batch)
      await training.gradientNorm()
      await training.update({ updates, learningRate: 1e-4, gradScale: 1 })
    }
    return { session, training, tensors, batch, step, parameterBytes: 4 * layout.length }
  }

  test('a step is given a batch and a few numbers, and returns losses and norms: nothing of the size of a weight', async () => {
    const crossing = countCrossing()
    const { session, training, tensors, batch, step, parameterBytes } = await openWide()
    crossing.stop()
    const batchBytes = [...batch.values()].reduce((bytes, { data }) => bytes + 4 * data.length, 0)
    const { given, returned } = await crossing.during(step)
    expect(parameterBytes).toBeGreaterThan(3e6)
    // Two micro-batches, and scalars of the update.
    expect(given).toBeLessThan(2 * batchBytes + 100)
    expect(returned).toBeLessThan(1000)
    // And the counting counts.
    const { returned: read } = await crossing.during(() => training.read(tensors))
    expect(read).toBeGreaterThanOrEqual(3 * parameterBytes)
    await session.dispose()
  })

  test.skipIf(process.platform !== 'linux')(
    'memory stays flat over 30 steps and readings',
    { timeout: 180_000 },
    async () => {
      const { session, training, tensors, step, parameterBytes } = await openWide()
      const stepAndRead = async (): Promise<void> => {
        await step()
        await training.read(tensors)
      }
      for (let warm = 0; warm < 5; warm += 1) await stepAndRead()
      const before = await anonymousBytes()
      for (let at = 0; at < 30; at += 1) await stepAndRead()
      const grown = (await anonymousBytes()) - before
      expect(30 * 3 * parameterBytes).toBeGreaterThan(250e6)
      expect(grown).toBeLessThan(50e6)
      await session.dispose()
    },
  )

  test('before anything is loaded a run is a Problem', async () => {
    const { built, weights, feeds } = tinyTrainings[0]!
    const backend = createTensorflowBackend({ folder: tensorflowFolder, residence: 'resident' })
    const resident = { settings: optimizerSettings.parse({}), rates: new Map<string, number>() }
    const session = unwrap(await backend.compile(built.graph, { ...optionsOf(weights), resident }))
    await expect(session.run(feeds)).rejects.toMatchObject({ problem: { code: 'backend.failed' } })
    await session.dispose()
  })
})

const inHalves = [...findTensorflow('bfloat16', 'mapped', null), ...findTensorflow('bfloat16')]

describe.skipIf(found.length === 0).each(inHalves)('$name', (backend) => {
  test("products with frozen weights and an adapter's way down are rounded to bfloat16 once, wide trained ones not at all", async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', 'float32', ['B', 'S', 96])
    const frozen = builder.parameter('frozen', [40, 96], false)
    const [narrow, wide] = [40, 80].map((rows) => builder.parameter(`trained ${rows}`, [rows, 96], true))
    builder.inRegion('layer.0', () => {
      builder.output(builder.add('linear', [x, frozen, null], { scale: 1 }, 'rounded')[0])
      builder.output(builder.add('linear', [x, narrow!, null], { scale: 1 }, 'rounded too')[0])
      builder.output(builder.add('linear', [x, wide!, null], { scale: 1 }, 'exact')[0])
    })
    const graph = builder.build()
    const ofShape = (shape: number[], name: string): Tensor =>
      exactInBfloat16(asTensor(randomTensor(shape, name)))
    const weight = ofShape([40, 96], 'weight')
    const weights = new Map([['frozen', { kind: 'memory', tensor: weight } as const]])
    const feeds = new Map([
      ['x', ofShape([2, 3, 96], 'x')],
      ['trained 40', weight],
      ['trained 80', ofShape([80, 96], 'wide')],
    ])
    const truth = unwrap(await reference.compile(graph, optionsOf(weights)))
    const session = unwrap(await backend.compile(graph, optionsOf(weights)))
    const [expected, actual] = [await truth.run(feeds), await session.run(feeds)]
    const relative = (name: string): number =>
      Math.max(
        ...Array.from(actual.get(name)!.data, Number).map((value, i) =>
          Math.abs(value / Number(expected.get(name)!.data[i]) - 1),
        ),
      )
    // One step of 8 bits of mantissa: where the processor has no such products, the runtime cuts off what a float32 sum has
    // beyond them.
    for (const name of ['rounded', 'rounded too']) expect(relative(name)).toBeLessThan(2 ** -7)
    expect(relative('rounded')).toBeGreaterThan(2 ** -11)
    // Our own operator sums a way down in float32 and leaves it so.
    const isOurs = backend.name.includes('own operators')
    if (isOurs) expect(relative('rounded too')).toBeLessThan(1e-3)
    else expect(relative('rounded too')).toBeGreaterThan(2 ** -11)
    expect(relative('exact')).toBeLessThan(1e-4)
    await session.dispose()
  })
})

/** The numbers rounded to what bfloat16 holds. */
function exactInBfloat16({ dtype, shape, data }: Tensor): Tensor {
  const bytes = narrowToBfloat16(data as Float32Array)
  const numbers = new Float32Array(data.length)
  widenBfloat16(bytes, numbers, 0)
  return { dtype, shape, data: numbers }
}
const optionsOf = (weights: Parameters<Backend['compile']>[1]['weights']) => ({
  threads: 2,
  weights,
  workFolder: join(folder, 'work'),
})

describe.skipIf(found.length === 0).each(found)('$name', (backend) => {
  test.each(['float32', 'float16', 'bfloat16'] as const)(
    '%s weights are read where they lie, aligned or not',
    async (dtype) => {
      const { built, feeds } = tinyTrainings[0]!
      const { inFile, inMemory } = await writeWeights(folder, dtype)
      const truth = unwrap(await reference.compile(built.graph, optionsOf(inMemory)))
      const session = unwrap(await backend.compile(built.graph, optionsOf(inFile)))
      const worst = worstDifference(await truth.run(feeds), await session.run(feeds))
      expect(worst.relative, JSON.stringify(worst)).toBeLessThan(1e-5)
      await session.dispose()
    },
  )

  test('nothing is left in the work folder while the session is in use', async () => {
    const { built, weights, feeds } = tinyTrainings[0]!
    const session = unwrap(await backend.compile(built.graph, optionsOf(weights)))
    expect(await readdir(join(folder, 'work'))).toEqual([])
    await session.run(feeds)
    await session.dispose()
    await expect(session.run(feeds)).rejects.toThrow(/disposed/)
    await session.dispose()
  })

  test('a file that was cut short is a Problem, not a crash at the first read', async () => {
    const { inFile } = await writeWeights(folder, 'float32')
    const { graph } = tinyTrainings[0]!.built
    await truncate(join(folder, 'model.safetensors'), 100)
    const result = await backend.compile(graph, optionsOf(inFile))
    expect(result).toMatchObject({ ok: false, problem: { code: 'model.damaged' } })
  })

  test('a number of threads that the process does not have is refused', async () => {
    const { built, weights } = tinyTrainings[0]!
    unwrap(await backend.compile(built.graph, optionsOf(weights)))
    await expect(backend.compile(built.graph, { ...optionsOf(weights), threads: 3 })).rejects.toThrow(
      /2 threads/,
    )
  })

  test('an error of the runtime is a Problem with its text as details', async () => {
    const builder = new GraphBuilder()
    builder.inRegion('embedding', () => {
      const table = builder.input('table', 'float32', [3, 2])
      const ids = builder.input('ids', 'int64', ['B', 'S'])
      builder.output(builder.add('embedding', [table, ids], {}, 'y')[0])
    })
    const session = unwrap(await backend.compile(builder.build(), optionsOf(new Map())))
    const feeds = new Map<string, Tensor>([
      ['table', { dtype: 'float32', shape: [3, 2], data: new Float32Array(6) }],
      ['ids', { dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(7n) }],
    ])
    await expect(session.run(feeds)).rejects.toMatchObject({
      problem: { code: 'backend.failed', details: expect.stringContaining('7') },
    })
    await session.dispose()
  })

  test.skipIf(process.platform !== 'linux')(
    'memory stays flat over 30 training steps',
    {
      timeout: 180_000,
    },
    async () => {
      const wide = { hidden_size: 256, intermediate_size: 512, head_dim: 64 }
      const { built, weights, feeds } = tinyTraining(wholeModel, 1, true, wide)
      const session = unwrap(await backend.compile(built.graph, optionsOf(weights)))
      for (let step = 0; step < 5; step += 1) await session.run(feeds)
      const before = await anonymousBytes()
      for (let step = 0; step < 30; step += 1) await session.run(feeds)
      const grown = (await anonymousBytes()) - before
      // What a step feeds and returns: were it kept, 30 steps would hold 30 times that.
      const returned = built.trainable.reduce(
        (bytes, { shape }) => bytes + 4 * shape.reduce<number>((product, size) => product * Number(size), 1),
        0,
      )
      expect(30 * returned).toBeGreaterThan(100e6)
      expect(grown).toBeLessThan(50e6)
      await session.dispose()
    },
  )
})
