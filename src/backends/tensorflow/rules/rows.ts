// Embedding, selection of rows and weighted sums as TensorFlow.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import { batchProduct, expand, gather, multiply, reshape, sumByPlace } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { readRows } from '../weights.ts'
import type { RulesFor } from './rule.ts'

export const rowRules: RulesFor<
  | 'embedding'
  | 'embeddingBackward'
  | 'gatherRows'
  | 'gatherRowsBackward'
  | 'weightedSum'
  | 'weightedSumBackward'
> = {
  embedding(emit, { inputs: [table, ids], outputs: [y] }) {
    emit.setRows(y, readRows(emit, table, flat(emit, ids)))
  },

  embeddingBackward(emit, { inputs: [dy, ids], outputs: [dTable], attributes }) {
    emit.setRows(
      dTable,
      sumByPlace(emit, emit.rows(dy), flat(emit, ids), emit.integer(attributes.vocabulary)),
    )
  },

  gatherRows(emit, { inputs: [x, rows], outputs: [y] }) {
    emit.setRows(y, gather(emit, emit.rows(x), emit.whole(rows)))
  },

  gatherRowsBackward(emit, { inputs: [dy, rows, like], outputs: [dx] }) {
    const count = emit.share(`rows [${like.shape.slice(0, -1).join()}]`, () =>
      reshape(
        emit,
        like.shape
          .slice(0, -1)
          .map((dim) => emit.sizeOf(dim))
          .reduce((product, size) => multiply(emit, product, size)),
        emit.integers([]),
      ),
    )
    emit.setRows(dx, sumByPlace(emit, emit.rows(dy), emit.whole(rows), count))
  },

  weightedSum(emit, { inputs: [x, weights], outputs: [y] }) {
    const line = expand(emit, emit.whole(weights), 1)
    const sums = batchProduct(emit, line, emit.whole(x))
    emit.setRows(y, reshape(emit, sums, emit.integers([-1, lastOf(y.shape)])))
  },

  weightedSumBackward(emit, { inputs: [dy, weights], outputs: [dx] }) {
    const column = expand(emit, emit.whole(weights), 2)
    emit.setWhole(dx, multiply(emit, expand(emit, emit.whole(dy), 1), column))
  },
}

const flat = (emit: Emitter, ids: Value): Tensor =>
  emit.share(`flat ${ids.name}`, () => reshape(emit, emit.whole(ids), emit.integers([-1])))
