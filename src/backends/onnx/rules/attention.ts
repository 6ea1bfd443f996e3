// Rotary embedding and attention as ONNX. G = H/K query heads share a key/value head: their queries are stacked to
// [B,K,G*S,D], so that keys and values are never repeated and their gradients sum over the group by themselves.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, float } from '../emitter.ts'
import type { RulesFor } from './rule.ts'

export const attentionRules: RulesFor<'rope' | 'attention' | 'attentionBackward'> = {
  rope(emit, { inputs: [x, positions, cos, sin], outputs: [y], attributes }) {
    const sine = attributes.inverse
      ? emit.share(`negated ${sin.name}`, () => emit.node('Neg', [emit.read(sin)]))
      : emit.read(sin)
    emit.node('RotaryEmbedding', [x.name, positions.name, emit.read(cos), sine], {
      domain: 'com.microsoft',
      attributes: { num_heads: attributes.heads, interleaved: 0 },
      outputs: [y.name],
    })
  },

  attention(emit, { inputs: [q, k, v, mask], outputs: [out, probs], attributes }) {
    const { heads, kvHeads, scale, causal } = attributes
    const scores = multiply(emit, grouped(emit, q, heads, kvHeads), byHead(emit, k, kvHeads), {
      transB: 1,
      alpha: float(scale),
    })
    const perHead = emit.reshape(scores, [0, heads, -1, 0])
    const bias = scoreBias(emit, q, mask, causal)
    const biased = bias ? emit.node('Add', [perHead, bias]) : perHead
    emit.node('Softmax', [biased], { attributes: { axis: -1 }, outputs: [probs.name] })
    if (!emit.isUsed(out)) return
    const mixed = emit.node('MatMul', [stackedProbs(emit, probs, kvHeads), byHead(emit, v, kvHeads)])
    merge(emit, emit.reshape(mixed, [0, heads, -1, 0]), out)
  },

  /** dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dP * P)); dQ = scale * dS K; dK = scale * dS^T Q. */
  attentionBackward(emit, { inputs: [dOut, q, k, v, probs], outputs: [dq, dk, dv], attributes }) {
    const { heads, kvHeads, scale } = attributes
    const dO = grouped(emit, dOut, heads, kvHeads)
    const p = stackedProbs(emit, probs, kvHeads)
    if (emit.isUsed(dv)) merge(emit, multiply(emit, p, dO, { transA: 1, alpha: float(1) }), dv)
    if (!emit.isUsed(dq) && !emit.isUsed(dk)) return
    const dP = multiply(emit, dO, byHead(emit, v, kvHeads), { transB: 1, alpha: float(1) })
    const rowSums = attentionRowSums(emit, { dOut, probs, dP, p, heads, kvHeads })
    const dS = emit.node('Mul', [emit.node('Sub', [dP, rowSums]), p])
    if (emit.isUsed(dq)) {
      const stacked = multiply(emit, dS, byHead(emit, k, kvHeads), { alpha: float(scale) })
      merge(emit, emit.reshape(stacked, [0, heads, -1, 0]), dq)
    }
    if (emit.isUsed(dk))
      merge(
        emit,
        multiply(emit, dS, grouped(emit, q, heads, kvHeads), { transA: 1, alpha: float(scale) }),
        dk,
      )
  },
}

function multiply(
  emit: Emitter,
  a: string,
  b: string,
  attributes: { transA?: number; transB?: number; alpha: ReturnType<typeof float> },
): string {
  return emit.node('FusedMatMul', [a, b], { domain: 'com.microsoft', attributes })
}

/** [B,S,N*D] -> [B,N,S,D] (a copy, made once per value) */
function byHead(emit: Emitter, value: Value, heads: number): string {
  return emit.share(`heads ${heads} of ${value.name}`, () =>
    emit.node('Transpose', [emit.reshape(value.name, [0, 0, heads, -1])], {
      attributes: { perm: [0, 2, 1, 3] },
    }),
  )
}

/** [B,S,H*D] -> [B,K,G*S,D] */
function grouped(emit: Emitter, value: Value, heads: number, kvHeads: number): string {
  const perHead = byHead(emit, value, heads)
  if (heads === kvHeads) return perHead
  return emit.share(`groups of ${perHead}`, () =>
    emit.reshape(perHead, [0, kvHeads, -1, headWidth(value, heads)]),
  )
}

const headWidth = (value: Value, heads: number): number => Number(value.shape.at(-1)) / heads

/** [B,H,S,S] -> [B,K,G*S,S] (a view) */
function stackedProbs(emit: Emitter, probs: Value, kvHeads: number): string {
  return emit.share(`groups of ${probs.name}`, () => emit.reshape(probs.name, [0, kvHeads, -1, 0]))
}

/** [B,N,S,D] -> the value's [B,S,N*D] */
function merge(emit: Emitter, perHead: string, value: Value): void {
  const swapped = emit.node('Transpose', [perHead], { attributes: { perm: [0, 2, 1, 3] } })
  emit.reshape(swapped, [0, 0, Number(value.shape.at(-1))], [value.name])
}

/**
 * What is added to scores [B,H,S,S], made once per mask: 0 where a query may look and -infinity above the diagonal.
 * Minus infinity and not a large number: a row whose own mask is all "large negative" must still not see the future.
 */
function scoreBias(emit: Emitter, q: Value, mask: Value | null, causal: boolean): string | null {
  const own = mask
    ? emit.share(`mask ${mask.name}`, () => emit.node('Unsqueeze', [mask.name, emit.integers([1])]))
    : null
  if (!causal) return own
  const future = emit.share(`causal ${q.shape[1]}`, () => {
    const size = emit.sizeOf(q.shape[1]!)
    const square = emit.node('Expand', [
      emit.scalar(Number.NEGATIVE_INFINITY),
      emit.node('Concat', [size, size], { attributes: { axis: 0 } }),
    ])
    return emit.node('Trilu', [square, emit.integer(1)], { attributes: { upper: 1 } })
  })
  return own ? emit.share(`causal ${own}`, () => emit.node('Add', [own, future])) : future
}

interface RowSums {
  readonly dOut: Value
  readonly probs: Value
  readonly dP: string
  readonly p: string
  readonly heads: number
  readonly kvHeads: number
}

/**
 * rowsum(dP * P) as [B,K,G*S,1]. It equals rowsum(dO * O) over D (Dao et al. 2022, section 3.1), which needs two
 * passes over [B,S,H*D] and none over [B,H,S,S]; used where the forward op's output is there anyway.
 */
function attentionRowSums(emit: Emitter, { dOut, probs, dP, p, heads, kvHeads }: RowSums): string {
  const forward = emit.producerOf(probs)
  const out = forward?.kind === 'attention' && emit.isUsed(forward.outputs[0]) ? forward.outputs[0] : null
  if (!out) return emit.node('ReduceSum', [emit.node('Mul', [dP, p]), emit.integers([-1])])
  const product = emit.reshape(emit.node('Mul', [dOut.name, out.name]), [0, 0, heads, -1])
  const sums = emit.node('ReduceSum', [product, emit.integers([-1])])
  const perHead = emit.node('Transpose', [sums], { attributes: { perm: [0, 2, 1, 3] } })
  return emit.reshape(perHead, [0, kvHeads, -1, 1])
}
