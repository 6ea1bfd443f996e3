// An attention op as all blocks of its loop know it: sizes, the plan of its blocks, keys and values in heads.
// Legend: B rows, S queries, T keys, H query heads, K key heads, D head width.
import type { AttentionAttributes, Dim, OpTable, Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { lastOf, rowsShape } from '../shapes.ts'
import { type AttentionPlan, planLoop } from './attention-plan.ts'
import { planUnrolled } from './attention-unrolled.ts'

export type AttentionOperands = Readonly<OpTable['attention']['inputs']>

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
    const plan = emit.dialect === 'cpu' ? planLoop : planUnrolled
    this.plan = plan(emit, { q, k, querySegments, keySegments }, attributes)
  }

  get rows(): Dim {
    return this.operands[0].shape[0]!
  }

  get keys(): Dim {
    return this.operands[1].shape[1]!
  }

  /** The number of a block's own keys as a symbol: where none are shared they are all that it looks at. */
  get ownKeys(): Dim {
    return this.plan.shared === null ? 'keys' : 'own keys'
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

  /** [B,K,length,D]; another width than the heads' where it is named. */
  keyHeadShape(length: Dim, width: Dim = this.width): readonly Dim[] {
    return [this.rows, this.kvHeads, length, width]
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

  /** Of [B,K,T,w] the keys that every block reads; null where there are none such. */
  sharedKeys(perHead: string, width: number): string | null {
    const { emit } = this
    const { shared } = this.plan
    if (shared === null) return null
    const shape = this.keyHeadShape('start', width)
    return emit.around(() =>
      emit.share(`start of ${perHead}`, () =>
        emit.node('Slice', [perHead, emit.integers([0]), shared, emit.integers([2])], { shape }),
      ),
    )
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
