// Runs lowered graphs with ONNX Runtime, on processors and graphics cards: the only file of this room that touches the runtime.
// `run` computes on the calling thread although it returns a promise: call it where nobody waits for that thread.
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type * as ort from 'onnxruntime-node'
import type { Backend, CompileOptions, Session, Tensor } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'
import { quietRuntime } from '#shared/quiet-runtime.ts'
import { attemptAsync, type ProblemError } from '#shared/result.ts'
import { deviceFault } from '../device-faults.ts'
import { bindSizes, checkPositions } from '../feeds.ts'
import { release } from '../release.ts'
import type { StoredWeight } from '../stored-weights.ts'
import { bindFrozen, computationFailed, type FrozenWeights } from '../weight-files.ts'
import { lowerGraph } from './lower.ts'
import { elementTypes, encodeModel, type OnnxExternal, type OnnxNode, type OnnxPort } from './model-proto.ts'
import { isMissing, missingDevice, type Provider, providerFacts, providerSettings } from './providers.ts'

// A thread has a copy of the environment: what it sets does not reach the runtime.
if (process.env[quietRuntime.name] !== quietRuntime.value) {
  if (!isMainThread)
    throw new Error(`${quietRuntime.name} must be set before a thread is started that uses ONNX Runtime`)
  process.env[quietRuntime.name] = quietRuntime.value
}

export interface OnnxOptions {
  /** By default the processor. */
  readonly provider?: Provider
  /** Of an engine with its own copy of the runtime, in node_modules, and the provider's libraries beside it. */
  readonly libraryFolder?: string
  /** Of several graphics cards, by its number from 0. */
  readonly card?: number
}

type Runtime = typeof ort

interface Around {
  readonly runtime: Runtime
  readonly provider: Provider
  readonly card?: number | undefined
}

/** Throws ProblemError device.missing where the runtime has no such provider. Whether there is a card, `compile` finds out. */
export function createOnnxBackend({ provider = 'cpu', libraryFolder, card }: OnnxOptions = {}): Backend {
  const runtime = libraryFolder === undefined ? programRuntime() : engineRuntime(libraryFolder, provider)
  const { settings, label, determinism } = providerFacts[provider]
  const known = runtime.listSupportedBackends().map(({ name }) => name)
  if (!known.includes(settings.name)) throw missingDevice(provider, `The runtime knows ${known.join(', ')}.`)
  return {
    name: `onnxruntime-node ${runtime.env.versions.node ?? 'unknown'} ${label}`,
    determinism,
    compile: (graph, options) => attemptAsync(() => compile(graph, options, { runtime, provider, card })),
  }
}

/**
 * Loaded only where it is used: a process has one libonnxruntime.so.1, and it looks for a provider's libraries beside
 * itself. With the program's own one in the process, an engine's would never be the one that runs (measured).
 */
const programRuntime = (): Runtime => createRequire(import.meta.url)('onnxruntime-node') as Runtime

function engineRuntime(folder: string, provider: Provider): Runtime {
  holdLibraries(join(folder, 'cuda'))
  try {
    return createRequire(join(folder, 'engine.js'))('onnxruntime-node') as Runtime
  } catch (error) {
    throw missingDevice(provider, String(error))
  }
}

/** glibc's RTLD_NODELETE: what is loaded stays. */
const keptLoaded = 0x1000

/**
 * NVIDIA's libraries, which the provider's library names without a place (docs/devices.md): in the process already, they
 * are found. Node loads them, finds that they are no modules, and says so; what is really missing the runtime says.
 */
function holdLibraries(folder: string): void {
  if (!existsSync(folder)) return
  const { RTLD_LAZY, RTLD_GLOBAL } = constants.dlopen
  // cuDNN's parts are loaded by cuDNN itself, from beside it.
  for (const name of readdirSync(folder).filter((file) => !file.startsWith('libcudnn_')))
    try {
      process.dlopen({ exports: {} }, join(folder, name), RTLD_LAZY | RTLD_GLOBAL | keptLoaded)
    } catch {}
}

async function compile(graph: Graph, options: CompileOptions, around: Around): Promise<Session> {
  const { runtime, provider, card } = around
  const { dialect, isHalfWidened } = providerFacts[provider]
  const frozen = await bindFrozen(graph, options.weights)
  const embedded = dialect === 'cpu' ? new Map<string, Tensor>() : embeddable(frozen.held)
  const settings = sessionSettings(options.threads, folderOf(frozen.files), provider, card)
  const lowered = lowerGraph(graph, options.weights, { dialect, embedded, isHalfWidened })
  const fed = new Map([...frozen.held].filter(([name]) => !embedded.has(name)))
  try {
    const session = await runtime.InferenceSession.create(encodeModel(lowered), settings)
    const resident = await widen(runtime, lowered.widened, settings)
    return createSession(graph, session, { ...around, resident, frozen: { ...frozen, held: fed } })
  } catch (error) {
    throw failureOf(provider, error, 'preparing the model', 'The computation could not be prepared.')
  }
}

/** Tensors that stay on the card, and the session whose memory they are in. */
interface Resident {
  readonly tensors: ReadonlyMap<string, ort.Tensor>
  readonly release: () => Promise<void>
}

const nothingResident: Resident = { tensors: new Map(), release: async () => {} }

/** Numbers of half precision in files, as float32 on the card: cast by the processor, as the card may not know them. */
async function widen(
  runtime: Runtime,
  widened: ReadonlyMap<string, OnnxExternal>,
  settings: ort.InferenceSession.SessionOptions,
): Promise<Resident> {
  if (widened.size === 0) return nothingResident
  const asFloat = (name: string): string => `${name} as float32`
  const nodes = [...widened.keys()].map((name): OnnxNode => {
    const attributes = { to: { kind: 'int', value: elementTypes.float32 } } as const
    return { operator: 'Cast', domain: '', inputs: [name], outputs: [asFloat(name)], attributes }
  })
  const outputs = [...widened].map(([name, { dims }]): OnnxPort => {
    return { name: asFloat(name), elementType: 'float32', dims }
  })
  const model = { nodes, outputs, externals: widened, constants: new Map(), inputs: [], between: [] }
  const session = await runtime.InferenceSession.create(encodeModel(model), {
    ...settings,
    executionProviders: [{ name: 'webgpu', forceCpuNodeNames: outputs.map(({ name }) => name) }],
    preferredOutputLocation: 'gpu-buffer',
  })
  const results = await session.run({})
  const tensors = new Map([...widened.keys()].map((name) => [name, results[asFloat(name)]!]))
  return {
    tensors,
    async release() {
      for (const tensor of tensors.values()) tensor.dispose()
      await session.release()
    },
  }
}

/** A protobuf holds 2 GB at most. */
const embeddedLimitBytes = 1.5e9

/** All or nothing: what is fed on every run goes to the card on every run. */
function embeddable(held: FrozenWeights['held']): ReadonlyMap<string, Tensor> {
  const bytes = [...held.values()].reduce((sum, { data }) => sum + data.byteLength, 0)
  return bytes <= embeddedLimitBytes ? held : new Map()
}

/** A card that is missing, lost or full has a code of its own; on a processor no message means that. */
function failureOf(provider: Provider, error: unknown, where: string, message: string): ProblemError {
  if (provider !== 'cpu' && isMissing(error)) return missingDevice(provider, String(error))
  const fault = provider === 'cpu' ? null : deviceFault(error, where)
  return fault ?? computationFailed(message, where, error)
}

/** ONNX Runtime looks for external weights in one folder only (links resolved); they stay memory-mapped. */
function folderOf(files: readonly StoredWeight[]): string | null {
  const folder = files[0]?.folder ?? null
  if (files.some((file) => file.folder !== folder))
    throw computationFailed(
      'The model lies in several folders.',
      folder ?? '',
      'all weights must lie in one folder',
    )
  return folder
}

/**
 * Measured (docs/backends.md): prepacking and the memory pattern double resident memory for no speed; the arena is
 * worth its memory; spinning threads gain nothing and disturb other sessions and programs. The optimizer stays off: it
 * would merge recomputation with the first pass, unfold half-precision weights, and undo `tie`. Numbers too small for
 * full precision (below 1.2e-38) count as 0: the softmax makes them of what is hidden, and Intel's processors take a
 * hundred times as long for each. The runtime sets that for its own threads and, once, for the thread that makes the
 * process's first session, where it then holds for our own arithmetic too (docs/backends.md).
 */
export function sessionSettings(
  threads: number,
  weightsFolder: string | null,
  provider: Provider = 'cpu',
  card?: number,
): ort.InferenceSession.SessionOptions {
  const weights =
    weightsFolder === null ? {} : { model_external_initializers_file_folder_path: weightsFolder }
  return {
    executionProviders: [providerSettings(provider, card)],
    graphOptimizationLevel: 'disabled',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: {
      session: {
        disable_prepacking: '1',
        set_denormal_as_zero: '1',
        intra_op: { allow_spinning: '0' },
        ...weights,
      },
    },
  }
}

interface Loaded extends Around {
  readonly resident: Resident
  readonly frozen: FrozenWeights
}

function createSession(
  graph: Graph,
  session: ort.InferenceSession,
  { runtime, provider, resident, frozen: { held, known } }: Loaded,
): Session {
  const asRuntimeTensor = (tensor: Tensor): ort.Tensor => viewOf(runtime, tensor)
  const trainable = graph.parameters.filter((parameter) => parameter.isTrainable).map(({ value }) => value)
  const fed = [...graph.inputs, ...trainable]
  const heldTensors = new Map([...held].map(([name, tensor]) => [name, asRuntimeTensor(tensor)]))
  let latest: readonly Tensor[] = []
  let isDisposed = false
  return {
    async run(feeds) {
      if (isDisposed) throw new Error('This session was disposed of.')
      const sizes = bindSizes(fed, known, feeds)
      checkPositions(graph, sizes, feeds)
      for (const { data } of latest) release(data)
      const inputs: Record<string, ort.Tensor> = Object.fromEntries([...heldTensors, ...resident.tensors])
      for (const { name } of fed) inputs[name] = asRuntimeTensor(feeds.get(name)!)
      const results = await session.run(inputs).catch((error: unknown) => {
        throw failureOf(provider, error, 'running the model', 'The computation failed.')
      })
      latest = graph.outputs.map(({ name }) => asTensor(results[name]!))
      return new Map(graph.outputs.map(({ name }, index) => [name, latest[index]!]))
    },
    async dispose() {
      if (isDisposed) return
      isDisposed = true
      latest = []
      heldTensors.clear()
      await resident.release()
      await session.release()
    },
  }
}

/** A view: the runtime reads the array itself. */
const viewOf = (runtime: Runtime, { data, shape }: Tensor): ort.Tensor =>
  data instanceof Float32Array
    ? new runtime.Tensor('float32', data, shape)
    : new runtime.Tensor('int64', data, shape)

/** The runtime copies every result into an array of its own, also where it is given one to write to (measured). */
function asTensor({ data, dims, type }: ort.Tensor): Tensor {
  if (type === 'float32') return { dtype: type, shape: dims, data: data as Float32Array }
  if (type === 'int64') return { dtype: type, shape: dims, data: data as BigInt64Array }
  throw new Error(`The runtime returned a tensor of ${type}.`)
}
