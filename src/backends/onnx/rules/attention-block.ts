// One block of queries inside the loop over an attention op's blocks: its slices, their layouts, what it may not see,
// and its probabilities.
// Legend: B rows, S queries, T keys, H query heads, K key heads, G = H/K, D head width; of this block: s queries,
// e keys, P parts (see `BlockBounds`).
import type { AttentionAttributes, Dim, OpTable, Value } from '#engine/ir/types.ts'
import { type Emitter, float, lastOf, type NodeOptions, rowsShape } from '../emitter.ts'
import { type AttentionPlan, type BlockBounds, boundsOfBlock, planAttention } from './attention-plan.ts'

export type AttentionOperands = Readonly<OpTable['attention']['inputs']>

/** An attention op as all its blocks know it. */
export class AttentionOp {
  readonly plan: AttentionPlan
  readonly emit: Emitter
  readonly attributes: AttentionAttributes
  readonly operands: AttentionOperands
  /** H, K, D */
  readonly heads: number
  readonly kvHeads: number
  readonly width: number

  constructor(emit: Emitter, operands: AttentionOperands, attributes: AttentionAttributes) {
    const [q, k, , querySegments, keySegments] = operands
    this.emit = emit
    this.operands = operands
    this.attributes = attributes
    this.heads = attributes.heads
    this.kvHeads = attributes.kvHeads
    this.width = lastOf(q.shape) / attributes.heads
    this.plan = planAttention(emit, { q, k, querySegments, keySegments }, attributes)
  }

  get rows(): Dim {
    return this.operands[0].shape[0]!
  }

  get keys(): Dim {
    return this.operands[1].shape[1]!
  }

  /**
   * Whether a query may see nothing at all: not where queries and keys are the same positions, since each then sees
   * itself, unless a mask hides it by minus infinity.
   */
  get mayBeBlind(): boolean {
    const [q, k, , querySegments, keySegments, mask] = this.operands
    if (mask || querySegments !== keySegments) return true
    return this.attributes.window !== null && q.shape[1] !== k.shape[1]
  }

  /** Keys or values [B,T,K*D] as [B,K,T,D]; made once, in the graph around the loops. */
  perHead(value: Value): string {
    const { emit, rows, keys, kvHeads, width } = this
    return emit.around(() =>
      emit.share(`heads ${kvHeads} of ${value.name}`, () =>
        emit.node('Transpose', [emit.viewAs(value, [rows, keys, kvHeads, width])], {
          attributes: { perm: [0, 2, 1, 3] },
          shape: [rows, kvHeads, keys, width],
        }),
      ),
    )
  }

  block(index: string): AttentionBlock {
    return new AttentionBlock(this, boundsOfBlock(this.emit, this.plan, index))
  }

  /** [B,K,T,D] as the value's [B,T,K*D] */
  headsLast(perHead: string, value: Value): void {
    const { emit, rows, keys, kvHeads, width } = this
    const apart = emit.node('Transpose', [perHead], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: [rows, keys, kvHeads, width],
    })
    const flat = emit.reshape(apart, [-1, lastOf(value.shape)], { shape: rowsShape(value.shape) })
    emit.fromRows(flat, value)
  }
}

export interface Probabilities {
  /** [B,H,s,e]: softmax of `scores` */
  readonly p: string
  /** [B,H,s,e]: the final scores */
  readonly scores: string
  /** tanh(score / cap) as [B,K,P,G*s/P,e], where there is a cap */
  readonly capped: string | null
}

export class AttentionBlock {
  readonly bounds: BlockBounds
  /** bool [B or 1,1,s,1]: which queries see a key; null where all do. */
  readonly sees: string | null
  readonly #op: AttentionOp
  readonly #emit: Emitter
  readonly #queries: string
  readonly #keys: string
  /** What is added to the scores, [B or 1,H or 1,s,e]; null where that is nothing. */
  readonly #bias: { readonly name: string; readonly shape: readonly Dim[] } | null

  constructor(op: AttentionOp, bounds: BlockBounds) {
    this.#op = op
    this.#emit = op.emit
    this.bounds = bounds
    this.#queries = op.emit.node('Sub', [bounds.end, bounds.start])
    this.#keys = op.emit.node('Sub', [bounds.high, bounds.low])
    const hidden = this.#hidden()
    this.sees = hidden && op.mayBeBlind ? this.#seen(hidden.name) : null
    this.#bias = this.#withLearned(this.sees && hidden ? this.#orNothing(hidden, this.sees) : hidden)
  }

  /** [B,K,P,G*s/P,w] */
  stackedShape(width: Dim): readonly Dim[] {
    return [this.#op.rows, this.#op.kvHeads, 'parts', 'stack', width]
  }

  /** [B,H,s,w] */
  squareShape(width: Dim): readonly Dim[] {
    return [this.#op.rows, this.#op.heads, 'queries', width]
  }

  #slice(name: string, axis: number, from: string, to: string, shape: readonly Dim[]): string {
    return this.#emit.node('Slice', [name, from, to, this.#emit.integers([axis])], { shape })
  }

  #sizes(parts: readonly (number | string)[]): string {
    const names = parts.map((part) => (typeof part === 'number' ? this.#emit.integers([part]) : part))
    return this.#emit.node('Concat', names, { attributes: { axis: 0 } })
  }

  /** The block's queries of [B,S,H*D] as [B,H,s,D]. */
  queries(value: Value): string {
    const { heads, width, rows } = this.#op
    const { start, end } = this.bounds
    const slice = this.#slice(value.name, 1, start, end, [rows, 'queries', lastOf(value.shape)])
    const apart = this.#emit.reshape(slice, [0, 0, heads, width])
    return this.#emit.node('Transpose', [apart], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: this.squareShape(width),
    })
  }

  /** [B,H,s,w] as [B,K,P,G*s/P,w]: a view. Key heads and values are then never repeated. */
  stacked(name: string, width: Dim): string {
    const size = typeof width === 'number' ? width : this.#keys
    const target = this.#emit.share(`stacked ${size}`, () =>
      this.#sizes([0, this.#op.kvHeads, this.bounds.parts, -1, size]),
    )
    return this.#emit.node('Reshape', [name, target], { shape: this.stackedShape(width) })
  }

  /** [B,K,P,G*s/P,e] as [B,H,s,e]: a view. */
  square(name: string): string {
    const target = this.#emit.share('square', () => this.#sizes([0, this.#op.heads, -1, this.#keys]))
    return this.#emit.node('Reshape', [name, target], { shape: this.squareShape('keys') })
  }

  /** The block's keys of [B,K,T,w] as [B,K,1,e,w]. */
  keys(perHead: string, width: number): string {
    const { rows, kvHeads } = this.#op
    const { low, high } = this.bounds
    return this.#emit.share(`keys of ${perHead}`, () => {
      const slice = this.#slice(perHead, 2, low, high, [rows, kvHeads, 'keys', width])
      return this.#emit.node('Unsqueeze', [slice, this.#emit.integers([2])])
    })
  }

  multiply(a: string, b: string, options: NodeOptions): string {
    return this.#emit.node('FusedMatMul', [a, b], { domain: 'com.microsoft', ...options })
  }

  /** q: the block's queries as [B,K,P,G*s/P,D] */
  probabilities(q: string): Probabilities {
    const { attributes, operands, width } = this.#op
    const emit = this.#emit
    const cap = attributes.softCap
    const shape = this.stackedShape('keys')
    const alpha = float(cap === null ? attributes.scale : attributes.scale / cap)
    const products = this.multiply(q, this.keys(this.#op.perHead(operands[1]), width), {
      attributes: { transB: 1, alpha },
      shape,
    })
    const capped = cap === null ? null : emit.node('Tanh', [products], { shape })
    const raw = capped === null ? products : emit.node('Mul', [capped, emit.scalar(cap!)], { shape })
    const square = this.square(raw)
    const squareShape = this.squareShape('keys')
    const scores = this.#bias ? emit.node('Add', [square, this.#bias.name], { shape: squareShape }) : square
    const p = emit.node('Softmax', [scores], { attributes: { axis: -1 }, shape: squareShape })
    return { p, scores, capped }
  }

  /** Where a query sees nothing, `otherwise`: name is [B,H,s,w]. */
  onlySeeing(name: string, width: number, otherwise: number): string {
    if (!this.sees) return name
    const shape = this.squareShape(width)
    return this.#emit.node('Where', [this.sees, name, this.#emit.scalar(otherwise)], { shape })
  }

  /** [B,K,P,G*s/P,D] as the block's [B,s,H*D], 0 where a query sees nothing. */
  joined(stacked: string): string {
    const { heads, width, rows } = this.#op
    const perHead = this.#emit.reshape(stacked, [0, heads, -1, width], { shape: this.squareShape(width) })
    const headsLast = this.#emit.node('Transpose', [this.onlySeeing(perHead, width, 0)], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: [rows, 'queries', heads, width],
    })
    return this.#emit.reshape(headsLast, [0, 0, -1])
  }

  /**
   * Adds the gradient of the block's keys, [B,K,P,e,D], to that of keys which blocks behind saw, [B,K,above - high,D]
   * once ahead of it are as many zeros as the block begins earlier. Keys that blocks before will not see are done.
   */
  closeKeys(perPart: string, open: string): readonly [done: string, open: string] {
    const emit = this.#emit
    const { rows, kvHeads, width } = this.#op
    const { low, below, above } = this.bounds
    const shape = [rows, kvHeads, 'keys', width]
    const own = emit.node('ReduceSum', [perPart, emit.integers([2])], { attributes: { keepdims: 0 }, shape })
    const padding = emit.share('padding', () =>
      this.#sizes([0, 0, emit.node('Sub', [above, low]), 0, 0, 0, 0, 0]),
    )
    const sum = emit.node('Add', [emit.node('Pad', [open, padding], { shape }), own], { shape })
    const middle = emit.share('keys of blocks before', () => emit.node('Sub', [below, low]))
    const done = this.#slice(sum, 2, middle, this.#keys, [rows, kvHeads, 'done', width])
    return [done, this.#slice(sum, 2, emit.integers([0]), middle, [rows, kvHeads, 'open', width])]
  }

  /** [B,K,P,G*s/P,e], summed over the rows, as [s,T,H]. */
  onAllKeys(stacked: string): string {
    const emit = this.#emit
    const { heads, keys } = this.#op
    const { low, high } = this.bounds
    const sum = emit.node('ReduceSum', [this.square(stacked), emit.integers([0])], {
      attributes: { keepdims: 0 },
      shape: [heads, 'queries', 'keys'],
    })
    const behind = emit.node('Sub', [emit.around(() => emit.sizeOf(keys)), high])
    const padding = this.#sizes([0, low, 0, 0, behind, 0])
    const headsLast = emit.node('Transpose', [sum], {
      attributes: { perm: [1, 2, 0] },
      shape: ['queries', 'keys', heads],
    })
    return emit.node('Pad', [headsLast, padding])
  }

  /**
   * 0 where a query may look, minus infinity where it may not, plus the mask. Minus infinity and not a large number: a
   * row whose own mask is all "large negative" must still not see the future, or another document.
   */
  #hidden(): { readonly name: string; readonly shape: readonly Dim[] } | null {
    const emit = this.#emit
    const [, , , querySegments, keySegments, mask] = this.#op.operands
    const rows = this.#op.rows
    const { start, end, low, high } = this.bounds
    let hidden = this.#byPosition()
    if (querySegments && keySegments) {
      const queries = emit.node('Slice', [querySegments.name, start, end, emit.integers([1])])
      const keys = emit.node('Slice', [keySegments.name, low, high, emit.integers([1])])
      const isSame = emit.node('Equal', [
        emit.node('Unsqueeze', [queries, emit.integers([1, 3])]),
        emit.node('Unsqueeze', [keys, emit.integers([1, 2])]),
      ])
      const shape = [rows, 1, 'queries', 'keys']
      const otherwise = emit.scalar(Number.NEGATIVE_INFINITY)
      hidden = {
        name: emit.node('Where', [isSame, hidden?.name ?? emit.scalar(0), otherwise], { shape }),
        shape,
      }
    }
    if (!mask) return hidden
    const ofQueries = this.#slice(mask.name, 1, start, end, [rows, 'queries', this.#op.keys])
    const own = this.#slice(ofQueries, 2, low, high, [rows, 'queries', 'keys'])
    const name = emit.node('Unsqueeze', [own, emit.integers([1])])
    const shape = [rows, 1, 'queries', 'keys']
    return { name: hidden ? emit.node('Add', [hidden.name, name], { shape }) : name, shape }
  }

  /** What index alone hides, [1,1,s,e]: keys behind a causal query, keys beyond the window. */
  #byPosition(): { readonly name: string; readonly shape: readonly Dim[] } | null {
    const emit = this.#emit
    const { causal, window } = this.#op.attributes
    if (!causal && window === null) return null
    const shape = [1, 1, 'queries', 'keys']
    const infinite = emit.node(
      'Expand',
      [emit.scalar(Number.NEGATIVE_INFINITY), this.#sizes([1, 1, this.#queries, this.#keys])],
      { shape },
    )
    const ahead = emit.node('Squeeze', [emit.node('Sub', [this.bounds.start, this.bounds.low])])
    const from = (offset: number): string => emit.node('Add', [ahead, emit.integer(offset)])
    const triangle = (upper: 0 | 1, diagonal: string): string =>
      emit.node('Trilu', [infinite, diagonal], { attributes: { upper }, shape })
    const above = triangle(1, from(causal ? 1 : window!))
    if (window === null) return { name: above, shape }
    return { name: emit.node('Add', [above, triangle(0, from(-window))], { shape }), shape }
  }

  #seen(hidden: string): string {
    const emit = this.#emit
    const most = emit.node('ReduceMax', [hidden, emit.integers([-1])])
    return emit.node('Greater', [most, emit.scalar(Number.NEGATIVE_INFINITY)])
  }

  /** A query that sees nothing is let see everything, so that no number becomes NaN; what it gives is not used. */
  #orNothing(
    hidden: { readonly name: string; readonly shape: readonly Dim[] },
    sees: string,
  ): { readonly name: string; readonly shape: readonly Dim[] } {
    const { shape } = hidden
    return { name: this.#emit.node('Where', [sees, hidden.name, this.#emit.scalar(0)], { shape }), shape }
  }

  /** With the learned bias [S,T,H], as [H,s,e] of this block. */
  #withLearned(
    hidden: { readonly name: string; readonly shape: readonly Dim[] } | null,
  ): { readonly name: string; readonly shape: readonly Dim[] } | null {
    const emit = this.#emit
    const { operands, heads, keys } = this.#op
    const bias = operands[6]
    if (!bias) return hidden
    const { start, end, low, high } = this.bounds
    const ofQueries = this.#slice(bias.name, 0, start, end, ['queries', keys, heads])
    const own = this.#slice(ofQueries, 1, low, high, ['queries', 'keys', heads])
    const name = emit.node('Transpose', [own], {
      attributes: { perm: [2, 0, 1] },
      shape: [heads, 'queries', 'keys'],
    })
    if (!hidden) return { name, shape: [heads, 'queries', 'keys'] }
    const shape = [hidden.shape[0]!, heads, 'queries', 'keys']
    return { name: emit.node('Add', [hidden.name, name], { shape }), shape }
  }
}
