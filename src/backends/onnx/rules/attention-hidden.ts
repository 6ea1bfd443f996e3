// What is added to the scores of one block of queries: minus infinity where a query may not look, the mask, the learned
// bias.
// Legend: B rows, S queries, T keys, H query heads; of this block: s queries, e keys.
import type { Dim } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import type { AttentionOp } from './attention-op.ts'
import type { KeyRange } from './attention-plan.ts'

/** [B or 1,H or 1,s,e] */
export interface Added {
  readonly name: string
  readonly shape: readonly Dim[]
}

/**
 * 0 where a query may look, minus infinity where it may not, plus the mask; null where nothing is hidden. Minus infinity
 * and not a large number: a row whose own mask is all "large negative" must still not see the future, or another
 * document.
 */
export function hiddenFrom(op: AttentionOp, bounds: KeyRange): Added | null {
  const { emit, rows, keys } = op
  const mask = op.operands[5]
  const hidden = withShared(op, bounds, bySegment(op, bounds, byPosition(op, bounds)))
  if (!mask) return hidden
  const ofQueries = cut(emit, mask.name, [1, bounds.start, bounds.end], [rows, 'queries', keys])
  const own = cut(emit, ofQueries, [2, bounds.low, bounds.high], [rows, 'queries', 'keys'])
  const name = emit.node('Unsqueeze', [own, emit.integers([1])])
  const shape = [rows, 1, 'queries', 'keys']
  return { name: hidden ? emit.node('Add', [hidden.name, name], { shape }) : name, shape }
}

/** What index alone hides, [1,1,s,e]: keys behind a causal query, keys beyond the window. */
function byPosition(op: AttentionOp, { start, end, low, high }: KeyRange): Added | null {
  const { emit } = op
  const { causal, window } = op.attributes
  if (!causal && window === null) return null
  const shape = [1, 1, 'queries', op.ownKeys]
  const [queries, keys] = [emit.node('Sub', [end, start]), emit.node('Sub', [high, low])]
  const sizes = emit.node('Concat', [emit.integers([1, 1]), queries, keys], { attributes: { axis: 0 } })
  const infinite = emit.node('Expand', [emit.scalar(Number.NEGATIVE_INFINITY), sizes], { shape })
  const ahead = emit.node('Squeeze', [emit.node('Sub', [start, low])])
  const triangle = (upper: 0 | 1, offset: number): string =>
    emit.node('Trilu', [infinite, emit.node('Add', [ahead, emit.integer(offset)])], {
      attributes: { upper },
      shape,
    })
  const above = triangle(1, causal ? 1 : window!)
  if (window === null) return { name: above, shape }
  return { name: emit.node('Add', [above, triangle(0, -window)], { shape }), shape }
}

/** With what is hidden of the shared keys, which lie before the block's own: from queries of the start, what is behind them. */
function withShared(
  { emit, plan, rows }: AttentionOp,
  { start, end }: KeyRange,
  own: Added | null,
): Added | null {
  if (plan.shared === null || own === null) return own
  const size = [
    emit.around(() => emit.sizeOf(rows)),
    emit.integers([1]),
    emit.node('Sub', [end, start]),
    plan.shared,
  ]
  const infinite = emit.node('Expand', [
    emit.scalar(Number.NEGATIVE_INFINITY),
    emit.node('Concat', size, { attributes: { axis: 0 } }),
  ])
  const behind = emit.node('Add', [emit.node('Squeeze', [start]), emit.integer(1)])
  const shared = emit.node('Trilu', [infinite, behind], {
    attributes: { upper: 1 },
    shape: [rows, 1, 'queries', 'start'],
  })
  const shape = [rows, 1, 'queries', 'keys']
  return { name: emit.node('Concat', [shared, own.name], { attributes: { axis: 3 }, shape }), shape }
}

/** With minus infinity where the key is of another segment than the query. */
function bySegment(op: AttentionOp, { start, end, low, high }: KeyRange, hidden: Added | null): Added | null {
  const { emit, operands, rows } = op
  const [, , , querySegments, keySegments] = operands
  if (!querySegments || !keySegments) return hidden
  const [ofQueries, ofKeys] = [querySegments, keySegments].map((segments) => comparable(emit, segments.name))
  const queries = emit.node('Slice', [ofQueries!, start, end, emit.integers([1])])
  const keys = emit.node('Slice', [ofKeys!, low, high, emit.integers([1])])
  const ofKey = emit.node('Unsqueeze', [keys, emit.integers([1, 2])])
  const isEqual = emit.node('Equal', [emit.node('Unsqueeze', [queries, emit.integers([1, 3])]), ofKey])
  const isSame =
    op.plan.kind === 'unrolled' && op.attributes.sharesStart ? orStart(emit, isEqual, ofKey) : isEqual
  const shape = [rows, 1, 'queries', op.ownKeys]
  const [same, other] = [hidden?.name ?? emit.scalar(0), emit.scalar(Number.NEGATIVE_INFINITY)]
  return { name: emit.node('Where', [isSame, same, other], { shape }), shape }
}

/** Segments as WebGPU can compare them, which knows no comparison of int64. */
function comparable(emit: Emitter, segments: string): string {
  if (emit.dialect === 'cpu') return segments
  return emit.around(() => emit.share(`comparable ${segments}`, () => emit.castToFloat(segments, {})))
}

/** Where no block reads the shared keys besides its own, the mask shows them: keys of segment 0, to every segment. */
const orStart = (emit: Emitter, isEqual: string, ofKey: string): string =>
  emit.node('Or', [isEqual, emit.node('Equal', [ofKey, emit.scalar(0)])])

/** bool [B or 1,1,s,1]: whether a query sees any key. */
export function seenBy(emit: Emitter, hidden: Added): string {
  const most = emit.node('ReduceMax', [hidden.name, emit.integers([-1])])
  return emit.node('Greater', [most, emit.scalar(Number.NEGATIVE_INFINITY)])
}

/** A query that sees nothing is let see everything, so that no number becomes NaN; what it gives is not used. */
export function orNothing(emit: Emitter, { name, shape }: Added, sees: string): Added {
  return { name: emit.node('Where', [sees, name, emit.scalar(0)], { shape }), shape }
}

/** With the learned bias [S,T,H], as [H,s,e] of this block. */
export function addedTo(op: AttentionOp, bounds: KeyRange, hidden: Added | null): Added | null {
  const { emit, heads, keys } = op
  const bias = op.operands[6]
  if (!bias) return hidden
  const ofQueries = cut(emit, bias.name, [0, bounds.start, bounds.end], ['queries', keys, heads])
  const own = cut(emit, ofQueries, [1, bounds.low, bounds.high], ['queries', 'keys', heads])
  const shape = [heads, 'queries', 'keys']
  const name = emit.node('Transpose', [own], { attributes: { perm: [2, 0, 1] }, shape })
  if (!hidden) return { name, shape }
  const both = [hidden.shape[0]!, ...shape]
  return { name: emit.node('Add', [hidden.name, name], { shape: both }), shape: both }
}

type Range = readonly [axis: number, from: string, to: string]

const cut = (emit: Emitter, name: string, [axis, from, to]: Range, shape: readonly Dim[]): string =>
  emit.node('Slice', [name, from, to, emit.integers([axis])], { shape })
