// One block of queries of an attention op: its slices, their layouts, what it may not see,
// and its probabilities.
// Legend: B rows, S queries, T keys, H query heads, K key heads, G = H/K, D head width; of this block: s queries,
// e keys, P parts (see `BlockBounds`).
import type { Dim, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { multiplyBatched, multiplyByTurned, multiplyTurned } from '../products.ts'
import { lastOf } from '../shapes.ts'
import { type Added, addedTo, hiddenFrom, orNothing, seenBy } from './attention-hidden.ts'
import type { AttentionOp } from './attention-op.ts'
import type { BlockBounds, KeyRange } from './attention-plan.ts'

export interface Probabilities {
  /** [B,H,s,e]: softmax of `scores` */
  readonly p: string
  /** [B,H,s,e]: the final scores */
  readonly scores: string
  /** tanh(score / cap) as [B,K,P,G*s/P,e], where there is a cap */
  readonly capped: string | null
}

export class AttentionBlock {
  /** bool [B or 1,1,s,1]: which queries see a key; null where all do. */
  readonly sees: string | null
  readonly #bounds: KeyRange
  readonly #op: AttentionOp
  readonly #emit: Emitter
  /** Keys that its queries look at, and those of them that are not shared: int64 [1]. */
  readonly #keys: string
  readonly #ownKeys: string
  readonly #added: Added | null

  constructor(op: AttentionOp, bounds: KeyRange) {
    this.#op = op
    this.#emit = op.emit
    this.#bounds = bounds
    this.#ownKeys = op.emit.node('Sub', [this.#bounds.high, this.#bounds.low])
    const { shared } = op.plan
    this.#keys = shared === null ? this.#ownKeys : op.emit.node('Add', [this.#ownKeys, shared])
    const hidden = hiddenFrom(op, this.#bounds)
    this.sees = hidden && op.mayBeBlind ? seenBy(op.emit, hidden) : null
    this.#added = addedTo(
      op,
      this.#bounds,
      this.sees && hidden ? orNothing(op.emit, hidden, this.sees) : hidden,
    )
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
    const { start, end } = this.#bounds
    const slice = this.#slice(value.name, 1, start, end, [rows, 'queries', lastOf(value.shape)])
    const apart = this.#emit.reshape(slice, [0, 0, heads, width])
    return this.#emit.node('Transpose', [apart], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: this.squareShape(width),
    })
  }

  /** The block's part of a number for each query, [B,H,S,1] -> [B,H,s,1]. */
  queryNumbers(perHead: string): string {
    return this.#slice(perHead, 2, this.#bounds.start, this.#bounds.end, this.squareShape(1))
  }

  /** [B,H,s,w] as [B,K,P,G*s/P,w]: a view. Key heads and values are then never repeated. */
  stacked(name: string, width: Dim): string {
    const size = typeof width === 'number' ? width : this.#keys
    const target = this.#emit.share(`stacked ${size}`, () =>
      this.#sizes([0, this.#op.kvHeads, this.#bounds.parts, -1, size]),
    )
    return this.#emit.node('Reshape', [name, target], { shape: this.stackedShape(width) })
  }

  /** [B,K,P,G*s/P,e] as [B,H,s,e]: a view. */
  square(name: string): string {
    const target = this.#emit.share('square', () => this.#sizes([0, this.#op.heads, -1, this.#keys]))
    return this.#emit.node('Reshape', [name, target], { shape: this.squareShape('keys') })
  }

  /** The block's keys of [B,K,T,w] as [B,K,1,e,w]: shared ones first. */
  keys(perHead: string, width: number): string {
    const { rows, kvHeads } = this.#op
    const { low, high } = this.#bounds
    return this.#emit.share(`keys of ${perHead}`, () => {
      const shared = this.#op.sharedKeys(perHead, width)
      const own = this.#slice(perHead, 2, low, high, [rows, kvHeads, this.#op.ownKeys, width])
      const shape = [rows, kvHeads, 'keys', width]
      const all =
        shared === null ? own : this.#emit.node('Concat', [shared, own], { attributes: { axis: 2 }, shape })
      return this.#emit.node('Unsqueeze', [all, this.#emit.integers([2])])
    })
  }

  /** Gradients of the block's keys, [B,K,e,D], as those of shared ones (null: none are) and of its own. */
  apart(gradients: string): readonly [shared: string | null, own: string] {
    const { shared } = this.#op.plan
    if (shared === null) return [null, gradients]
    const none = this.#emit.integers([0])
    return [
      this.#slice(gradients, 2, none, shared, this.#op.keyHeadShape('start')),
      this.#slice(gradients, 2, shared, this.#keys, this.#op.keyHeadShape(this.#op.ownKeys)),
    ]
  }

  /** scale * a b^T: a [B,K,P,G*s/P,w], b [B,K,1,e,w]. */
  byKeys(a: string, b: string, width: number, scale: number): string {
    const shapes = {
      ofA: this.stackedShape(width),
      turned: [this.#op.rows, this.#op.kvHeads, 1, width, 'keys'],
    }
    return multiplyByTurned(this.#emit, { a, b, scale, shape: this.stackedShape('keys') }, shapes)
  }

  /** scale * a b: a [B,K,P,G*s/P,e], b [B,K,1,e,D] */
  mix(a: string, b: string, scale: number): string {
    const shape = this.stackedShape(this.#op.width)
    return multiplyBatched(this.#emit, { a, b, scale, shape })
  }

  /** q: the block's queries as [B,K,P,G*s/P,D] */
  probabilities(q: string): Probabilities {
    const { attributes, operands, width } = this.#op
    const emit = this.#emit
    const cap = attributes.softCap
    const shape = this.stackedShape('keys')
    const scale = cap === null ? attributes.scale : attributes.scale / cap
    const products = this.byKeys(q, this.keys(this.#op.perHead(operands[1]), width), width, scale)
    const capped = cap === null ? null : emit.node('Tanh', [products], { shape })
    const raw = capped === null ? products : emit.node('Mul', [capped, emit.scalar(cap!)], { shape })
    const square = this.square(raw)
    const squareShape = this.squareShape('keys')
    const scores = this.#added ? emit.node('Add', [square, this.#added.name], { shape: squareShape }) : square
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
    return this.#emit.reshape(headsLast, [0, 0, heads * width])
  }

  /** [B,K,P,G*s/P,w] as [B,K,G*s,w]: a view, for sums over all queries of a key head. */
  merged(name: string, width: Dim): string {
    const size = typeof width === 'number' ? width : this.#keys
    const target = this.#emit.share(`merged ${size}`, () => this.#sizes([0, this.#op.kvHeads, -1, size]))
    return this.#emit.node('Reshape', [name, target], { shape: this.#op.keyHeadShape('group', width) })
  }

  /** a^T b over all queries of a key head: [B,K,G*s,e] and [B,K,G*s,D] -> [B,K,e,D] */
  sumOverQueries(a: string, b: string, scale: number): string {
    const shape = this.#op.keyHeadShape('keys')
    return multiplyTurned(this.#emit, { a, b, scale, shape }, 'group')
  }

  /**
   * Adds the gradient of the block's own keys, [B,K,e,D], to that of the block behind, [B,K,e',D]: zeros are put before it,
   * as the block begins earlier, and what lies behind the block is cut off. Returns the sum, and of it the keys that
   * blocks before will not see: they are done.
   */
  addKeys(
    own: string,
    behind: string,
    { low, high, below, above }: BlockBounds,
  ): readonly [sum: string, done: string] {
    const emit = this.#emit
    const padding = emit.share('padding', () => {
      const kept = emit.node('Sub', [high, above])
      const length = emit.node('Shape', [behind], { attributes: { start: 2, end: 3 } })
      return this.#sizes([0, 0, emit.node('Sub', [above, low]), 0, 0, 0, emit.node('Sub', [kept, length]), 0])
    })
    const shape = this.#op.keyHeadShape(this.#op.ownKeys)
    const sum = emit.node('Add', [emit.node('Pad', [behind, padding], { shape }), own], { shape })
    const before = emit.share('keys of blocks before', () => emit.node('Sub', [below, low]))
    return [sum, this.#slice(sum, 2, before, this.#ownKeys, this.#op.keyHeadShape('done'))]
  }

  /** The gradient of the block's own keys, [B,K,e,D], as [B,K,T,D]: 0 for all others. */
  amongAllKeys(own: string): string {
    const emit = this.#emit
    const { low, high } = this.#bounds
    const padding = emit.share('padding', () => {
      const behind = emit.node('Sub', [emit.around(() => emit.sizeOf(this.#op.keys)), high])
      return this.#sizes([0, 0, low, 0, 0, 0, behind, 0])
    })
    return emit.node('Pad', [own, padding], { shape: this.#op.keyHeadShape(this.#op.keys) })
  }

  /** [B,K,P,G*s/P,e], summed over the rows, as [s,T,H]. */
  onAllKeys(stacked: string): string {
    const emit = this.#emit
    const { heads, keys } = this.#op
    const { low, high } = this.#bounds
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
}
