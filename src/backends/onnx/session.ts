// Runs lowered graphs with ONNX Runtime on the CPU: the only file of this room that touches the runtime.
// `run` computes on the calling thread although it returns a promise: call it where nobody waits for that thread.
import { isMainThread } from 'node:worker_threads'
import * as ort from 'onnxruntime-node'
import type { Backend, CompileOptions, Session, Tensor } from '#engine/backend-port.ts'
import type { Graph } from '#engine/ir/types.ts'
import { quietRuntime } from '#shared/quiet-runtime.ts'
import { attemptAsync } from '#shared/result.ts'
import { bindSizes, checkPositions } from '../feeds.ts'
import { release } from '../release.ts'
import type { StoredWeight } from '../stored-weights.ts'
import { bindFrozen, computationFailed, type FrozenWeights } from '../weight-files.ts'
import { lowerGraph } from './lower.ts'
import { encodeModel } from './model-proto.ts'

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
  const frozen = await bindFrozen(graph, options.weights)
  const settings = sessionSettings(options.threads, folderOf(frozen.files))
  const model = encodeModel(lowerGraph(graph, options.weights))
  const runtime = await ort.InferenceSession.create(model, settings).catch((error: unknown) => {
    throw computationFailed('The computation could not be prepared.', 'preparing the model', error)
  })
  return createSession(graph, runtime, frozen)
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

function createSession(graph: Graph, runtime: ort.InferenceSession, { held, known }: FrozenWeights): Session {
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
      const inputs: Record<string, ort.Tensor> = Object.fromEntries(heldTensors)
      for (const { name } of fed) inputs[name] = asRuntimeTensor(feeds.get(name)!)
      const results = await runtime.run(inputs).catch((error: unknown) => {
        throw computationFailed('The computation failed.', 'running the model', error)
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
