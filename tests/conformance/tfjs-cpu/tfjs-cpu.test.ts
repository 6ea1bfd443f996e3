// TensorFlow.js's CPU back end in the suite: what it is asked for and what not is exact, and runs leave nothing behind. Its
// results are in ops.test.ts, models.test.ts and session.test.ts, beside those of the others.
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { getBackend, getKernel, memory } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { lowerGraph } from '#backends/tensorflow/lower.ts'
import type { WeightLocation } from '#engine/backend-port.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Graph } from '#engine/ir/types.ts'
import { optimizerSettings } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { walkedOperators } from '../../backends/tensorflow/run-nodes.ts'
import { opCases } from '../op-cases.ts'
import { newFolder, schemes, WeightFile } from '../quantised-file.ts'
import { askedForms, storeStep } from '../stored-steps.ts'
import { tinyTrainings } from '../tiny-training.ts'
import { tfjsCpu } from './backend.ts'
import { beyondTfjs, computedOperators } from './kernels.ts'
import { leftOut } from './left-out.ts'

const models = tinyTrainings.map(({ built }) => built.graph)
const shape = [64, 64]

/** What reads a frozen weight: a product, and an embedding. */
function readers(): Graph {
  const builder = new GraphBuilder()
  const weight = builder.parameter('weight', shape, false)
  const x = builder.input('x', 'float32', ['B', 'S', 64])
  const ids = builder.input('ids', 'int64', ['B', 'S'])
  builder.inRegion('layer.0', () => {
    builder.output(builder.add('linear', [x, weight, null], { scale: 1 }, 'product')[0])
    builder.output(builder.add('embedding', [weight, ids], {}, 'embedded')[0])
  })
  return builder.build()
}

/** At a multiple of 64 bytes in its file, and beside one. */
const inFiles: readonly WeightLocation[] = (['float32', 'float16', 'bfloat16'] as const).flatMap((dtype) =>
  [0, 4].map((offsetBytes): WeightLocation => {
    const lengthBytes = 64 * 64 * (dtype === 'float32' ? 4 : 2)
    return { kind: 'file', folder: '/nowhere', file: 'weights', offsetBytes, lengthBytes, dtype, shape }
  }),
)

/** In a file that holds whole numbers of 64 bytes, and behind a part of one. */
const inBits: readonly WeightLocation[] = schemes.flatMap((scheme) => {
  const file = new WeightFile('/nowhere')
  const aligned = file.add(scheme, shape, new Float32Array(64 * 64).fill(0.5)).location
  const moved = Object.entries(aligned).map(([key, value]) => [
    key,
    typeof value === 'object' && 'offsetBytes' in value
      ? { ...value, offsetBytes: value.offsetBytes + 4 }
      : value,
  ])
  return [aligned, Object.fromEntries(moved)]
})

type Options = Parameters<typeof lowerGraph>[1]

const beyond = (graphs: readonly Graph[], options: Partial<Options>): readonly string[] => {
  const all = graphs.flatMap((graph) =>
    beyondTfjs(lowerGraph(graph, { weights: new Map(), products: 'float32', ...options }).nodes),
  )
  return [...new Set(all)].sort()
}

const beyondOf = (locations: readonly WeightLocation[]): readonly string[] =>
  [
    ...new Set(locations.flatMap((one) => beyond([readers()], { weights: new Map([['weight', one]]) }))),
  ].sort()

const resident = { settings: optimizerSettings.parse({}), rates: new Map<string, number>() }

const found: Readonly<Record<keyof typeof leftOut, () => readonly string[]>> = {
  'weights in files': () => beyondOf(inFiles),
  'weights in 4 and 8 bits': () => beyondOf(inBits),
  'products in bfloat16': () => beyond(models, { products: 'bfloat16' }),
  'parameters moved where the graph is computed': () =>
    beyond(
      tinyTrainings.map(({ built }) => built.graph),
      { resident },
    ),
}

test.each(Object.entries(leftOut))('left out: %s', (what, { beyond: listed }) => {
  expect(found[what as keyof typeof leftOut]()).toEqual(listed)
})

test('of what is left out tfjs has no kernel, but for one that is of use only with the others', () => {
  const operators = Object.values(leftOut).flatMap(({ beyond: listed }) => listed)
  expect(operators.filter((name) => getKernel(name, 'cpu') !== undefined)).toEqual(['BitwiseAnd'])
})

test('every operator that is computed is one that the lowering emits, and nothing else is emitted', () => {
  const emitted = new Set(
    [...opCases.map(({ graph }) => graph), ...models].flatMap((graph) =>
      lowerGraph(graph, { weights: new Map(), products: 'float32' }).nodes.map(({ operator }) => operator),
    ),
  )
  expect([...emitted].sort()).toEqual([...computedOperators, ...walkedOperators].sort())
})

test('what is left out is refused by name', async () => {
  const weights = new Map([['weight', inFiles[0]!]])
  const result = await tfjsCpu.compile(readers(), { threads: 1, weights, workFolder: tmpdir() })
  expect(result).toMatchObject({
    ok: false,
    problem: { code: 'backend.failed', details: 'It has nothing for ImmutableConst.' },
  })
})

test('the suite asks it for no form of weights that the list leaves out, and it could compute none of them', async () => {
  expect(askedForms(['weights in files', 'weights in 4 and 8 bits'])).toEqual([])
  expect(Object.keys(leftOut)).toEqual(
    expect.arrayContaining(['weights in files', 'weights in 4 and 8 bits']),
  )
  const folder = await newFolder()
  for (const form of askedForms([])) {
    const { built, stored } = await storeStep(folder, form)
    const result = await tfjsCpu.compile(built.graph, { threads: 1, weights: stored, workFolder: folder })
    expect(result, form).toMatchObject({ ok: false, problem: { code: 'backend.failed' } })
  }
  await rm(folder, { recursive: true })
})

test('a run leaves no tensor behind', async () => {
  const { built, weights, feeds } = tinyTrainings[0]!
  const session = unwrap(await tfjsCpu.compile(built.graph, { threads: 1, weights, workFolder: tmpdir() }))
  const before = memory().numTensors
  await session.run(feeds)
  expect(memory().numTensors).toBe(before)
  await session.run(feeds)
  await session.dispose()
  expect(memory()).toMatchObject({ numTensors: before })
  expect(getBackend()).toBe('cpu')
})
