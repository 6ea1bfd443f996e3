// Compares results of two backends by the largest difference, in units of what float32 can promise.
import type { Tensor } from '#engine/backend-port.ts'

export interface Difference {
  readonly name: string
  readonly index: number
  readonly expected: number
  readonly actual: number
  /** |actual - expected| / (scale of the tensor), scale = max(1, largest finite |expected|) */
  readonly relative: number
}

/**
 * The worst difference over all tensors. Missing tensors, other shapes, NaN, and an infinity that is not the same on
 * both sides count as infinitely different.
 */
export function worstDifference(
  expected: ReadonlyMap<string, Tensor>,
  actual: ReadonlyMap<string, Tensor>,
): Difference {
  let worst: Difference = { name: 'none', index: 0, expected: 0, actual: 0, relative: 0 }
  for (const [name, tensor] of expected) {
    const other = actual.get(name)
    const fits = other && other.shape.join() === tensor.shape.join()
    if (!fits) return { name, index: -1, expected: Number.NaN, actual: Number.NaN, relative: Infinity }
    let scale = 1
    for (const value of tensor.data)
      if (Number.isFinite(Number(value))) scale = Math.max(scale, Math.abs(Number(value)))
    for (const [index, value] of tensor.data.entries()) {
      const [a, b] = [Number(other.data[index]), Number(value)]
      const isMeasured = Number.isFinite(a) && Number.isFinite(b)
      const relative = a === b ? 0 : isMeasured ? Math.abs(a - b) / scale : Infinity
      if (relative > worst.relative) worst = { name, index, expected: b, actual: a, relative }
    }
  }
  return worst
}
