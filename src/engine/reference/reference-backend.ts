// The reference interpreter as a backend: for tests and as the truth of the conformance suite. Weights in memory only.
import { attempt, ProblemError, type Result } from '#shared/result.ts'
import type { Backend, CompileOptions, Session, Tensor } from '../backend-port.ts'
import type { Graph, Value } from '../ir/types.ts'
import { interpret, type NumericTensor, type Precision } from './interpret.ts'
import type { DenseArray } from './kernels/dense.ts'
import { holdTraining } from './resident-training.ts'

function frozenWeight(value: Value, options: CompileOptions): NumericTensor {
  const location = options.weights.get(value.name)
  if (!location)
    throw new ProblemError({
      code: 'model.missing-tensor',
      message: `The model's files do not hold the weight ${value.name}.`,
      where: value.name,
      remedy: 'Download the model again, or choose another model.',
    })
  if (location.kind === 'memory') return location.tensor
  throw new ProblemError({
    code: 'backend.failed',
    message: 'The reference backend reads weights from memory only.',
    where: value.name,
    remedy: 'Choose the ONNX backend.',
  })
}

function toTensor(value: Value, { shape, data }: DenseArray): Tensor {
  if (value.dtype === 'int64')
    return { dtype: 'int64', shape, data: BigInt64Array.from(data, (whole) => BigInt(whole)) }
  return { dtype: 'float32', shape, data: Float32Array.from(data) }
}

function createSession(
  graph: Graph,
  weights: ReadonlyMap<string, NumericTensor>,
  precision: Precision,
  resident: CompileOptions['resident'],
): Session {
  const trainable = graph.parameters.filter(({ isTrainable }) => isTrainable).map(({ value }) => value)
  const held = resident && holdTraining(trainable, resident)
  return {
    ...(held && { resident: held }),
    async run(feeds) {
      const fed = new Map<string, NumericTensor>([...weights, ...(held?.feeds ?? []), ...feeds])
      const results = interpret(graph, fed, precision)
      const outputs = new Map(
        graph.outputs.map((value) => [value.name, toTensor(value, results.get(value.name) as DenseArray)]),
      )
      return held ? held.add(outputs) : outputs
    },
    async dispose() {},
  }
}

/** A backend that computes every op by its definition. Results are float32 tensors at either precision. */
export function createReferenceBackend({ precision }: { readonly precision: Precision }): Backend {
  return {
    name: `reference ${precision}`,
    determinism: 'bit-exact on this machine',
    trainsResident: true,
    async compile(graph, options): Promise<Result<Session>> {
      return attempt(() => {
        const frozen = graph.parameters.filter(({ isTrainable }) => !isTrainable)
        const weights = new Map(frozen.map(({ value }) => [value.name, frozenWeight(value, options)]))
        return createSession(graph, weights, precision, options.resident)
      })
    },
  }
}
