// Runs in a process of its own whose environment names a graphics card in software, and says on one line of JSON what it
// saw. argv: what to do.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { encodeModel } from '#backends/onnx/model-proto.ts'
import { providerFacts } from '#backends/onnx/providers.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import { worstDifference } from '../../conformance/compare.ts'
import { opCases } from '../../conformance/op-cases.ts'
import { inputs, outputs, schemes, store } from '../../conformance/quantised-file.ts'
import { holdShaders } from '../../conformance/suite.ts'
import { tinyTrainings } from '../../conformance/tiny-training.ts'
import { wholeTensor } from '../../engine/support/numbers.ts'
import { writeWeights } from '../weights-in-file.ts'

const open = () => createOnnxBackend({ provider: 'webgpu' })
const folder = await mkdtemp(join(tmpdir(), 'tunewright-webgpu-'))

/** Norm and inverse deviation of a row as SimplifiedLayerNormalization gives them, beside what they are. */
async function normOnCard() {
  const { graph, feeds } = opCases.find(({ kind }) => kind === 'rmsNorm')!
  const errorOf = async (dialect: 'cpu' | 'portable') => {
    const lowered = lowerGraph(graph, new Map(), { dialect, embedded: new Map(), isHalfWidened: false })
    const session = await ort.InferenceSession.create(encodeModel(lowered), {
      executionProviders: [providerFacts.webgpu.settings],
      graphOptimizationLevel: 'disabled',
    })
    const fed = [...feeds].map(([name, { dtype, data, shape }]) => [
      name,
      new ort.Tensor(dtype, data as never, shape),
    ])
    const found = await session.run(Object.fromEntries(fed))
    const expected = await byDefinition()
    return graph.outputs.map(({ name }) => {
      const [a, b] = [found[name]!.data as Float32Array, expected.get(name)!.data as Float32Array]
      return Math.max(...a.map((value, index) => Math.abs(value - b[index]!)))
    })
  }
  const byDefinition = async () => {
    const reference = createReferenceBackend({ precision: 'float64' })
    return unwrap(await reference.compile(graph, { threads: 1, weights: new Map(), workFolder: '' })).run(
      feeds,
    )
  }
  return { fused: await errorOf('cpu'), own: await errorOf('portable') }
}

/** The largest difference of each scheme's values from the quantiser's, and of a training step with weights in files. */
async function weightsOnCard() {
  const errors: Record<string, number> = {}
  const backend = open()
  const release = await holdShaders(backend)
  for (const scheme of schemes) {
    const { location, values } = await store(folder, scheme)
    const builder = new GraphBuilder()
    const weight = builder.parameter('weight', [outputs, inputs], false)
    const left = builder.input('left', 'float32', [outputs, outputs])
    const ids = builder.input('ids', 'int64', ['B', 'S'])
    builder.inRegion('layer.0', () => {
      builder.output(builder.add('linearInputBackward', [left, weight, null], { scale: 1 }, 'whole')[0])
      builder.output(builder.add('embedding', [weight, ids], {}, 'rows')[0])
    })
    const weights = new Map([['weight', location]])
    const session = unwrap(
      await backend.compile(builder.build(), { threads: 2, weights, workFolder: folder }),
    )
    const unit = Float32Array.from({ length: outputs ** 2 }, (_, i) => (i % (outputs + 1) === 0 ? 1 : 0))
    const results = await session.run(
      new Map([
        ['left', { dtype: 'float32', shape: [outputs, outputs], data: unit }],
        ['ids', wholeTensor([1, 2], [7, 0])],
      ]),
    )
    const rows = [7, 0].flatMap((row) => [...values.subarray(row * inputs, (row + 1) * inputs)])
    errors[scheme] = largest(results.get('whole')!.data as Float32Array, values)
    errors[`rows of ${scheme}`] = largest(results.get('rows')!.data as Float32Array, rows)
    await session.dispose()
  }
  for (const dtype of ['float16', 'bfloat16'] as const) errors[dtype] = await stepWith(dtype)
  await release()
  return errors
}

async function stepWith(dtype: 'float16' | 'bfloat16'): Promise<number> {
  const { built, feeds } = tinyTrainings[0]!
  const { inFile, inMemory } = await writeWeights(folder, dtype)
  const reference = createReferenceBackend({ precision: 'float64' })
  const truth = unwrap(
    await reference.compile(built.graph, { threads: 1, weights: inMemory, workFolder: folder }),
  )
  const session = unwrap(
    await open().compile(built.graph, { threads: 1, weights: inFile, workFolder: folder }),
  )
  const expected = await truth.run(feeds)
  // Twice: what stays on the card is there for the second run too.
  await session.run(feeds)
  const { relative } = worstDifference(expected, await session.run(feeds))
  await session.dispose()
  return relative
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index]!)))

/** What compiling says where there is no card. */
async function problem() {
  const { graph } = opCases[0]!
  const result = await attemptAsync(async () =>
    unwrap(await open().compile(graph, { threads: 1, weights: new Map(), workFolder: folder })),
  )
  return result.ok ? null : result.problem
}

const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
  normOnCard,
  weightsOnCard,
  problem,
}
const seen = await tasks[process.argv[2]!]!()
await rm(folder, { recursive: true })
process.stdout.write(JSON.stringify(seen))
