// Rotary embedding and attention as ONNX. G = H/K query heads share a key/value head: their queries are stacked to
// [B,K,G*S,D], so that keys and values are never repeated and their gradients sum over the group by themselves.
import type { Dim, OpNode, Value } from '#engine/ir/types.ts'
import { type Emitter, float, type NodeOptions, productOf } from '../emitter.ts'
import type { RulesFor } from './rule.ts'

export const attentionRules: RulesFor<'rope' | 'attention' | 'attentionBackward'> = {
  rope(emit, { inputs: [x, positions, cos, sin], outputs: [y], attributes }) {
    const sine = attributes.inverse
      ? emit.share(`negated ${sin.name}`, () => emit.node('Neg', [emit.read(sin)], { shape: sin.shape }))
      : emit.read(sin)
    emit.node('RotaryEmbedding', [x.name, positions.name, emit.read(cos), sine], {
      domain: 'com.microsoft',
      attributes: { num_heads: attributes.heads, interleaved: 0 },
      outputs: [y.name],
    })
  },

  attention(emit, { inputs: [q, k, v, mask], outputs: [out, probs], attributes }) {
    const heads = new Heads(emit, q, attributes)
    const scores = multiply(emit, heads.stackedQueries(q), heads.keys(k), {
      attributes: { transB: 1, alpha: float(attributes.scale) },
      shape: heads.stackedSquare,
    })
    const perHead = emit.reshape(scores, [0, attributes.heads, -1, 0], { shape: heads.square })
    const bias = scoreBias(emit, q, mask, attributes.causal)
    const biased = bias ? emit.node('Add', [perHead, bias], { shape: heads.square }) : perHead
    emit.node('Softmax', [biased], { attributes: { axis: -1 }, outputs: [probs.name] })
    if (!emit.isUsed(out)) return
    heads.mergeStacked(
      emit.node('MatMul', [heads.stackedProbs(probs), heads.keys(v)], { shape: heads.stacked }),
      out,
    )
  },

  /** dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dP * P)); dQ = scale * dS K; dK = scale * dS^T Q. */
  attentionBackward(emit, { inputs: [dOut, q, k, v, probs], outputs: [dq, dk, dv], attributes }) {
    const heads = new Heads(emit, q, attributes)
    const alpha = float(attributes.scale)
    const dO = heads.stackedQueries(dOut)
    const p = heads.stackedProbs(probs)
    if (emit.isUsed(dv))
      heads.mergeKeys(multiply(emit, p, dO, { attributes: { transA: 1 }, shape: heads.perKeyHead }), dv)
    if (!emit.isUsed(dq) && !emit.isUsed(dk)) return
    const dP = multiply(emit, dO, heads.keys(v), { attributes: { transB: 1 }, shape: heads.stackedSquare })
    const rowSums = attentionRowSums(emit, heads, { dOut, probs, dP, p })
    const centred = emit.node('Sub', [dP, rowSums], { shape: heads.stackedSquare })
    const dS = emit.node('Mul', [centred, p], { shape: heads.stackedSquare })
    if (emit.isUsed(dq))
      heads.mergeStacked(
        multiply(emit, dS, heads.keys(k), { attributes: { alpha }, shape: heads.stacked }),
        dq,
      )
    if (emit.isUsed(dk))
      heads.mergeKeys(
        multiply(emit, dS, heads.stackedQueries(q), {
          attributes: { transA: 1, alpha },
          shape: heads.perKeyHead,
        }),
        dk,
      )
  },
}

const multiply = (emit: Emitter, a: string, b: string, options: NodeOptions): string =>
  emit.node('FusedMatMul', [a, b], { domain: 'com.microsoft', ...options })

/** The layouts of one attention: how tensors come apart into heads and together again. Copies are made once. */
class Heads {
  readonly #emit: Emitter
  readonly #heads: number
  readonly #kvHeads: number
  readonly #width: number
  /** [B,H,S,S] */
  readonly square: readonly Dim[]
  /** [B,K,G*S,S] */
  readonly stackedSquare: readonly Dim[]
  /** [B,K,G*S,D] */
  readonly stacked: readonly Dim[]
  /** [B,K,S,D] */
  readonly perKeyHead: readonly Dim[]
  /** [B,H,S,D] */
  readonly perHead: readonly Dim[]

  constructor(emit: Emitter, q: Value, attributes: { heads: number; kvHeads: number }) {
    const [rows, positions, width] = q.shape as readonly [Dim, Dim, number]
    const { heads, kvHeads } = attributes
    const groupRows = productOf([heads / kvHeads, positions])
    this.#emit = emit
    this.#heads = heads
    this.#kvHeads = kvHeads
    this.#width = width / heads
    this.square = [rows, heads, positions, positions]
    this.stackedSquare = [rows, kvHeads, groupRows, positions]
    this.stacked = [rows, kvHeads, groupRows, this.#width]
    this.perKeyHead = [rows, kvHeads, positions, this.#width]
    this.perHead = [rows, heads, positions, this.#width]
  }

  /** [B,S,N*D] -> [B,N,S,D] */
  #split(value: Value, heads: number, shape: readonly Dim[]): string {
    const emit = this.#emit
    return emit.share(`heads ${heads} of ${value.name}`, () =>
      emit.node('Transpose', [emit.reshape(value.name, [0, 0, heads, this.#width])], {
        attributes: { perm: [0, 2, 1, 3] },
        shape,
      }),
    )
  }

  /** k or v as [B,K,S,D] */
  keys(value: Value): string {
    return this.#split(value, this.#kvHeads, this.perKeyHead)
  }

  /** q, out or their gradients as [B,K,G*S,D] */
  stackedQueries(value: Value): string {
    const split = this.#split(value, this.#heads, this.perHead)
    if (this.#heads === this.#kvHeads) return split
    return this.#emit.share(`groups of ${split}`, () =>
      this.#emit.reshape(split, [0, this.#kvHeads, -1, this.#width], { shape: this.stacked }),
    )
  }

  /** [B,H,S,S] -> [B,K,G*S,S] */
  stackedProbs(probs: Value): string {
    return this.#emit.share(`groups of ${probs.name}`, () =>
      this.#emit.reshape(probs.name, [0, this.#kvHeads, -1, 0], { shape: this.stackedSquare }),
    )
  }

  /** [B,S,H,1], a number for each query and head -> [B,K,G*S,1] */
  stackedSums(sums: string): string {
    const perHead = this.#emit.node('Transpose', [sums], { attributes: { perm: [0, 2, 1, 3] } })
    return this.#emit.reshape(perHead, [0, this.#kvHeads, -1, 1])
  }

  /** [B,S,H*D] -> [B,S,H,D] */
  apart(name: string): string {
    return this.#emit.reshape(name, [0, 0, this.#heads, this.#width])
  }

  /** [B,K,G*S,D] -> the value's [B,S,H*D] */
  mergeStacked(stacked: string, value: Value): void {
    const perHead = this.#emit.reshape(stacked, [0, this.#heads, -1, this.#width], { shape: this.perHead })
    this.#merge(perHead, this.#heads, value)
  }

  /** [B,K,S,D] -> the value's [B,S,K*D] */
  mergeKeys(perKeyHead: string, value: Value): void {
    this.#merge(perKeyHead, this.#kvHeads, value)
  }

  #merge(perHead: string, heads: number, value: Value): void {
    const [rows, positions] = value.shape as readonly [Dim, Dim]
    const swapped = this.#emit.node('Transpose', [perHead], {
      attributes: { perm: [0, 2, 1, 3] },
      shape: [rows, positions, heads, this.#width],
    })
    this.#emit.reshape(swapped, [0, 0, heads * this.#width], { outputs: [value.name] })
  }
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
    const sides = emit.node('Concat', [size, size], { attributes: { axis: 0 } })
    const square = emit.node('Expand', [emit.scalar(Number.NEGATIVE_INFINITY), sides])
    return emit.node('Trilu', [square, emit.integer(1)], { attributes: { upper: 1 } })
  })
  return own ? emit.share(`causal ${own}`, () => emit.node('Add', [own, future])) : future
}

/**
 * rowsum(dP * P) as [B,K,G*S,1]. It equals rowsum(dO * O) over D (Dao et al. 2022, section 3.1), which needs two
 * passes over [B,S,H*D] and none over [B,H,S,S]; used where the forward op's output is there anyway.
 */
function attentionRowSums(
  emit: Emitter,
  heads: Heads,
  { dOut, probs, dP, p }: { dOut: Value; probs: Value; dP: string; p: string },
): string {
  const forward: OpNode | undefined = emit.producerOf(probs)
  const out = forward?.kind === 'attention' && emit.isUsed(forward.outputs[0]) ? forward.outputs[0] : null
  const lastAxis = emit.integers([-1])
  if (!out)
    return emit.node('ReduceSum', [emit.node('Mul', [dP, p], { shape: heads.stackedSquare }), lastAxis])
  const product = emit.node('Mul', [dOut.name, out.name], { shape: out.shape })
  return heads.stackedSums(emit.node('ReduceSum', [heads.apart(product), lastAxis]))
}
