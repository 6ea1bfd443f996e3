// The conformance suite as rows of a table: how far a backend lies from the reference interpreter, and how far it may. The
// tests of this folder and `npm run test:device` run the same cases by the same measures.
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Backend, Graph, Tensor, WeightLocation } from '#engine/index.ts'
import { createReferenceBackend } from '#engine/reference/reference-backend.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { anonymousBytes } from '../backends/anonymous-memory.ts'
import { norm, relativeDifference, relativeDistance } from '../engine/support/numbers.ts'
import { worstDifference } from './compare.ts'
import { trainCurve } from './curve.ts'
import { familyGraphs } from './families.ts'
import { memoryCase } from './memory-case.ts'
import type { OpCase } from './op-cases/case-builder.ts'
import { opCases } from './op-cases.ts'
import { lookAtPlacements, type PlacingDevice } from './placements.ts'
import { newFolder } from './quantised-file.ts'
import { askedForms, type StoredForm, type StoredKind, storeStep } from './stored-steps.ts'
import { tinyTrainings } from './tiny-training.ts'

export type Precision = 'float32' | 'tf32' | 'bfloat16'

/**
 * How far results may lie from the reference in float64. Operators: the largest difference over the tensor's largest number,
 * at least 1. Models: the length of a tensor's difference over its own. Curve: the largest relative difference of a loss.
 * bfloat16 is of products with frozen weights and of an adapter's with wide inputs: every matrix of a single operator's
 * case is narrow. The tiny models' gradients are differences of nearly equal numbers: with 8 bits of mantissa in the
 * products they are up to 20 % off in a Llama, 28 % in a T5; of tf32, with 11 bits, a quarter is allowed.
 */
export const bounds = {
  // Of models 1.35e-5 was measured (ONNX Runtime, a gated T5), 1.06e-5 with TensorFlow.
  float32: { operators: 1e-5, models: 3e-5, curve: 1e-4 },
  tf32: { operators: 5e-3, models: 8e-2, curve: 2e-2 },
  bfloat16: { operators: 2e-2, models: 0.3, curve: 5e-2 },
} as const satisfies Record<Precision, Record<string, number>>

/** What runs may leave behind in memory, of 100 runs with tensors of 4 MB in and out. */
export const memoryBoundBytes = 100e6

/** How many nodes may be on the processor that have no business there: none. */
const strayBound = 1
const shownStrays = 12

export interface SuiteRow {
  readonly group: 'operators' | 'models' | 'curve' | 'placement' | 'memory'
  readonly name: string
  /** Infinite where it failed. Of a placement: how many nodes. */
  readonly error: number
  readonly bound: number
  readonly failure: string | null
  /** The device is not there: no case can be computed. */
  readonly missing: Problem | null
}

interface Given {
  readonly graph: Graph
  readonly weights: ReadonlyMap<string, WeightLocation>
  readonly feeds: ReadonlyMap<string, Tensor>
}

const truth: Backend = createReferenceBackend({ precision: 'float64' })

async function runOnce(
  backend: Backend,
  { graph, weights, feeds }: Given,
): Promise<ReadonlyMap<string, Tensor>> {
  const session = unwrap(await backend.compile(graph, { threads: 2, weights, workFolder: tmpdir() }))
  try {
    return structuredClone(await session.run(feeds))
  } finally {
    await session.dispose()
  }
}

const expectedResults = new WeakMap<Graph, Promise<ReadonlyMap<string, Tensor>>>()

/** What the reference gives, computed once for all backends. */
function expectedOf(given: Given): Promise<ReadonlyMap<string, Tensor>> {
  const known = expectedResults.get(given.graph) ?? runOnce(truth, given)
  expectedResults.set(given.graph, known)
  return known
}

export async function operatorError(backend: Backend, { graph, feeds }: OpCase): Promise<number> {
  const given = { graph, feeds, weights: new Map() }
  return worstDifference(await expectedOf(given), await runOnce(backend, given)).relative
}

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor?.data ?? [], Number)

interface GivenModel extends Omit<Given, 'graph'> {
  readonly built: { readonly graph: Graph }
  /** Where the backend finds the weights, if not in memory as the reference does. */
  readonly stored?: Given['weights']
}

/**
 * The worst of all results; infinite where one is missing or has another shape. Of a result that is nothing beside the others
 * (the gradient of what shifts all scores alike) the length is not its own but a ten-thousandth of all.
 */
export async function modelError(
  backend: Backend,
  { built, weights, stored = weights, feeds }: GivenModel,
): Promise<number> {
  const given = { graph: built.graph, weights, feeds }
  const [expected, actual] = [await expectedOf(given), await runOnce(backend, { ...given, weights: stored })]
  if (actual.size !== expected.size) return Number.POSITIVE_INFINITY
  const all = norm([...expected.values()].map((tensor) => norm(numbers(tensor))))
  const errors = [...expected].map(([name, tensor]) => {
    const [found, wanted] = [numbers(actual.get(name)), numbers(tensor)]
    const error = relativeDistance(found, wanted)
    const [own, least] = [norm(wanted), all / 1e4]
    const isSameShape = actual.get(name)?.shape.join() === tensor.shape.join()
    if (!isSameShape || Number.isNaN(error)) return Number.POSITIVE_INFINITY
    return own >= least ? error : error * (own / least)
  })
  return Math.max(...errors)
}

/** Of a training step whose weights lie in a file in this form. */
export async function storedError(backend: Backend, form: StoredForm): Promise<number> {
  const folder = await newFolder()
  try {
    return await modelError(backend, await storeStep(folder, form))
  } finally {
    await rm(folder, { recursive: true })
  }
}

let expectedCurve: ReturnType<typeof trainCurve> | undefined

/** Of parameters moved on the host, or where the backend computes. */
export async function curveError(backend: Backend, place: 'host' | 'device' = 'host'): Promise<number> {
  expectedCurve ??= trainCurve(truth, tmpdir())
  const [expected, actual] = [await expectedCurve, await trainCurve(backend, tmpdir(), place)]
  const errors = expected.losses.map((loss, step) => relativeDifference(actual.losses[step]!, loss))
  return errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors)
}

/** Bytes that 100 runs leave behind, of those that the process can be asked for. */
export async function memoryGrowth(backend: Backend): Promise<number> {
  const { graph, feeds } = memoryCase
  const session = unwrap(
    await backend.compile(graph, { threads: 2, weights: new Map(), workFolder: tmpdir() }),
  )
  for (let run = 0; run < 5; run += 1) await session.run(feeds)
  const before = await heldBytes()
  for (let run = 0; run < 100; run += 1) await session.run(feeds)
  const growth = (await heldBytes()) - before
  await session.dispose()
  return Math.max(0, growth)
}

const heldBytes = (): Promise<number> =>
  process.platform === 'linux' ? anonymousBytes() : Promise.resolve(process.memoryUsage().rss)

/**
 * WebGPU forgets its compiled shaders with the last session of the process, and in software compiling them is most of the time
 * of a small case: one session stays, until what is returned is called.
 */
export async function holdShaders(backend: Backend): Promise<() => Promise<void>> {
  const { graph, feeds } = opCases[0]!
  const compiled = await backend.compile(graph, { threads: 2, weights: new Map(), workFolder: tmpdir() })
  if (!compiled.ok) return async () => {}
  await compiled.value.run(feeds)
  return () => compiled.value.dispose()
}

export interface SuiteOptions {
  readonly precision: Precision
  /** One operator case in so many, and no other than the first models: for a look that is over in a minute. */
  readonly oneIn: number
  /** What the backend cannot be asked for. */
  readonly leftOut: readonly StoredKind[]
  /** A graphics card of ONNX Runtime's: then the suite also looks at where nodes are computed. */
  readonly placedBy: PlacingDevice | null
}

/** Every case of the suite, one after the other: a failure is a row too. */
export async function* runSuite(
  backend: Backend,
  { precision, oneIn, leftOut, placedBy }: SuiteOptions,
): AsyncGenerator<SuiteRow> {
  const limits = bounds[precision]
  const release = await holdShaders(backend)
  const every = <T>(cases: readonly T[]): readonly T[] => cases.filter((_, index) => index % oneIn === 0)
  for (const one of every(opCases))
    yield await rowOf('operators', one.name, limits.operators, () => operatorError(backend, one))
  for (const one of every([...tinyTrainings.map(named), ...familyGraphs]))
    yield await rowOf('models', one.name, limits.models, () => modelError(backend, one))
  for (const form of every(askedForms(leftOut)))
    yield await rowOf('models', `llama: lora, weights in a file in ${form}`, limits.models, () =>
      storedError(backend, form),
    )
  yield await rowOf('curve', '20 steps of LoRA', limits.curve, () => curveError(backend))
  if (backend.trainsResident)
    yield await rowOf('curve', '20 steps, moved on the device', limits.curve, () =>
      curveError(backend, 'device'),
    )
  if (placedBy !== null) yield* placementRows(placedBy)
  yield await rowOf('memory', 'bytes behind 100 runs', memoryBoundBytes, () => memoryGrowth(backend))
  await release()
}

const named = (training: (typeof tinyTrainings)[number]) => ({ ...training, name: `llama: ${training.name}` })

/** A row for each graph: how many of its nodes are on the processor that belong on the card. */
async function* placementRows(device: PlacingDevice): AsyncGenerator<SuiteRow> {
  const head = { group: 'placement', bound: strayBound, missing: null } as const
  try {
    for (const { name, strays } of await lookAtPlacements(device))
      yield { ...head, name, error: strays.length, failure: strays.slice(0, shownStrays).join(', ') || null }
  } catch (error) {
    const name = 'nodes on the processor'
    yield { ...head, name, error: Number.POSITIVE_INFINITY, failure: String(error) }
  }
}

async function rowOf(
  group: SuiteRow['group'],
  name: string,
  bound: number,
  measure: () => Promise<number>,
): Promise<SuiteRow> {
  try {
    return { group, name, error: await measure(), bound, failure: null, missing: null }
  } catch (error) {
    const problem = error instanceof ProblemError ? error.problem : null
    const failure = problem?.details ?? String(error)
    const missing = problem?.code === 'device.missing' ? problem : null
    return { group, name, error: Number.POSITIVE_INFINITY, bound, failure, missing }
  }
}

export const isWithin = ({ error, bound }: SuiteRow): boolean => error < bound
