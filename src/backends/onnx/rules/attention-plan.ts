// How the queries of an attention op are cut into blocks, and which keys each block has to look at. Computed once in a
// graph for all layers alike, from sizes and segments only: for a loop, or as blocks that stand one behind the other.
// Legend: B rows, S queries of a row, T its keys, n blocks.
import { fewestQueries, mostQueries, scoresLimitBytes } from '#engine/analysis/attention-blocks.ts'
import type { AttentionAttributes, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { elementTypes } from '../model-proto.ts'

export type AttentionPlan = LoopPlan | UnrolledPlan

export interface LoopPlan {
  readonly kind: 'loop'
  /** n, an int64 scalar */
  readonly count: string
  /** int64 [n, 7]: the columns of `BlockBounds`. */
  readonly bounds: string
  /** int64 [1]: the first keys of a row, which every block reads before its own; null where none are shared. */
  readonly shared: string | null
}

export interface UnrolledPlan {
  readonly kind: 'unrolled'
  readonly blocks: readonly UnrolledBlock[]
  readonly shared: null
}

export interface UnrolledBlock {
  readonly bounds: KeyRange
  /** float32 [1]: 0 where the block only repeats the row's last query, else 1; null for a block that never does. */
  readonly counts: string | null
  /** Equal for blocks of equal sizes only. */
  readonly place: string
}

/** Of a block, int64 vectors of length 1: its queries [start, end), its keys [low, high). */
export type KeyRange = Pick<BlockBounds, 'start' | 'end' | 'low' | 'high' | 'parts'>

/**
 * int64 vectors of length 1. The ranges [low, high) of consecutive blocks follow each other: neither end ever falls,
 * they leave no key out between them, the first begins behind the shared keys and the last ends at T.
 */
export interface BlockBounds {
  /** Its queries: [start, end) */
  readonly start: string
  readonly end: string
  /** Its keys: [low, high), at least one */
  readonly low: string
  readonly high: string
  /** `high` of the block before; for the first, where keys of its own begin. */
  readonly below: string
  /** `low` of the block behind, T for the last. */
  readonly above: string
  /** Into how many products its queries are cut for each key head, so that all threads have work. */
  readonly parts: string
}

const boundNames = ['start', 'end', 'low', 'high', 'below', 'above', 'parts'] as const

export interface PlannedOperands {
  readonly q: Value
  readonly k: Value
  readonly querySegments: Value | null
  readonly keySegments: Value | null
}

export function planLoop(
  emit: Emitter,
  operands: PlannedOperands,
  attributes: AttentionAttributes,
): LoopPlan {
  const { q, k, querySegments, keySegments } = operands
  const { heads, kvHeads, causal, window, sharesStart } = attributes
  const facts = [q.shape[0], q.shape[1], k.shape[1], querySegments?.name, keySegments?.name]
  const key = [...facts, heads, kvHeads, causal, window, sharesStart].join()
  return emit.around(() => {
    const shared =
      sharesStart && keySegments
        ? emit.share(`start of ${keySegments.name}`, () => lengthOfStart(emit, keySegments))
        : null
    const bounds = emit.share(`attention blocks of ${key}`, () =>
      boundsOf(emit, operands, attributes, shared ?? emit.integers([0])),
    )
    const count = emit.share(`number of ${bounds}`, () => {
      const size = emit.node('Shape', [bounds], { attributes: { start: 0, end: 1 } })
      return emit.node('Squeeze', [size])
    })
    return { kind: 'loop', count, bounds, shared }
  })
}

/** The bounds of block `index` (an int64 scalar). */
export function boundsOfBlock(emit: Emitter, plan: LoopPlan, index: string): BlockBounds {
  const row = emit.node('Gather', [plan.bounds, index], { attributes: { axis: 0 } })
  const outputs = boundNames.map((name) => emit.fresh(name))
  emit.node('Split', [row], { attributes: { axis: 0, num_outputs: boundNames.length }, outputs })
  return Object.fromEntries(boundNames.map((name, i) => [name, outputs[i]!])) as Record<
    (typeof boundNames)[number],
    string
  >
}

/** int64 [1]: places of segment 0 in the first row; the others have as many. */
function lengthOfStart(emit: Emitter, segments: Value): string {
  const first = emit.node('Slice', [segments.name, emit.integers([0]), emit.integers([1])])
  const isStart = emit.node('Equal', [first, emit.integer(0)])
  const counted = emit.node('Cast', [isStart], { attributes: { to: elementTypes.int64 } })
  return emit.node('ReduceSum', [counted, emit.integers([1])], flat)
}

/** `firstKey`: where the keys begin that are not shared. */
function boundsOf(
  emit: Emitter,
  operands: PlannedOperands,
  attributes: AttentionAttributes,
  firstKey: string,
): string {
  const { start, end } = cutQueries(emit, operands, attributes)
  const ranges = keyRanges(emit, operands, attributes, { start, end, firstKey })
  const all = emit.sizeOf(operands.k.shape[1]!)
  const upToLast = withoutLast(emit, ranges.high)
  const high = joined(emit, upToLast, all)
  const below = joined(emit, firstKey, upToLast)
  const low = emit.node('Min', [ranges.low, below])
  const above = joined(emit, withoutFirst(emit, low), all)
  const parts = partsOf(emit, operands.q, attributes, { start, end })
  const columns = [start, end, low, high, below, above, parts].map((column) =>
    emit.node('Unsqueeze', [column, emit.integers([1])]),
  )
  return emit.node('Concat', columns, { attributes: { axis: 1 } })
}

interface Blocks {
  /** int64 [n] */
  readonly start: string
  readonly end: string
}

/** int64 [1]: queries of a block, at most, as `queriesOfBlock` says; of a window only the keys in it count. */
function blockLimit(emit: Emitter, { q, k }: PlannedOperands, attributes: AttentionAttributes): string {
  const { heads, kvHeads, causal, window } = attributes
  const [rows, queries, keys] = [q.shape[0]!, q.shape[1]!, k.shape[1]!].map((dim) => emit.sizeOf(dim))
  const most = mostQueries(heads, kvHeads, causal)
  const seen = window === null ? keys! : emit.node('Min', [keys!, emit.integers([2 * window + most])])
  const ofQuery = emit.node('Mul', [emit.node('Mul', [rows!, seen]), emit.integers([4 * heads])])
  const limits = [emit.node('Div', [emit.integers([scoresLimitBytes]), ofQuery]), emit.integers([most])]
  if (causal) limits.push(emit.node('Div', [queries!, emit.integers([2])]))
  return emit.node('Max', [emit.node('Min', limits), emit.integers([fewestQueries])])
}

/** Blocks of one size, a multiple of 4 that fits the row; the last takes what is left. */
function cutQueries(emit: Emitter, operands: PlannedOperands, attributes: AttentionAttributes): Blocks {
  const size = emit.sizeOf(operands.q.shape[1]!)
  const dividedUp = (a: string, b: string): string => {
    const more = emit.node('Sub', [emit.node('Add', [a, b]), emit.integers([1])])
    return emit.node('Div', [more, b])
  }
  const equal = dividedUp(size, dividedUp(size, blockLimit(emit, operands, attributes)))
  const step = emit.node('Mul', [dividedUp(equal, emit.integers([4])), emit.integers([4])])
  const [from, to, by] = [emit.integers([0]), size, step].map((name) => emit.node('Squeeze', [name]))
  const start = emit.node('Range', [from!, to!, by!])
  return { start, end: emit.node('Min', [emit.node('Add', [start, step]), size]) }
}

interface Ranges {
  readonly low: string
  readonly high: string
}

/** The keys that some query of a block sees, of any row: int64 [n] each, at least one key for each block. */
function keyRanges(
  emit: Emitter,
  { k, querySegments, keySegments }: PlannedOperands,
  { causal, window }: AttentionAttributes,
  blocks: Blocks & { readonly firstKey: string },
): Ranges {
  const all = emit.sizeOf(k.shape[1]!)
  const none = emit.node('Mul', [blocks.start, emit.integers([0])])
  const low = [emit.node('Add', [none, blocks.firstKey])]
  const high = [emit.node('Add', [none, all])]
  if (causal) high.push(blocks.end)
  if (window !== null) low.push(emit.node('Sub', [blocks.start, emit.integers([window - 1])]))
  if (window !== null) high.push(emit.node('Add', [blocks.end, emit.integers([window - 1])]))
  if (querySegments && keySegments) {
    const last = emit.node('Sub', [blocks.end, emit.integers([1])])
    const segments = { querySegments, keySegments }
    low.push(
      emit.node('ReduceMin', [countKeys(emit, 'Less', blocks.start, segments), emit.integers([0])], flat),
    )
    high.push(
      emit.node('ReduceMax', [countKeys(emit, 'LessOrEqual', last, segments), emit.integers([0])], flat),
    )
  }
  const lowest = emit.node('Min', [emit.node('Max', low), emit.node('Sub', [all, emit.integers([1])])])
  const highest = emit.node('Max', [emit.node('Min', high), emit.node('Add', [lowest, emit.integers([1])])])
  return { low: lowest, high: highest }
}

const flat = { attributes: { keepdims: 0 } }

/** int64 [B,n]: keys of a row whose segment is below (or not above) that of its query at each of `positions` [n]. */
function countKeys(
  emit: Emitter,
  compare: 'Less' | 'LessOrEqual',
  positions: string,
  { querySegments, keySegments }: { querySegments: Value; keySegments: Value },
): string {
  const of = emit.node('Gather', [querySegments.name, positions], { attributes: { axis: 1 } })
  const [limits, keys] = [
    emit.node('Unsqueeze', [of, emit.integers([2])]),
    emit.node('Unsqueeze', [keySegments.name, emit.integers([1])]),
  ]
  const counted = emit.node('Cast', [emit.node(compare, [keys, limits])], {
    attributes: { to: elementTypes.int64 },
  })
  return emit.node('ReduceSum', [counted, emit.integers([2])], flat)
}

/**
 * int64 [n]: the runtime gives each product of a batch to one thread, so an odd number of rows times key heads leaves
 * one of two threads idle at the end. Then the queries of a key head, G heads times s, are cut where they can be.
 */
function partsOf(emit: Emitter, q: Value, { heads, kvHeads }: AttentionAttributes, blocks: Blocks): string {
  const queries = emit.node('Mul', [
    emit.node('Sub', [blocks.end, blocks.start]),
    emit.integers([heads / kvHeads]),
  ])
  const products = emit.node('Mul', [emit.sizeOf(q.shape[0]!), emit.integers([kvHeads])])
  const rest = (a: string, b: number): string => emit.node('Mod', [a, emit.integers([b])])
  const isCut = emit.node('And', [
    emit.node('Equal', [rest(queries, parts), emit.integers([0])]),
    emit.node('Equal', [rest(products, 2), emit.integers([1])]),
  ])
  return emit.node('Where', [isCut, emit.integers([parts]), emit.integers([1])])
}

const parts = 2

const joined = (emit: Emitter, a: string, b: string): string =>
  emit.node('Concat', [a, b], { attributes: { axis: 0 } })

const withoutLast = (emit: Emitter, vector: string): string =>
  emit.node('Slice', [vector, emit.integers([0]), emit.integers([-1])])

const withoutFirst = (emit: Emitter, vector: string): string =>
  emit.node('Slice', [vector, emit.integers([1]), emit.integers([Number.MAX_SAFE_INTEGER])])
