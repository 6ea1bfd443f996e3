// Products of two matrices that are rounded to bfloat16 first, where such products are wanted. The sums within a product are
// float32 all the same, and so is what is handed on.
import type { Emitter } from './emitter.ts'
import { batchProduct, cast, matrixProduct, type Turned } from './operators.ts'
import type { Tensor } from './tensor.ts'

/** Rows as bfloat16, once for all products of a region that read them. */
export const halved = (emit: Emitter, rows: Tensor): Tensor =>
  emit.shareNearby(`${rows.name} in bfloat16`, () => cast(emit, rows, 'bfloat16'))

/** Of float32 matrices. */
export function halvedProduct(emit: Emitter, a: Tensor, b: Tensor, turned: Turned): Tensor {
  if (emit.products === 'float32') return matrixProduct(emit, a, b, turned)
  return cast(emit, matrixProduct(emit, halved(emit, a), halved(emit, b), turned), 'float32')
}

/** As bfloat16 where products are, for many products of one block. */
export const narrowed = (emit: Emitter, x: Tensor): Tensor =>
  emit.products === 'float32' ? x : cast(emit, x, 'bfloat16')

/** Of many pairs of matrices, as they are or already rounded. */
export const halvedBatchProduct = (emit: Emitter, a: Tensor, b: Tensor, turned: Turned = {}): Tensor =>
  cast(emit, batchProduct(emit, narrowed(emit, a), narrowed(emit, b), turned), 'float32')
