// Dense arrays and the small loops that kernels are made of.
import type { OpKind, OpTable, Value } from '../../ir/types.ts'

/** Row-major numbers; whole numbers are held exactly as floats. */
export interface DenseArray {
  readonly shape: readonly number[]
  readonly data: Float64Array | Float32Array
}

/** Zeroed results of a node in float64, for its kernel to fill. */
export interface DenseResult {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

type Filled<Tuple> = {
  readonly [Index in keyof Tuple]: Tuple[Index] extends Value
    ? DenseArray
    : Tuple[Index] extends Value | null
      ? DenseArray | null
      : never
}

type Results<Tuple> = { readonly [Index in keyof Tuple]: DenseResult }

export type Operands<K extends OpKind> = Filled<OpTable[K]['inputs']>

export type Kernels = {
  readonly [K in OpKind]: (
    inputs: Operands<K>,
    results: Results<OpTable[K]['outputs']>,
    attributes: Readonly<OpTable[K]['attributes']>,
  ) => void
}

interface Shaped {
  readonly shape: readonly number[]
}

/** Reads a cell that the shapes guarantee to exist. */
export const at = (data: ArrayLike<number>, index: number): number => data[index] as number

export function increase(data: Float64Array, index: number, by: number): void {
  data[index] = at(data, index) + by
}

export const lastDim = (array: Shaped): number => array.shape.at(-1) ?? 1
export const dim = (array: Shaped, axis: number): number => array.shape[axis] ?? 1

/** Rows of an array seen as [rows, last dimension]. */
export const rowCount = (array: DenseArray): number => array.data.length / Math.max(1, lastDim(array))

export function indexAt(indices: DenseArray, position: number, size: number, what: string): number {
  const index = at(indices.data, position)
  if (index >= 0 && index < size) return index
  throw new RangeError(`${what} ${index} is not below ${size}`)
}

export function dot(a: DenseArray, aStart: number, b: DenseArray, bStart: number, width: number): number {
  let sum = 0
  for (let i = 0; i < width; i += 1) sum += at(a.data, aStart + i) * at(b.data, bStart + i)
  return sum
}

/** target[start..] += factor * source[from..] */
export function addScaled(
  target: DenseResult,
  start: number,
  source: DenseArray,
  from: number,
  width: number,
  factor: number,
): void {
  for (let i = 0; i < width; i += 1) increase(target.data, start + i, factor * at(source.data, from + i))
}

/** Fills every cell of a result from its index. */
export function fill(result: DenseResult, cell: (index: number) => number): void {
  for (let i = 0; i < result.data.length; i += 1) result.data[i] = cell(i)
}

/**
 * Writes softmax(scores) into `out` from `start` on; returns log of the sum of exponentials. Scores of -infinity get
 * nothing; where all are, all get 0 and the sum's log is -infinity.
 */
export function softmax(scores: ArrayLike<number>, out: Float64Array, start: number): number {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < scores.length; i += 1) highest = Math.max(highest, at(scores, i))
  if (highest === Number.NEGATIVE_INFINITY) {
    out.fill(0, start, start + scores.length)
    return highest
  }
  let sum = 0
  for (let i = 0; i < scores.length; i += 1) {
    const power = Math.exp(at(scores, i) - highest)
    out[start + i] = power
    sum += power
  }
  for (let i = 0; i < scores.length; i += 1) out[start + i] = at(out, start + i) / sum
  return highest + Math.log(sum)
}
