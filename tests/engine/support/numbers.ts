// Tensors for engine tests (random ones in float64, from the engine's own generator), and how far two of them are apart.
import type { NumericTensor, Tensor } from '../../../src/engine/index.ts'
import { counterRandom } from '../../../src/engine/index.ts'

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)

export function randomTensor(
  shape: readonly number[],
  purpose: string,
  scale = 1,
): NumericTensor & { readonly data: Float64Array } {
  const random = counterRandom(17, purpose)
  return { shape, data: Float64Array.from({ length: countOf(shape) }, (_, i) => (2 * random(i) - 1) * scale) }
}

export function wholeTensor(shape: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'int64', shape, data: BigInt64Array.from(values, (value) => BigInt(value)) }
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

/** |a - b| / |b| over whole tensors; infinite where their lengths differ, so that a missing tensor is seen. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  const difference = Array.from(a, (value, i) => value - (b[i] as number))
  return norm(difference) / Math.max(norm(b), 1e-300)
}
