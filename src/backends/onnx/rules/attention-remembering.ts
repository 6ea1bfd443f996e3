// Attention of new positions that also see remembered ones, as ONNX: few queries, so the whole square at once.
// Legend: B rows, S new positions, M remembered ones, H query heads, K key heads, G = H/K, D head width.
import type { Dim, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { multiplyByTurned } from '../products.ts'
import { lastOf, productOf, rowsShape } from '../shapes.ts'
import type { RulesFor } from './rule.ts'

export const rememberingRules: RulesFor<'rememberingAttention'> = {
  rememberingAttention(emit, { inputs, outputs: [out], attributes }) {
    const [q, k, v, pastK, pastV, pastMask] = inputs
    const { heads, scale, softCap } = attributes
    const sizes = sizesOf(inputs, attributes)
    const { rows, positions, kvHeads, all, width } = sizes
    const stacked = productOf([heads / kvHeads, positions])
    const queries = emit.reshape(split(emit, q, positions, heads, sizes), [0, kvHeads, -1, width], {
      shape: [rows, kvHeads, stacked, width],
    })
    const product = {
      a: queries,
      b: behindPast(emit, pastK, k, sizes),
      scale: softCap === null ? scale : scale / softCap,
      shape: [rows, kvHeads, stacked, all],
    }
    const scores = multiplyByTurned(emit, product, {
      ofA: [rows, kvHeads, stacked, width],
      turned: [rows, kvHeads, width, all],
    })
    const shape = [rows, heads, positions, all]
    const square = capped(emit, emit.reshape(scores, [0, heads, -1, 0], { shape }), softCap, shape)
    const biased = emit.node('Add', [square, hidden(emit, pastMask, sizes)], { shape })
    const p = emit.node('Softmax', [biased], { attributes: { axis: -1 }, shape })
    const seen = emit.reshape(p, [0, kvHeads, -1, 0], { shape: [rows, kvHeads, stacked, all] })
    const mixed = emit.node('MatMul', [seen, behindPast(emit, pastV, v, sizes)], {
      shape: [rows, kvHeads, stacked, width],
    })
    const perHead = emit.reshape(mixed, [0, heads, -1, width], { shape: [rows, heads, positions, width] })
    const headsLast = emit.node('Transpose', [perHead], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: [rows, positions, heads, width],
    })
    emit.fromRows(emit.reshape(headsLast, [-1, lastOf(out.shape)], { shape: rowsShape(out.shape) }), out)
  },
}

interface Sizes {
  readonly rows: Dim
  readonly positions: Dim
  readonly remembered: Dim
  /** M + S: a symbol of its own. */
  readonly all: Dim
  readonly kvHeads: number
  readonly width: number
}

function sizesOf(
  [q, , , pastK]: readonly [Value, Value, Value, Value, ...Value[]],
  { heads, kvHeads }: { readonly heads: number; readonly kvHeads: number },
): Sizes {
  const [rows, positions] = [q.shape[0]!, q.shape[1]!]
  const remembered = pastK.shape[1]!
  const all = `${remembered}+${positions}`
  return { rows, positions, remembered, all, kvHeads, width: lastOf(q.shape) / heads }
}

/** [B,N,heads*D] -> [B,heads,N,D] */
function split(emit: Emitter, value: Value, positions: Dim, heads: number, { rows, width }: Sizes): string {
  return emit.node('Transpose', [emit.viewAs(value, [rows, positions, heads, width])], {
    attributes: { perm: [0, 2, 1, 3] },
    shape: [rows, heads, positions, width],
  })
}

/** Remembered keys or values before the new ones: [B,K,M+S,D]. */
function behindPast(emit: Emitter, past: Value, present: Value, sizes: Sizes): string {
  const { rows, positions, remembered, all, kvHeads, width } = sizes
  const parts = [
    split(emit, past, remembered, kvHeads, sizes),
    split(emit, present, positions, kvHeads, sizes),
  ]
  return emit.node('Concat', parts, { attributes: { axis: 2 }, shape: [rows, kvHeads, all, width] })
}

/** cap * tanh(x), where x are scores divided by the cap already. */
function capped(emit: Emitter, scores: string, cap: number | null, shape: readonly Dim[]): string {
  if (cap === null) return scores
  return emit.node('Mul', [emit.node('Tanh', [scores], { shape }), emit.scalar(cap)], { shape })
}

/** [B,1,S,M+S]: the mask of what is remembered, then the causal one. Made once for all layers. */
function hidden(emit: Emitter, pastMask: Value, { rows, positions, remembered, all }: Sizes): string {
  return emit.share(`remembering ${pastMask.name}`, () => {
    const mask = emit.node('Unsqueeze', [pastMask.name, emit.integers([1, 2])])
    const past = emit.node('Expand', [mask, emit.shapeOf([rows, 1, positions, remembered])])
    const infinite = emit.node('Expand', [
      emit.scalar(Number.NEGATIVE_INFINITY),
      emit.shapeOf([rows, 1, positions, positions]),
    ])
    const present = emit.node('Trilu', [infinite, emit.integer(1)], { attributes: { upper: 1 } })
    const shape = [rows, 1, positions, all]
    return emit.node('Concat', [past, present], { attributes: { axis: 3 }, shape })
  })
}
