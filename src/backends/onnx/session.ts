// Runs lowered graphs with ONNX Runtime on the CPU: the only file of this room that touches the runtime or the disk.
// `run` computes on the calling thread although it returns a promise: call it where nobody waits for that thread.
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import * as ort from 'onnxruntime-node'
import type {
  Backend,
  CompileOptions,
  FilePart,
  QuantisedLocation,
  Session,
  Tensor,
  TensorData,
} from '#engine/backend-port.ts'
import type { Graph, Value } from '#engine/ir/types.ts'
import { quietRuntime } from '#shared/quiet-runtime.ts'
import { attemptAsync, ProblemError } from '#shared/result.ts'
import { bindSizes, checkPositions, type Sizes } from './feeds.ts'
import { lowerGraph } from './lower.ts'
import { encodeModel } from './model-proto.ts'
import { decodeAbsmax, type Nf4Location } from './quantised.ts'
import { absmaxName, bytesOf, partsOf, type StoredWeight } from './stored-weights.ts'

// A thread has a copy of the environment: what it sets does not reach the runtime.
if (process.env[quietRuntime.name] !== quietRuntime.value) {
  if (!isMainThread)
    throw new Error(`${quietRuntime.name} must be set before a thread is started that uses ONNX Runtime`)
  process.env[quietRuntime.name] = quietRuntime.value
}

export function createOnnxBackend(): Backend {
  return {
    name: `onnxruntime-node ${ort.env.versions.node ?? 'unknown'} cpu`,
    determinism: 'bit-exact on this machine',
    compile: (graph, options) => attemptAsync(() => compile(graph, options)),
  }
}

async function compile(graph: Graph, options: CompileOptions): Promise<Session> {
  const frozen = graph.parameters.filter((parameter) => !parameter.isTrainable).map(({ value }) => value)
  const held = new Map<string, Tensor>()
  const decoded = new Map<string, Tensor>()
  const files: StoredWeight[] = []
  const sizes = new Map<string, number>()
  for (const value of frozen) {
    const location = options.weights.get(value.name)
    if (!location) throw missingWeight(value)
    if (location.kind === 'memory') held.set(value.name, location.tensor)
    else files.push(await checkedFile(value, location, sizes))
    if (location.kind === 'quantised' && location.scheme === 'nf4')
      decoded.set(absmaxName(value.name), await readAbsmax(location))
  }
  const isHeld = frozen.filter(({ name }) => held.has(name))
  const known = bindSizes(isHeld, sizes, held)
  const settings = sessionSettings(options.threads, folderOf(files))
  const model = encodeModel(lowerGraph(graph, options.weights))
  const runtime = await ort.InferenceSession.create(model, settings).catch((error: unknown) => {
    throw failed('The computation could not be prepared.', 'preparing the model', error)
  })
  return createSession(graph, runtime, { held: new Map([...held, ...decoded]), known })
}

/** ONNX Runtime looks for external weights in one folder only (links resolved); they stay memory-mapped. */
function folderOf(files: readonly StoredWeight[]): string | null {
  const folder = files[0]?.folder ?? null
  if (files.some((file) => file.folder !== folder))
    throw failed('The model lies in several folders.', folder ?? '', 'all weights must lie in one folder')
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
): ort.InferenceSession.SessionOptions {
  const weights =
    weightsFolder === null ? {} : { model_external_initializers_file_folder_path: weightsFolder }
  return {
    executionProviders: ['cpu'],
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

/** A mapped file that is shorter than its header says would kill the process at the first read behind its end. */
async function checkedFile(
  value: Value,
  location: StoredWeight,
  sizes: Map<string, number>,
): Promise<StoredWeight> {
  const where = `${location.file}, ${value.name}`
  if (/[/\\]/.test(location.file)) throw damaged(where, 'the file name contains a path')
  if (location.kind === 'quantised') checkBlocks(location, where)
  const fits = value.shape.every((dim, axis) => {
    const size = location.shape[axis]
    if (typeof dim === 'string' && size !== undefined && !sizes.has(dim)) sizes.set(dim, size)
    return size === (typeof dim === 'string' ? sizes.get(dim) : dim)
  })
  if (!fits || location.shape.length !== value.shape.length)
    throw damaged(where, `shape [${location.shape.join()}], expected [${value.shape.join()}]`)
  const { size } = await stat(join(location.folder, location.file)).catch((error: unknown) => {
    throw damaged(where, String(error))
  })
  for (const [name, part] of partsOf(value.name, location)) {
    if (part.lengthBytes !== bytesOf(part))
      throw damaged(where, `${name}: ${part.lengthBytes} bytes, expected ${bytesOf(part)}`)
    if (size < part.offsetBytes + part.lengthBytes)
      throw damaged(where, `${name}: the file ends at byte ${size}, before the tensor does`)
  }
  return location
}

/** Whole blocks in every row: the quantiser leaves other weights as they are. */
function checkBlocks({ shape, blockValues }: QuantisedLocation, where: string): void {
  if (shape.length !== 2 || shape[1]! % blockValues !== 0)
    throw damaged(where, `shape [${shape.join()}] is not one of rows of blocks of ${blockValues} values`)
}

async function readAbsmax(location: Nf4Location): Promise<Tensor> {
  const file = await open(join(location.folder, location.file))
  try {
    const read = async ({ offsetBytes, lengthBytes }: FilePart): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = new Uint8Array(lengthBytes)
      await file.read(bytes, 0, lengthBytes, offsetBytes)
      return bytes
    }
    const scales = new Float32Array((await read(location.absmaxScales)).buffer)
    const data = decodeAbsmax(location, await read(location.absmaxCodes), scales)
    return { dtype: 'float32', shape: [data.length], data }
  } finally {
    await file.close()
  }
}

interface Frozen {
  /** Weights in memory, and scales of others, passed along on every run. */
  readonly held: ReadonlyMap<string, Tensor>
  /** Symbols whose size the weights decide. */
  readonly known: Sizes
}

function createSession(graph: Graph, runtime: ort.InferenceSession, { held, known }: Frozen): Session {
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
      for (const { data } of latest) free(data)
      const inputs: Record<string, ort.Tensor> = Object.fromEntries(heldTensors)
      for (const { name } of fed) inputs[name] = asRuntimeTensor(feeds.get(name)!)
      const results = await runtime.run(inputs).catch((error: unknown) => {
        throw failed('The computation failed.', 'running the model', error)
      })
      latest = graph.outputs.map(({ name }) => asTensor(results[name]!))
      return new Map(graph.outputs.map(({ name }, index) => [name, latest[index]!]))
    },
    async dispose() {
      if (isDisposed) return
      isDisposed = true
      latest = []
      heldTensors.clear()
      await runtime.release()
    },
  }
}

/** A view: the runtime reads the array itself. */
const asRuntimeTensor = (tensor: Tensor): ort.Tensor =>
  tensor.data instanceof Float32Array
    ? new ort.Tensor('float32', tensor.data, tensor.shape)
    : new ort.Tensor('int64', tensor.data, tensor.shape)

/** The runtime copies every result into an array of its own, also where it is given one to write to (measured). */
function asTensor({ data, dims, type }: ort.Tensor): Tensor {
  if (type === 'float32') return { dtype: type, shape: dims, data: data as Float32Array }
  if (type === 'int64') return { dtype: type, shape: dims, data: data as BigInt64Array }
  throw new Error(`The runtime returned a tensor of ${type}.`)
}

/** Gives an array's memory back now: the collector, which sees only small objects, lets several runs' results pile up. */
const free = (data: TensorData): void => {
  if (data.buffer instanceof ArrayBuffer) data.buffer.transfer(0)
}

const missingWeight = (value: Value): ProblemError =>
  new ProblemError({
    code: 'model.missing-tensor',
    message: 'A part of the model is missing.',
    where: value.name,
    remedy: 'Add the model again.',
  })

const damaged = (where: string, details: string): ProblemError =>
  new ProblemError({
    code: 'model.damaged',
    message: 'A weights file of the model is missing or not what it should be.',
    where,
    remedy: 'Remove this model from the library and add it again.',
    details,
  })

const failed = (message: string, where: string, error: unknown): ProblemError =>
  new ProblemError({
    code: 'backend.failed',
    message,
    where,
    remedy: 'Try again with smaller batches or fewer threads; if it fails again, report it with the details.',
    details: error instanceof Error ? error.message : String(error),
  })
