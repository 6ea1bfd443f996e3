// How the tensors of an attention op come apart into heads and blocks of queries, and together again.
// Legend: B rows, S positions, H query heads, K key/value heads, G = H/K, D head width, s queries of a block,
// e keys that a block may see: all up to its own last position.
import type { Dim, Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf, productOf, rowsShape } from '../emitter.ts'

interface Block {
  readonly index: number
  /** s */
  readonly rows: Dim
  /** e */
  readonly keys: Dim
  /** int64 vectors of length 1: the block's first position, and the one behind its last. */
  readonly start: string
  readonly end: string
}

/**
 * Layouts of one attention op. G query heads share a key/value head: their queries are stacked to [B,K,G*s,D], so that
 * keys and values are never repeated and their gradients sum over the group by themselves. Copies are made once.
 */
export class AttentionBlocks {
  readonly blocks: readonly Block[]
  readonly #emit: Emitter
  readonly #rows: Dim
  readonly #positions: Dim
  readonly #heads: number
  readonly #kvHeads: number
  readonly #width: number

  constructor(emit: Emitter, q: Value, attributes: { heads: number; kvHeads: number }, count: number) {
    const [rows, positions, width] = q.shape as readonly [Dim, Dim, number]
    this.#emit = emit
    this.#rows = rows
    this.#positions = positions
    this.#heads = attributes.heads
    this.#kvHeads = attributes.kvHeads
    this.#width = width / attributes.heads
    this.blocks = Array.from({ length: count }, (_, index) => ({
      index,
      rows: count === 1 ? positions : `${positions}:rows${index}of${count}`,
      keys: index === count - 1 ? positions : `${positions}:keys${index}of${count}`,
      start: this.#bound(index, count),
      end: this.#bound(index + 1, count),
    }))
  }

  /**
   * floor(index * S / count). With up to 3 blocks one that is empty comes first and sees no key either; a later empty
   * one would be fatal, because the runtime leaves a product over 0 terms as it finds it, not 0.
   */
  #bound(index: number, count: number): string {
    const emit = this.#emit
    if (index === 0) return emit.integers([0])
    if (index === count) return emit.sizeOf(this.#positions)
    return emit.share(`bound ${index}/${count} of ${this.#positions}`, () => {
      const scaled = emit.node('Mul', [emit.sizeOf(this.#positions), emit.integers([index])])
      return emit.node('Div', [scaled, emit.integers([count])])
    })
  }

  /** [B,N,rows,e] as an int64 vector, where rows = times * s. Sizes in full, since a block may be empty. */
  #sizes(heads: number, times: number, block: Block): string {
    const emit = this.#emit
    return emit.share(`sizes ${this.#rows} ${heads} ${times} ${block.rows} ${block.keys}`, () => {
      const rows = emit.node('Sub', [block.end, block.start])
      const stacked = times === 1 ? rows : emit.node('Mul', [rows, emit.integers([times])])
      const parts = [emit.sizeOf(this.#rows), emit.integers([heads]), stacked, block.end]
      return emit.node('Concat', parts, { attributes: { axis: 0 } })
    })
  }

  /** [B,H,s,e] */
  squareShape(block: Block): readonly Dim[] {
    return [this.#rows, this.#heads, block.rows, block.keys]
  }

  /** [B,K,G*s,e] */
  stackedSquareShape(block: Block): readonly Dim[] {
    return [this.#rows, this.#kvHeads, this.#groupRows(block), block.keys]
  }

  /** [B,K,G*s,D] */
  stackedShape(block: Block): readonly Dim[] {
    return [this.#rows, this.#kvHeads, this.#groupRows(block), this.#width]
  }

  /** [B,K,e,D] */
  keysShape(block: Block): readonly Dim[] {
    return [this.#rows, this.#kvHeads, block.keys, this.#width]
  }

  #groupRows(block: Block): Dim {
    return productOf([this.#heads / this.#kvHeads, block.rows])
  }

  /** [B,S,N*D] -> [B,N,S,D] */
  #split(value: Value, heads: number): string {
    const emit = this.#emit
    return emit.share(`heads ${heads} of ${value.name}`, () =>
      emit.node('Transpose', [emit.viewAs(value, [this.#rows, this.#positions, heads, this.#width])], {
        attributes: { perm: [0, 2, 1, 3] },
        shape: [this.#rows, heads, this.#positions, this.#width],
      }),
    )
  }

  #slice(name: string, axis: number, from: string, to: string, shape: readonly Dim[]): string {
    return this.#emit.share(`${name} on ${axis} from ${from} to ${to}`, () =>
      this.#emit.node('Slice', [name, from, to, this.#emit.integers([axis])], { shape }),
    )
  }

  /** Rows of a block: [B,H,S,N] -> [B,H,s,N] */
  #rowsOfBlock(name: string, block: Block, width: number): string {
    if (this.blocks.length === 1) return name
    return this.#slice(name, 2, block.start, block.end, [this.#rows, this.#heads, block.rows, width])
  }

  /** Keys or values that the block sees, as [B,K,e,D]. */
  keys(value: Value, block: Block): string {
    const split = this.#split(value, this.#kvHeads)
    if (block.keys === this.#positions) return split
    return this.#slice(split, 2, this.#emit.integers([0]), block.end, this.keysShape(block))
  }

  /** Queries, outputs or their gradients of the block, as [B,K,G*s,D]. */
  queries(value: Value, block: Block): string {
    const rows = this.#rowsOfBlock(this.#split(value, this.#heads), block, this.#width)
    return this.#stack(rows, this.#width, this.stackedShape(block))
  }

  /** A number for each query and head, [B,S,H,1] -> [B,K,G*s,1] of the block. */
  querySums(sums: string, block: Block): string {
    const perHead = this.#emit.share(`heads first of ${sums}`, () =>
      this.#emit.node('Transpose', [sums], { attributes: { perm: [0, 2, 1, 3] } }),
    )
    const rows = this.#rowsOfBlock(perHead, block, 1)
    return this.#stack(rows, 1, [this.#rows, this.#kvHeads, this.#groupRows(block), 1])
  }

  #stack(rows: string, width: number, shape: readonly Dim[]): string {
    if (this.#heads === this.#kvHeads) return rows
    return this.#emit.share(`groups of ${rows}`, () =>
      this.#emit.reshape(rows, [0, this.#kvHeads, -1, width], { shape }),
    )
  }

  /** [B,H,s,e] as [B,K,G*s,e]: a view. */
  stackedSquare(square: string, block: Block): string {
    const times = this.#heads / this.#kvHeads
    return this.#emit.share(`groups of ${square}`, () =>
      this.#emit.node('Reshape', [square, this.#sizes(this.#kvHeads, times, block)], {
        attributes: { allowzero: 1 },
        shape: this.stackedSquareShape(block),
      }),
    )
  }

  /** [B,K,G*s,e] as [B,H,s,e]: a view. */
  square(stacked: string, block: Block): string {
    return this.#emit.node('Reshape', [stacked, this.#sizes(this.#heads, 1, block)], {
      attributes: { allowzero: 1 },
      shape: this.squareShape(block),
    })
  }

  /** A bias [...,S,S] as [...,s,e] of the block; made once for all layers. */
  biasOf(bias: string, block: Block, leading: readonly Dim[]): string {
    if (this.blocks.length === 1) return bias
    const shape = [...leading, block.rows, this.#positions]
    const rows = this.#slice(bias, leading.length, block.start, block.end, shape)
    if (block.keys === this.#positions) return rows
    const seen = [...leading, block.rows, block.keys]
    return this.#slice(rows, leading.length + 1, this.#emit.integers([0]), block.end, seen)
  }

  /** The blocks' [B,K,G*s,D] together as the value's [B,S,H*D]. */
  joinQueries(stacked: readonly string[], value: Value): void {
    const parts = stacked.map((name, index) => {
      const { rows } = this.blocks[index]!
      const shape = [this.#rows, this.#heads, rows, this.#width]
      const perHead = this.#emit.reshape(name, [0, this.#heads, -1, this.#width], { shape })
      return this.#headsLast(perHead, [this.#rows, rows, this.#heads, this.#width])
    })
    const shape = [this.#rows, this.#positions, this.#heads, this.#width]
    const joined =
      parts.length === 1 ? parts[0]! : this.#emit.node('Concat', parts, { attributes: { axis: 1 }, shape })
    this.#toRows(joined, value)
  }

  /** The sum of the blocks' [B,K,e,D], each on the first e positions, as the value's [B,S,K*D]. */
  joinKeys(perKeyHead: readonly string[], value: Value): void {
    const sum = perKeyHead.reduce((before, name, index) => {
      const block = this.blocks[index]!
      const longer = this.#emit.node('Pad', [before, this.#padding(index)], { shape: this.keysShape(block) })
      return this.#emit.node('Add', [longer, name], { shape: this.keysShape(block) })
    })
    const swapped = this.#headsLast(sum, [this.#rows, this.#positions, this.#kvHeads, this.#width])
    this.#toRows(swapped, value)
  }

  /** Zeros behind the keys of the block before, so that they are as many as this block's. */
  #padding(index: number): string {
    const emit = this.#emit
    const [before, block] = [this.blocks[index - 1]!, this.blocks[index]!]
    return emit.share(`padding ${before.end} to ${block.end}`, () => {
      const behind = emit.node('Sub', [block.end, before.end])
      const [zeros, zero] = [emit.integers([0, 0, 0, 0, 0, 0]), emit.integers([0])]
      return emit.node('Concat', [zeros, behind, zero], { attributes: { axis: 0 } })
    })
  }

  /** [B,N,s,D] -> [B,s,N,D] */
  #headsLast(perHead: string, shape: readonly Dim[]): string {
    return this.#emit.node('Transpose', [perHead], { attributes: { perm: [0, 2, 1, 3] }, shape })
  }

  /** [B,S,N,D] as the value's [B,S,N*D]. */
  #toRows(apart: string, value: Value): void {
    const rows = this.#emit.reshape(apart, [-1, lastOf(value.shape)], { shape: rowsShape(value.shape) })
    this.#emit.fromRows(rows, value)
  }

  /** Rows [B*S,H*D] -> [B,S,H,D]: a view. */
  apart(rows: string): string {
    const shape = [this.#rows, this.#positions, this.#heads, this.#width]
    return this.#emit.node('Reshape', [rows, this.#emit.shapeOf(shape)])
  }
}
