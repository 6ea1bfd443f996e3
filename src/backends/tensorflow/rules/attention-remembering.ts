// Attention of new positions that also see remembered ones, as TensorFlow: few queries, so the whole square at once.
// Legend: B rows, S new positions, M remembered ones, H query heads, K key heads, G = H/K, D head width.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import {
  add,
  batchProduct,
  concat,
  expand,
  fill,
  lessOrEqual,
  multiply,
  range,
  reshape,
  select,
  softmax,
  tanh,
  transpose,
} from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { scalarOf } from './attention-plan.ts'
import type { RulesFor } from './rule.ts'

export const rememberingRules: RulesFor<'rememberingAttention'> = {
  rememberingAttention(emit, { inputs, outputs: [out], attributes }) {
    const [q, k, v, pastK, pastV, pastMask] = inputs
    const { heads, kvHeads, scale, softCap } = attributes
    const width = lastOf(q.shape) / heads
    const [rows, positions] = [q.shape[0]!, q.shape[1]!]
    const behindPast = (past: Value, present: Value): Tensor =>
      concat(
        emit,
        [past, present].map((value) => perHead(emit, value, kvHeads, width)),
        2,
      )
    const factor = emit.scalar(softCap === null ? scale : scale / softCap)
    const perKeyHead = emit.shapeOf([rows, kvHeads, -1, width])
    const queries = reshape(emit, multiply(emit, perHead(emit, q, heads, width), factor), perKeyHead)
    const products = batchProduct(emit, queries, behindPast(pastK, k), { isSecondTurned: true })
    const capped = softCap === null ? products : multiply(emit, tanh(emit, products), emit.scalar(softCap))
    const square = reshape(emit, capped, squareSizes(emit, q, heads))
    const p = softmax(emit, add(emit, square, hidden(emit, pastMask, q)))
    const mixed = batchProduct(
      emit,
      reshape(emit, p, stackedSizes(emit, q, pastMask, kvHeads)),
      behindPast(pastV, v),
    )
    const apart = reshape(emit, mixed, emit.shapeOf([rows, heads, positions, width]))
    const headsLast = transpose(emit, apart, [0, 2, 1, 3])
    emit.setRows(out, reshape(emit, headsLast, emit.integers([-1, heads * width])))
  },
}

/** [B,N,heads*D] as [B,heads,N,D] */
function perHead(emit: Emitter, value: Value, heads: number, width: number): Tensor {
  const apart = emit.shapeOf([value.shape[0]!, value.shape[1]!, heads, width])
  return transpose(emit, reshape(emit, emit.rows(value), apart), [0, 2, 1, 3])
}

/** [B,H,S,M+S] */
const squareSizes = (emit: Emitter, q: Value, heads: number): Tensor =>
  emit.shapeOf([q.shape[0]!, heads, q.shape[1]!, -1])

/** [B,K,G*S,M+S] */
function stackedSizes(emit: Emitter, q: Value, pastMask: Value, kvHeads: number): Tensor {
  const all = add(emit, emit.sizeOf(pastMask.shape[1]!), emit.sizeOf(q.shape[1]!))
  return concat(emit, [emit.sizeOf(q.shape[0]!), emit.integers([kvHeads, -1]), all], 0)
}

/** [B,1,S,M+S]: the mask of what is remembered, then the causal one. Made once for all layers. */
function hidden(emit: Emitter, pastMask: Value, q: Value): Tensor {
  return emit.share(`remembering ${pastMask.name}`, () => {
    const size = emit.sizeOf(q.shape[1]!)
    const mask = expand(emit, expand(emit, emit.whole(pastMask), 1), 1)
    const everyQuery = fill(emit, emit.shapeOf([q.shape[0]!, 1, q.shape[1]!, 1]), emit.scalar(0))
    const places = range(emit, emit.integer(0), scalarOf(emit, size), emit.integer(1))
    const isSeen = lessOrEqual(emit, expand(emit, places, 0), expand(emit, places, 1))
    const causal = select(emit, isSeen, emit.scalar(0), emit.scalar(Number.NEGATIVE_INFINITY))
    return concat(emit, [add(emit, mask, everyQuery), add(emit, causal, everyQuery)], 3)
  })
}
