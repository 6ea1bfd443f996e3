// Random tensors in float64 for engine tests, from the engine's own counter-based generator.
import type { Graph, NumericTensor, Value } from '../../../src/engine/index.ts'
import { counterRandom } from '../../../src/engine/index.ts'

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)

export function randomTensor(shape: readonly number[], purpose: string, scale = 1): NumericTensor {
  const random = counterRandom(17, purpose)
  return { shape, data: Float64Array.from({ length: countOf(shape) }, (_, i) => (2 * random(i) - 1) * scale) }
}

export function wholeTensor(shape: readonly number[], values: readonly number[]): NumericTensor {
  return { shape, data: BigInt64Array.from(values, (value) => BigInt(value)) }
}

export function randomWholeTensor(shape: readonly number[], below: number, purpose: string): NumericTensor {
  const random = counterRandom(18, purpose)
  return wholeTensor(
    shape,
    Array.from({ length: countOf(shape) }, (_, i) => Math.floor(random(i) * below)),
  )
}

export function valueNamed(graph: Graph, name: string): Value {
  const values = [
    ...graph.inputs,
    ...graph.parameters.map((parameter) => parameter.value),
    ...graph.nodes.flatMap((node) => [...node.outputs]),
  ]
  const found = values.find((value) => value.name === name)
  if (!found) throw new Error(`no value is named ${name}`)
  return found
}

export function norm(data: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < data.length; i += 1) sum += (data[i] as number) ** 2
  return Math.sqrt(sum)
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY
  for (let i = 0; i < a.length; i += 1)
    largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)))
  return largest
}

export const relativeDifference = (a: number, b: number): number =>
  Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-300)

/** |a - b| / |b| over whole tensors. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const difference = Array.from(a, (value, i) => value - (b[i] as number))
  return norm(difference) / Math.max(norm(b), 1e-300)
}
