// One block of queries inside the loop over an attention op's blocks: its slices, what it may not see, its probabilities.
// Legend: B rows, S queries, T keys, H query heads, K key heads, G = H/K, D head width; of this block: s queries, e keys,
// shared ones among them.
import type { Emitter } from '../emitter.ts'
import {
  add,
  batchProduct,
  both,
  concat,
  either,
  equal,
  expand,
  gather,
  greater,
  less,
  lessOrEqual,
  max,
  multiply,
  pack,
  pad,
  range,
  reshape,
  select,
  slice,
  softmax,
  subtract,
  tanh,
  transpose,
  unpack,
} from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import type { AttentionOp } from './attention-op.ts'

export interface Probabilities {
  /** [B,H,s,e]: softmax of `scores`, 0 where a query sees nothing */
  readonly p: Tensor
  /** [B,H,s,e]: the final scores */
  readonly scores: Tensor
  /** tanh(score / cap) as [B,K,G*s,e], where there is a cap */
  readonly capped: Tensor | null
}

export class AttentionBlock {
  /** bool [B or 1,1,s,1]: which queries see a key; null where all do. */
  readonly sees: Tensor | null
  readonly #op: AttentionOp
  readonly #emit: Emitter
  readonly #start: Tensor
  readonly #end: Tensor
  readonly #low: Tensor
  readonly #high: Tensor
  /** s and e */
  readonly #queries: Tensor
  readonly #keys: Tensor
  readonly #added: Tensor | null

  /** Block number `index`, an int32 scalar. */
  constructor(op: AttentionOp, index: Tensor) {
    const { emit, plan } = op
    this.#op = op
    this.#emit = emit
    const [start, end, low, high] = unpack(emit, gather(emit, plan.bounds, index), 4)
    this.#start = start!
    this.#end = end!
    this.#low = low!
    this.#high = high!
    this.#queries = subtract(emit, end!, start!)
    const own = subtract(emit, high!, low!)
    this.#keys = plan.shared ? add(emit, plan.shared, own) : own
    const hidden = this.#hidden()
    this.sees =
      hidden && op.mayBeBlind
        ? greater(emit, max(emit, hidden, [-1], true), emit.scalar(Number.NEGATIVE_INFINITY))
        : null
    this.#added = this.#withBias(
      this.sees && hidden ? select(emit, this.sees, hidden, emit.scalar(0)) : hidden,
    )
  }

  #vector(parts: readonly (number | Tensor)[]): Tensor {
    const numbers = parts.map((part) => (typeof part === 'number' ? this.#emit.integer(part) : part))
    return pack(this.#emit, numbers, 0)
  }

  /** A range along one of `rank` dimensions. */
  #cut(tensor: Tensor, rank: number, axis: number, from: Tensor | number, count: Tensor): Tensor {
    const at = (place: Tensor | number, otherwise: number) =>
      this.#vector(Array.from({ length: rank }, (_, i) => (i === axis ? place : otherwise)))
    return slice(this.#emit, tensor, at(from, 0), at(count, -1))
  }

  /** The block's keys along a dimension, shared ones first. */
  #cutKeys(tensor: Tensor, rank: number, axis: number): Tensor {
    const { shared } = this.#op.plan
    const own = this.#cut(tensor, rank, axis, this.#low, subtract(this.#emit, this.#high, this.#low))
    return shared ? concat(this.#emit, [this.#cut(tensor, rank, axis, 0, shared), own], axis) : own
  }

  /** The block's part of [B,H,S,w] as [B,K,G*s,w]: key heads are then never repeated. */
  stackedQueries(perHead: Tensor, width: number): Tensor {
    const own = this.#cut(perHead, 4, 2, this.#start, this.#queries)
    return reshape(this.#emit, own, this.#vector([this.#op.rows, this.#op.attributes.kvHeads, -1, width]))
  }

  /** The block's part of [B,K,T,w] as [B,K,e,w]. */
  keys(perHead: Tensor): Tensor {
    return this.#cutKeys(perHead, 4, 2)
  }

  /** [B,H,s,e] as [B,K,G*s,e]: a view. */
  stacked(square: Tensor): Tensor {
    const { rows, attributes } = this.#op
    return reshape(this.#emit, square, this.#vector([rows, attributes.kvHeads, -1, this.#keys]))
  }

  /** The other way round. */
  square(stacked: Tensor): Tensor {
    const { rows, attributes } = this.#op
    return reshape(this.#emit, stacked, this.#vector([rows, attributes.heads, -1, this.#keys]))
  }

  /** [B,K,G*s,D] as a piece [s,B,H,D]. */
  piece(stacked: Tensor): Tensor {
    const { rows, attributes, width } = this.#op
    const perHead = reshape(this.#emit, stacked, this.#vector([rows, attributes.heads, -1, width]))
    return transpose(this.#emit, perHead, [2, 0, 1, 3])
  }

  /** queries [B,K,G*s,D], scaled, and keys [B,K,e,D] */
  probabilities(queries: Tensor, keys: Tensor): Probabilities {
    const emit = this.#emit
    const { softCap } = this.#op.attributes
    const products = batchProduct(emit, queries, keys, { isSecondTurned: true })
    const capped = softCap === null ? null : tanh(emit, products)
    const raw = this.square(capped ? multiply(emit, capped, emit.scalar(softCap!)) : products)
    const scores = this.#added ? add(emit, raw, this.#added) : raw
    const p = softmax(emit, scores)
    return { p: this.onlySeeing(p, 0), scores, capped }
  }

  /** Where a query sees nothing, `otherwise`: tensor is [B,H,s,...]. */
  onlySeeing(tensor: Tensor, otherwise: number): Tensor {
    return this.sees ? select(this.#emit, this.sees, tensor, this.#emit.scalar(otherwise)) : tensor
  }

  /** The sum of `sums` [B,K,T,w] and the gradients of this block's keys [B,K,e,w]. */
  addKeys(sums: Tensor, gradients: Tensor): Tensor {
    const emit = this.#emit
    const { plan, keys } = this.#op
    const behind = subtract(emit, keys, this.#high)
    const widened = (part: Tensor, before: Tensor | number, after: Tensor) =>
      pad(emit, part, reshape(emit, this.#vector([0, 0, 0, 0, before, after, 0, 0]), emit.integers([4, 2])))
    if (!plan.shared) return add(emit, sums, widened(gradients, this.#low, behind))
    const own = this.#cut(gradients, 4, 2, plan.shared, subtract(emit, this.#high, this.#low))
    const start = this.#cut(gradients, 4, 2, 0, plan.shared)
    const withStart = add(emit, sums, widened(start, 0, subtract(emit, keys, plan.shared)))
    return add(emit, withStart, widened(own, this.#low, behind))
  }

  /** [H,s,e] as [s,T,H] */
  onAllKeys(scores: Tensor): Tensor {
    const emit = this.#emit
    const behind = subtract(emit, this.#op.keys, this.#high)
    const paddings = reshape(emit, this.#vector([0, 0, this.#low, behind, 0, 0]), emit.integers([3, 2]))
    return pad(emit, transpose(emit, scores, [1, 2, 0]), paddings)
  }

  /**
   * 0 where a query may look, minus infinity where it may not, plus the mask: [B or 1,1,s,e]; null where nothing is
   * hidden. Minus infinity and not a large number: a row whose own mask is all "large negative" must still not see the
   * future, or another document.
   */
  #hidden(): Tensor | null {
    const emit = this.#emit
    const mask = this.#op.operands[5]
    const visible = this.#visible()
    const hidden = visible && select(emit, visible, emit.scalar(0), emit.scalar(Number.NEGATIVE_INFINITY))
    if (!mask) return hidden && expand(emit, hidden, 1)
    const ofQueries = this.#cut(emit.whole(mask), 3, 1, this.#start, this.#queries)
    const own = this.#cutKeys(ofQueries, 3, 2)
    return expand(emit, hidden ? add(emit, own, hidden) : own, 1)
  }

  /** bool [B or 1,s,e]; null where every query sees every key of the block. */
  #visible(): Tensor | null {
    const emit = this.#emit
    const { operands, attributes } = this.#op
    const [, , , querySegments, keySegments] = operands
    const position = this.#visibleByPosition()
    if (!querySegments || !keySegments) return position
    const ofQueries = this.#cut(emit.whole(querySegments), 2, 1, this.#start, this.#queries)
    const ofKeys = expand(emit, this.#cutKeys(emit.whole(keySegments), 2, 1), 1)
    const isSame = equal(emit, expand(emit, ofQueries, 2), ofKeys)
    const segment = attributes.sharesStart
      ? either(emit, isSame, equal(emit, ofKeys, emit.integer(0)))
      : isSame
    return position ? both(emit, segment, position) : segment
  }

  /** bool [1,s,e]: keys behind a causal query and keys beyond the window are not seen. */
  #visibleByPosition(): Tensor | null {
    const emit = this.#emit
    const { attributes, plan } = this.#op
    const { causal, window } = attributes
    if (!causal && window === null) return null
    const one = emit.integer(1)
    const own = range(emit, this.#low, this.#high, one)
    const places = plan.shared ? concat(emit, [range(emit, emit.integer(0), plan.shared, one), own], 0) : own
    const queries = reshape(emit, range(emit, this.#start, this.#end, one), emit.integers([1, -1, 1]))
    const keys = reshape(emit, places, emit.integers([1, 1, -1]))
    const ahead = causal ? lessOrEqual(emit, keys, queries) : null
    if (window === null) return ahead
    const near = less(emit, subtract(emit, queries, keys), emit.integer(window))
    return both(emit, near, ahead ?? less(emit, subtract(emit, keys, queries), emit.integer(window)))
  }

  /** With the learned bias [S,T,H], as [H,s,e] of this block. */
  #withBias(hidden: Tensor | null): Tensor | null {
    const emit = this.#emit
    const bias = this.#op.operands[6]
    if (!bias) return hidden
    const ofQueries = this.#cut(emit.whole(bias), 3, 0, this.#start, this.#queries)
    const own = transpose(emit, this.#cutKeys(ofQueries, 3, 1), [2, 0, 1])
    return hidden ? add(emit, hidden, own) : own
  }
}
