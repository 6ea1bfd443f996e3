// An attention op as all blocks of its loop know it: sizes, the plan of its blocks, queries, keys and values in heads.
// Legend: B rows, S queries, T keys, H query heads, K key heads, D head width.
import type { AttentionAttributes, Dim, Value } from '#engine/ir/types.ts'
import { type Emitter, lastOf } from '../emitter.ts'
import { multiply, reshape, transpose } from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { type AttentionOperands, type AttentionPlan, planAttention, scalarOf } from './attention-plan.ts'

export class AttentionOp {
  readonly emit: Emitter
  readonly operands: AttentionOperands
  readonly attributes: AttentionAttributes
  readonly plan: AttentionPlan
  /** D */
  readonly width: number

  constructor(emit: Emitter, operands: AttentionOperands, attributes: AttentionAttributes) {
    this.emit = emit
    this.operands = operands
    this.attributes = attributes
    this.width = lastOf(operands[0].shape) / attributes.heads
    this.plan = planAttention(emit, operands, attributes)
  }

  /** B and T as int32 scalars. */
  get rows(): Tensor {
    return this.#scalarSize(this.operands[0].shape[0]!)
  }

  get keys(): Tensor {
    return this.#scalarSize(this.operands[1].shape[1]!)
  }

  #scalarSize(dim: Dim): Tensor {
    return this.emit.share(`scalar ${dim}`, () => scalarOf(this.emit, this.emit.sizeOf(dim)))
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

  /** [B,N,heads*D] as [B,heads,N,D] */
  perHead(value: Value, heads: number): Tensor {
    const { emit } = this
    const apart = emit.shapeOf([value.shape[0]!, value.shape[1]!, heads, this.width])
    return transpose(emit, reshape(emit, emit.rows(value), apart), [0, 2, 1, 3])
  }

  /** Queries as [B,H,S,D], times the scale of scores: divided by the cap, where there is one. */
  scaledQueries(): Tensor {
    const { scale, softCap, heads } = this.attributes
    const factor = this.emit.scalar(softCap === null ? scale : scale / softCap)
    return multiply(this.emit, this.perHead(this.operands[0], heads), factor)
  }

  /** [B,K,T,D] as rows [B*T,K*D] */
  keysAsRows(perHead: Tensor): Tensor {
    const width = this.attributes.kvHeads * this.width
    return reshape(this.emit, transpose(this.emit, perHead, [0, 2, 1, 3]), this.emit.integers([-1, width]))
  }

  /** [S,B,H,D] as rows [B*S,H*D] */
  queriesAsRows(joined: Tensor): Tensor {
    const width = this.attributes.heads * this.width
    return reshape(this.emit, transpose(this.emit, joined, [1, 0, 2, 3]), this.emit.integers([-1, width]))
  }
}
