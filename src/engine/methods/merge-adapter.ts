// An adapter worked into the weights that it is on: the model that then stands alone, without anything beside it.
import type { LinearDescription } from '../models/config.ts'
import { adapterScale, type LoraMethod } from './methods.ts'

export interface LinearAdapter {
  /** A [r,I] */
  readonly a: Float32Array
  /** B [O,r] */
  readonly b: Float32Array
  /** DoRA's m [O]; null without. */
  readonly magnitude: Float32Array | null
}

/**
 * W + s B A, and with DoRA m (W + s B A) / ||W + s B A|| by rows of W [O,I] (Liu et al. 2024, eq. 5), in the layout of
 * `weight` ([I,O] where the input is first). Sums are made in float64 and rounded once. Changes `weight` and returns it.
 */
export function mergeAdapter(
  weight: Float32Array,
  linear: LinearDescription,
  method: LoraMethod,
  { a, b, magnitude }: LinearAdapter,
): Float32Array {
  const { inputWidth, outputWidth, isInputFirst, path } = linear
  const { rank } = method
  if (weight.length !== inputWidth * outputWidth || b.length !== outputWidth * rank)
    throw new Error(`${path}: the adapter does not fit the weight`)
  const [outputStride, inputStride] = isInputFirst ? [1, outputWidth] : [inputWidth, 1]
  const scale = adapterScale(method)
  const row = new Float64Array(inputWidth)
  for (let o = 0; o < outputWidth; o += 1) {
    for (let i = 0; i < inputWidth; i += 1) row[i] = weight[o * outputStride + i * inputStride]!
    for (let r = 0; r < rank; r += 1) {
      const factor = scale * b[o * rank + r]!
      const start = r * inputWidth
      for (let i = 0; i < inputWidth; i += 1) row[i]! += factor * a[start + i]!
    }
    const size = magnitude === null ? 1 : magnitude[o]! / normOf(row)
    for (let i = 0; i < inputWidth; i += 1) weight[o * outputStride + i * inputStride] = size * row[i]!
  }
  return weight
}

function normOf(row: Float64Array): number {
  let squares = 0
  for (const value of row) squares += value * value
  return Math.sqrt(squares)
}
