// How trained weights start: a pure function of seed and name, and of the model's weights.
import type { LinearDescription, ModelConfig, NamedShape, Task } from '../models/config.ts'
import { headShapes } from '../models/shapes.ts'
import { counterRandom } from '../random.ts'
import { adaptedLinears, adapterName, adapterShapes, type MethodSpec, methodShapes } from './methods.ts'

/** A weight of the model's files as float32, by its Hugging Face name; null where they do not hold it. */
export type ReadWeight = (name: string) => Promise<Float32Array | null>

/** Standard deviation of a new head's matrices: `initializer_range` of the families. */
const headDeviation = 0.02

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** A [r,I]: uniform in [-1/sqrt(I), 1/sqrt(I)), as PEFT's kaiming_uniform(a = sqrt 5) gives. */
function initialA({ name, shape }: NamedShape, seed: number): Float32Array {
  const random = counterRandom(seed, `adapter ${name}`)
  const bound = 1 / Math.sqrt(shape[1]!)
  return Float32Array.from({ length: countOf(shape) }, (_, i) => (2 * random(i) - 1) * bound)
}

/** A head's matrix: normal(0, 0.02), two uniform numbers each (Box & Muller 1958). A bias: 0. */
function initialHead({ name, shape }: NamedShape, seed: number): Float32Array {
  const length = countOf(shape)
  if (shape.length === 1) return new Float32Array(length)
  const random = counterRandom(seed, `head ${name}`)
  return Float32Array.from({ length }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random(2 * i)))
    return headDeviation * radius * Math.cos(2 * Math.PI * random(2 * i + 1))
  })
}

/** The norm of each row of a weight [O,I]; of each column where it is kept input first, as [I,O]. */
export function rowNorms(weight: Float32Array, linear: LinearDescription): Float32Array {
  const { path, inputWidth, outputWidth, isInputFirst } = linear
  if (weight.length !== inputWidth * outputWidth)
    throw new Error(`${path}: expected ${outputWidth} x ${inputWidth} numbers, got ${weight.length}`)
  const [outputStride, inputStride] = isInputFirst ? [1, outputWidth] : [inputWidth, 1]
  return Float32Array.from({ length: outputWidth }, (_, o) => {
    let squares = 0
    for (let i = 0; i < inputWidth; i += 1) squares += weight[o * outputStride + i * inputStride]! ** 2
    return Math.sqrt(squares)
  })
}

export interface InitialValuesRequest {
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly task: Task
  readonly seed: number
  /** Asked once for each trained weight of the model and, for DoRA, for each adapted one. */
  readonly read: ReadWeight
}

/**
 * First values of every trained weight. Those of the model are read; a head that the files do not hold in its size is
 * drawn. An adapter adds nothing at first: B is zero, and DoRA's magnitudes are the row norms of the weight.
 */
export async function initialValues(
  request: InitialValuesRequest,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { config, method, task, seed, read } = request
  const readOwn = async (name: string): Promise<Float32Array> => {
    const values = await read(name)
    if (!values) throw new Error(`the model's files do not hold ${name}`)
    return values
  }
  const values = new Map<string, Float32Array>()
  const heads = new Set(headShapes(config, task).map(({ name }) => name))
  for (const { name, shape, isTrained } of methodShapes(config, method, task).model) {
    if (!isTrained) continue
    const held = heads.has(name) ? await read(name) : await readOwn(name)
    const isNew = heads.has(name) && held?.length !== countOf(shape)
    values.set(name, held && !isNew ? held : initialHead({ name, shape }, seed))
  }
  const isA = new Set(adaptedLinears(config, method).map(({ path }) => adapterName(path, 'A')))
  for (const weight of adapterShapes(config, method))
    values.set(
      weight.name,
      isA.has(weight.name) ? initialA(weight, seed) : new Float32Array(countOf(weight.shape)),
    )
  if (method.kind === 'lora' && method.decomposed)
    for (const linear of adaptedLinears(config, method))
      values.set(
        adapterName(linear.path, 'magnitude'),
        rowNorms(await readOwn(`${linear.path}.weight`), linear),
      )
  return values
}
