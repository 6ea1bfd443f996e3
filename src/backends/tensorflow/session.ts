// Runs lowered graphs with TensorFlow, through the binding of @tensorflow/tfjs-node-gpu: the only file of this room that
// touches that runtime. `run` computes on the calling thread although it returns a promise.
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js'
import type { Backend, CompileOptions, Session, Tensor } from '#engine/backend-port.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { hasKernelsFor } from '#shared/processor-flags.ts'
import { attemptAsync, ProblemError } from '#shared/result.ts'
import { deviceFault } from '../device-faults.ts'
import { bindSizes, checkPositions } from '../feeds.ts'
import { release } from '../release.ts'
import { bindFrozen, computationFailed, type FrozenWeights } from '../weight-files.ts'
import type { Products, Residence } from './emitter.ts'
import { type Hardware, tensorflowEnvironment } from './environment.ts'
import { dataTypes, encodeSavedModel } from './graph-def.ts'
import type { GraphPart } from './graph-parts.ts'
import { type HalfWeights, halveWeights } from './half-weight-files.ts'
import { type LoweredGraph, lowerGraph, weightsToHalve } from './lower.ts'
import { fastProducts } from './processor.ts'
import { createResidentTraining } from './resident-training.ts'

interface TensorflowOptions {
  /** Where the libraries and the binding lie (docs/backends.md): lib/napi-v8/tfjs_binding.node and deps/lib. */
  readonly folder: string
  /** What products with frozen weights are computed in; by default what this processor is fastest in. */
  readonly products?: Products
  /** By default the processor. */
  readonly hardware?: Hardware
  /** By default mapped for the processor, resident for a graphics card. */
  readonly residence?: Residence
  /** File of our own operators (kernels/), null: TensorFlow's own compute. Only where weights are mapped. */
  readonly kernels?: string | null
}

/** Throws ProblemError where the libraries are not there or cannot be loaded. */
export function createTensorflowBackend({
  folder,
  products,
  hardware = 'processor',
  residence = hardware === 'graphics' ? 'resident' : 'mapped',
  kernels = null,
}: TensorflowOptions): Backend {
  const flags = processorFlags()
  const ours = residence === 'mapped' && hasKernelsFor(flags) ? kernels : null
  const library = loadLibrary(folder, hardware, ours)
  if (hardware === 'graphics' && !library.isUsingGpuDevice()) throw noCard(folder)
  const chosen = products ?? (hardware === 'graphics' ? 'bfloat16' : fastProducts(flags))
  return {
    name: `tfjs-node-gpu ${packageVersion}, tensorflow ${library.TF_Version}, ${chosen} products${ours === null ? '' : ", with Tunewright's own operators"}`,
    // Of a card nobody has seen that sums into the same rows come out alike.
    determinism: hardware === 'graphics' ? 'repeatable within 1e-5' : 'bit-exact on this machine',
    trainsResident: residence === 'resident',
    compile: (graph, options) =>
      attemptAsync(() =>
        compile(graph, options, {
          ...{ library, products: chosen, hardware, residence, hasKernels: ours !== null },
        }),
      ),
  }
}

const noCard = (folder: string): ProblemError =>
  new ProblemError({
    code: 'device.missing',
    message: 'TensorFlow finds no graphics card that it can compute on.',
    where: folder,
    remedy:
      'It needs a card by NVIDIA, its driver (525 or later) and the TensorFlow engine for graphics cards. Train on the processor until they are there.',
  })

const packageVersion = '4.22.0'

function processorFlags(): string {
  return existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
}

const bindingIn = (folder: string): string => join(folder, 'lib/napi-v8/tfjs_binding.node')

/** Operators are there for good once a process has loaded them, and a second definition would end it. */
let kernelsOfProcess: string | null = null

function loadLibrary(folder: string, hardware: Hardware, kernels: string | null): TFJSBinding {
  const { TF_NUM_INTRAOP_THREADS: _, ...beforeLoading } = tensorflowEnvironment(1, hardware)
  setEnvironment(beforeLoading)
  try {
    const require = createRequire(import.meta.url)
    const binding = require(bindingIn(folder)) as TFJSBinding
    if (kernels !== null) loadKernels(require, kernels)
    return binding
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw new ProblemError({
      code: 'backend.failed',
      message: 'TensorFlow is not installed, or cannot be loaded.',
      where: bindingIn(folder),
      remedy: 'Install it again, or train with the ONNX backend.',
      details: String(error),
    })
  }
}

function loadKernels(require: NodeJS.Require, kernels: string): void {
  kernelsOfProcess ??= kernels
  try {
    require(kernelsOfProcess)
  } catch (error) {
    throw new ProblemError({
      code: 'backend.failed',
      message: "Tunewright's own operators for TensorFlow cannot be loaded.",
      where: kernels,
      remedy: 'Add TensorFlow again: they are tried out, and it computes without them where they fail.',
      details: String(error),
    })
  }
}

/** A thread has a copy of the environment: what it sets does not reach the runtime. */
function setEnvironment(wanted: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (process.env[name] === value) continue
    if (!isMainThread) throw new Error(`${name} must be set before a thread is started that uses TensorFlow.`)
    process.env[name] = value
  }
}

/** The runtime has one pool of threads for the process, made when the first graph runs. */
let threadsOfProcess: number | null = null

function setThreads(threads: number, hardware: Hardware): void {
  if (threadsOfProcess !== null && threadsOfProcess !== threads)
    throw new Error(
      `TensorFlow computes with ${threadsOfProcess} threads in this process, not with ${threads}.`,
    )
  setEnvironment(tensorflowEnvironment(threads, hardware))
  threadsOfProcess = threads
}

interface Around {
  readonly library: TFJSBinding
  readonly products: Products
  readonly hardware: Hardware
  readonly residence: Residence
  readonly hasKernels: boolean
}

async function compile(
  graph: Graph,
  { threads, weights, workFolder, resident }: CompileOptions,
  { library, products, hardware, residence, hasKernels }: Around,
): Promise<Session> {
  setThreads(threads, hardware)
  const frozen = await bindFrozen(graph, weights)
  const isHalved = products === 'bfloat16' && residence === 'mapped'
  const toHalve = isHalved ? weightsToHalve(graph, weights) : new Map()
  const halfWeights = await halveWeights(toHalve, workFolder)
  const lowered = lowerGraph(graph, {
    ...{ weights, products, halves: halfWeights.locations, residence, resident, hasKernels },
  })
  await mkdir(workFolder, { recursive: true })
  const folder = await mkdtemp(join(workFolder, 'tensorflow-'))
  try {
    await writeFile(join(folder, 'saved_model.pb'), encodeSavedModel(lowered.nodes, lowered.initial))
    const model = library.loadSavedModel(folder, 'serve')
    return createSession(graph, { library, hardware, model, lowered, frozen, halfWeights, resident })
  } catch (error) {
    await halfWeights.release()
    throw failureOf(hardware, 'The computation could not be prepared.', 'preparing the model', error)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A card's failures are Problems of their own. */
const failureOf = (hardware: Hardware, message: string, where: string, error: unknown): ProblemError =>
  (hardware === 'graphics' ? deviceFault(error, where) : null) ?? computationFailed(message, where, error)

interface Loaded {
  readonly library: TFJSBinding
  readonly hardware: Hardware
  readonly model: number
  readonly lowered: LoweredGraph
  readonly frozen: FrozenWeights
  readonly halfWeights: HalfWeights
  readonly resident: CompileOptions['resident']
}

interface Result {
  readonly id: number
  readonly shape: readonly number[]
}

function createSession(graph: Graph, loaded: Loaded): Session {
  const { library, model, lowered, frozen, halfWeights, resident } = loaded
  const { outputs, trained } = lowered
  const trainable = graph.parameters.filter((parameter) => parameter.isTrainable).map(({ value }) => value)
  const fed = trained ? graph.inputs : [...graph.inputs, ...trainable]
  const held = new Map(
    [...frozen.held]
      .filter(([name]) => lowered.feeds.has(name))
      .map(([name, tensor]) => [name, give(library, tensor)]),
  )
  let latest: readonly Tensor[] = []
  let isDisposed = false
  const compute = (part: GraphPart, feeds: ReadonlyMap<string, Tensor>): readonly Result[] => {
    if (isDisposed) throw new Error('This session was disposed of.')
    return runPart(loaded, part, feeds, held)
  }
  return {
    async run(feeds) {
      if (isDisposed) throw new Error('This session was disposed of.')
      const sizes = bindSizes(fed, frozen.known, feeds)
      checkPositions(graph, sizes, feeds)
      for (const { data } of latest) release(data)
      const results = compute(lowered, feeds)
      latest = outputs.map((value, index) => take(library, value, results[index]!))
      for (const { id } of results.slice(outputs.length)) library.deleteTensor(id)
      return new Map(outputs.map(({ name }, index) => [name, latest[index]!]))
    },
    ...(trained &&
      resident && {
        resident: createResidentTraining(trained, resident.settings, async (part, feeds, use) => {
          for (const [index, result] of compute(part, feeds).entries()) {
            const { data } = take(library, { dtype: 'float32' }, result)
            use(data as Float32Array, index)
            release(data)
          }
        }),
      }),
    async dispose() {
      if (isDisposed) return
      isDisposed = true
      latest = []
      for (const id of held.values()) library.deleteTensor(id)
      library.deleteSavedModel(model)
      await halfWeights.release()
    },
  }
}

/** `held` are tensors that are there already, by name. */
function runPart(
  { library, hardware, model }: Loaded,
  part: GraphPart,
  feeds: ReadonlyMap<string, Tensor>,
  held: ReadonlyMap<string, number>,
): readonly Result[] {
  const names = [...part.feeds.keys()]
  const given = names.map((name) => held.get(name) ?? give(library, feeds.get(name)!))
  try {
    return library.runSavedModel(model, given, [...part.feeds.values()].join(), part.fetches.join())
  } catch (error) {
    throw failureOf(hardware, 'The computation failed.', 'running the model', error)
  } finally {
    for (const [index, name] of names.entries()) if (!held.has(name)) library.deleteTensor(given[index]!)
  }
}

/** The runtime reads the array itself, where it is aligned; whole numbers are narrowed first. */
function give(library: TFJSBinding, { dtype, shape, data }: Tensor): number {
  const numbers = data instanceof Float32Array ? data : Int32Array.from(data, Number)
  return library.createTensor([...shape], dataTypes[dtype === 'int64' ? 'int32' : dtype], numbers)
}

/** Copies a result and gives the runtime's back. */
function take(library: TFJSBinding, { dtype }: Pick<Value, 'dtype'>, { id, shape }: Result): Tensor {
  const data = library.tensorDataSync(id)
  library.deleteTensor(id)
  if (dtype === 'float32') return { dtype, shape, data: data as Float32Array }
  return { dtype, shape, data: BigInt64Array.from(data, BigInt) }
}
