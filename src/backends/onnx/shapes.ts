// Shapes as the lowering counts them: the rows of a tensor, and products of sizes with symbols. Pure.
import type { Dim } from '#engine/ir/types.ts'

/** The product of sizes: a number, or a symbol of its own such as 'B*S'. Equal symbols are equal sizes. */
export function productOf(dims: readonly Dim[]): Dim {
  const known = dims.filter((dim) => typeof dim === 'number').reduce((product, size) => product * size, 1)
  const symbols = dims.filter((dim) => typeof dim === 'string')
  if (symbols.length === 0) return known
  return known === 1 ? symbols.join('*') : `${known}*${symbols.join('*')}`
}

/** [..., C] -> [rows, C]; vectors stay what they are. */
export const rowsShape = (shape: readonly Dim[]): readonly Dim[] =>
  shape.length < 3 ? shape : [productOf(shape.slice(0, -1)), shape.at(-1)!]

export function lastOf(shape: readonly Dim[]): number {
  const last = shape.at(-1)
  if (typeof last !== 'number') throw new Error(`The last dimension of [${shape.join()}] must be a number.`)
  return last
}
