// How the queries of an attention op are cut into blocks, and which keys each block has to look at. Computed once in a
// graph for all layers alike, from sizes and segments only.
// Legend: B rows, S queries of a row, T its keys, n blocks.
import { fewestQueries, mostQueries, scoresLimitBytes } from '#engine/analysis/attention-blocks.ts'
import type { AttentionAttributes, OpTable, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import {
  add,
  cast,
  equal,
  expand,
  fill,
  floorDivide,
  gather,
  less,
  lessOrEqual,
  max,
  maximum,
  min,
  minimum,
  multiply,
  pack,
  range,
  reshape,
  sizesOf,
  slice,
  subtract,
  sum,
} from '../operators.ts'
import type { Tensor } from '../tensor.ts'

export type AttentionOperands = Readonly<OpTable['attention']['inputs']>

export interface AttentionPlan {
  /** n, an int32 scalar */
  readonly count: Tensor
  /** int32 [n, 4]: of each block its queries [start, end) and its keys [low, high), at least one. */
  readonly bounds: Tensor
  /** int32 scalar: the first keys of a row, which every block reads before its own; null where none are shared. */
  readonly shared: Tensor | null
}

export function planAttention(
  emit: Emitter,
  operands: AttentionOperands,
  attributes: AttentionAttributes,
): AttentionPlan {
  const [q, k, , querySegments, keySegments] = operands
  const { heads, kvHeads, causal, window, sharesStart } = attributes
  const facts = [q.shape[0], q.shape[1], k.shape[1], querySegments?.name, keySegments?.name]
  const key = [...facts, heads, kvHeads, causal, window, sharesStart].join()
  const shared =
    sharesStart && keySegments
      ? emit.share(`start of ${keySegments.name}`, () => lengthOfStart(emit, keySegments))
      : null
  const bounds = emit.share(`attention blocks of ${key}`, () => boundsOf(emit, operands, attributes, shared))
  const count = emit.share(`number of ${bounds.name}`, () =>
    scalarOf(emit, slice(emit, sizesOf(emit, bounds), emit.integers([0]), emit.integers([1]))),
  )
  return { count, bounds, shared }
}

/** A vector of length 1 as a number. */
export const scalarOf = (emit: Emitter, vector: Tensor): Tensor => reshape(emit, vector, emit.integers([]))

/** int32: places of segment 0 in the first row; the others have as many. */
function lengthOfStart(emit: Emitter, segments: Value): Tensor {
  const first = slice(emit, emit.whole(segments), emit.integers([0, 0]), emit.integers([1, -1]))
  return sum(emit, cast(emit, equal(emit, first, emit.integer(0)), 'int32'), [0, 1])
}

function boundsOf(
  emit: Emitter,
  operands: AttentionOperands,
  attributes: AttentionAttributes,
  shared: Tensor | null,
): Tensor {
  const { start, end } = cutQueries(emit, operands, attributes)
  const { low, high } = keyRanges(emit, operands, attributes, { start, end, shared })
  return pack(emit, [start, end, low, high], 1)
}

interface Blocks {
  /** int32 [n] */
  readonly start: Tensor
  readonly end: Tensor
}

/** int32 [1]: queries of a block, at most, as `queriesOfBlock` says; of a window only the keys in it count. */
function blockLimit(emit: Emitter, [q, k]: AttentionOperands, attributes: AttentionAttributes): Tensor {
  const { heads, kvHeads, causal, window } = attributes
  const [rows, queries, keys] = [q.shape[0]!, q.shape[1]!, k.shape[1]!].map((dim) => emit.sizeOf(dim))
  const most = mostQueries(heads, kvHeads, causal)
  const seen = window === null ? keys! : minimum(emit, keys!, emit.integers([2 * window + most]))
  const ofQuery = multiply(emit, multiply(emit, rows!, seen), emit.integers([4 * heads]))
  const fitting = floorDivide(emit, emit.integers([scoresLimitBytes]), ofQuery)
  const short = minimum(emit, fitting, emit.integers([most]))
  const halved = causal ? minimum(emit, short, floorDivide(emit, queries!, emit.integers([2]))) : short
  return maximum(emit, halved, emit.integers([fewestQueries]))
}

/** Blocks of one size, a multiple of 4 that fits the row; the last takes what is left. */
function cutQueries(emit: Emitter, operands: AttentionOperands, attributes: AttentionAttributes): Blocks {
  const size = emit.sizeOf(operands[0].shape[1]!)
  const dividedUp = (a: Tensor, b: Tensor): Tensor =>
    floorDivide(emit, subtract(emit, add(emit, a, b), emit.integers([1])), b)
  const equalSize = dividedUp(size, dividedUp(size, blockLimit(emit, operands, attributes)))
  const four = emit.integers([4])
  const step = multiply(emit, dividedUp(equalSize, four), four)
  const start = range(emit, emit.integer(0), scalarOf(emit, size), scalarOf(emit, step))
  return { start, end: minimum(emit, add(emit, start, step), size) }
}

/** The keys that some query of a block sees, of any row: int32 [n] each, at least one key for each block. */
function keyRanges(
  emit: Emitter,
  [, k, , querySegments, keySegments]: AttentionOperands,
  { causal, window }: AttentionAttributes,
  { start, end, shared }: Blocks & { readonly shared: Tensor | null },
): { readonly low: Tensor; readonly high: Tensor } {
  const all = emit.sizeOf(k.shape[1]!)
  const everyBlock = sizesOf(emit, start)
  let low = fill(emit, everyBlock, shared ?? emit.integer(0))
  let high = causal ? end : fill(emit, everyBlock, scalarOf(emit, all))
  if (window !== null) {
    low = maximum(emit, low, subtract(emit, start, emit.integers([window - 1])))
    high = minimum(emit, high, add(emit, end, emit.integers([window - 1])))
  }
  if (querySegments && keySegments) {
    const last = subtract(emit, end, emit.integers([1]))
    const count = (compare: typeof less, positions: Tensor): Tensor =>
      countKeys(emit, compare, positions, { querySegments, keySegments })
    low = maximum(emit, low, min(emit, count(less, start), [0]))
    high = minimum(emit, high, max(emit, count(lessOrEqual, last), [0]))
  }
  const lowest = minimum(emit, low, subtract(emit, all, emit.integers([1])))
  // A window to both sides may reach behind the last key.
  const highest = minimum(emit, high, all)
  return { low: lowest, high: maximum(emit, highest, add(emit, lowest, emit.integers([1]))) }
}

/** int32 [B,n]: keys of a row whose segment is below (or not above) that of its query at each of `positions` [n]. */
function countKeys(
  emit: Emitter,
  compare: typeof less,
  positions: Tensor,
  { querySegments, keySegments }: { querySegments: Value; keySegments: Value },
): Tensor {
  const limits = expand(emit, gather(emit, emit.whole(querySegments), positions, 1), 2)
  const counted = compare(emit, expand(emit, emit.whole(keySegments), 1), limits)
  return sum(emit, cast(emit, counted, 'int32'), [2])
}
