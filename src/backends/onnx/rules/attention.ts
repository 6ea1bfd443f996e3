// Attention as ONNX. Causal attention is computed in blocks of queries, each with the keys up to
// its own end only: of the upper triangle, which causality hides, most is neither computed nor kept.
import type { Dim, Value } from '#engine/ir/types.ts'
import { type Emitter, float, lastOf, type NodeOptions, productOf, rowsShape } from '../emitter.ts'
import { AttentionBlocks } from './attention-blocks.ts'
import type { RulesFor } from './rule.ts'

/**
 * n blocks leave out (1 - 1/n) / 2 of the square and add about 40 n small nodes to a layer. Measured: docs/backends.md.
 */
const causalBlocks = 3

export const attentionRules: RulesFor<'attention' | 'attentionBackward' | 'rememberingAttention'> = {
  attention(emit, { inputs: [q, k, v, mask], outputs: [out, probs], attributes }) {
    const parts = new AttentionBlocks(emit, q, attributes, countBlocks(emit, probs))
    const mixed = parts.blocks.map((block) => {
      const scores = multiply(emit, parts.queries(q, block), parts.keys(k, block), {
        attributes: { transB: 1, alpha: float(attributes.scale) },
        shape: parts.stackedSquareShape(block),
      })
      const square = parts.square(scores, block)
      const shape = parts.squareShape(block)
      const bias = scoreBias(emit, q, mask, attributes.causal)
      const biased = bias
        ? emit.node('Add', [square, parts.biasOf(bias.name, block, bias.leading)], { shape })
        : square
      const outputs = parts.blocks.length === 1 ? { outputs: [probs.name] } : {}
      const p = emit.node('Softmax', [biased], { attributes: { axis: -1 }, shape, ...outputs })
      emit.remember(blockKey(probs, block.index), p)
      const inputs = [parts.stackedSquare(p, block), parts.keys(v, block)]
      return emit.node('MatMul', inputs, { shape: parts.stackedShape(block) })
    })
    parts.joinQueries(mixed, out)
  },

  rememberingAttention(emit, { inputs, outputs: [out], attributes }) {
    const [q, k, v, pastK, pastV, pastMask] = inputs
    const { heads, kvHeads, scale } = attributes
    const parts = new AttentionBlocks(emit, q, attributes, 1)
    const block = parts.blocks[0]!
    const [rows, positions] = [q.shape[0]!, q.shape[1]!]
    const remembered = pastK.shape[1]!
    const all = `${remembered}+${positions}`
    const shapes = { rows, positions, remembered, all, kvHeads, width: lastOf(k.shape) / kvHeads }
    const stacked = [rows, kvHeads, productOf([heads / kvHeads, positions]), all]
    const keys = behindPast(emit, pastK, parts.keys(k, block), shapes)
    const scores = multiply(emit, parts.queries(q, block), keys, {
      attributes: { transB: 1, alpha: float(scale) },
      shape: stacked,
    })
    const shape = [rows, heads, positions, all]
    const square = emit.reshape(scores, [0, heads, -1, 0], { shape })
    const biased = emit.node('Add', [square, rememberingBias(emit, q, pastMask, shapes)], { shape })
    const p = emit.node('Softmax', [biased], { attributes: { axis: -1 }, shape })
    const seen = emit.reshape(p, [0, kvHeads, -1, 0], { shape: stacked })
    const values = behindPast(emit, pastV, parts.keys(v, block), shapes)
    parts.joinQueries([emit.node('MatMul', [seen, values], { shape: parts.stackedShape(block) })], out)
  },

  /** dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dP * P)); dQ = scale * dS K; dK = scale * dS^T Q. */
  attentionBackward(emit, { inputs: [dOut, q, k, v, probs], outputs: [dq, dk, dv], attributes }) {
    const parts = new AttentionBlocks(emit, q, attributes, countBlocks(emit, probs))
    const alpha = float(attributes.scale)
    const sums = outputRowSums(emit, parts, dOut, probs)
    const gradients = parts.blocks.map((block) => {
      const p = parts.stackedSquare(
        emit.share(blockKey(probs, block.index), () => probs.name),
        block,
      )
      const dO = parts.queries(dOut, block)
      const shape = parts.stackedSquareShape(block)
      const dP = multiply(emit, dO, parts.keys(v, block), { attributes: { transB: 1 }, shape })
      const rowSums = sums
        ? parts.querySums(sums, block)
        : emit.node('ReduceSum', [emit.node('Mul', [dP, p], { shape }), emit.integers([-1])])
      const dS = emit.node('Mul', [emit.node('Sub', [dP, rowSums], { shape }), p], { shape })
      const keysShape = parts.keysShape(block)
      const queries = parts.queries(q, block)
      return {
        dq: multiply(emit, dS, parts.keys(k, block), {
          attributes: { alpha },
          shape: parts.stackedShape(block),
        }),
        dk: multiply(emit, dS, queries, { attributes: { transA: 1, alpha }, shape: keysShape }),
        dv: multiply(emit, p, dO, { attributes: { transA: 1 }, shape: keysShape }),
      }
    })
    parts.joinQueries(
      gradients.map((gradient) => gradient.dq),
      dq,
    )
    for (const [name, value] of [
      ['dk', dk],
      ['dv', dv],
    ] as const)
      parts.joinKeys(
        gradients.map((gradient) => gradient[name]),
        value,
      )
  },
}

/** [B,M,K*D] as [B,K,M,D], before the new positions' [B,K,S,D]. */
function behindPast(emit: Emitter, past: Value, present: string, shapes: RememberingShapes): string {
  const { rows, remembered, kvHeads, width } = shapes
  const apart = emit.viewAs(past, [rows, remembered, kvHeads, width])
  const split = emit.node('Transpose', [apart], {
    attributes: { perm: [0, 2, 1, 3] },
    shape: [rows, kvHeads, remembered, width],
  })
  return emit.node('Concat', [split, present], {
    attributes: { axis: 2 },
    shape: [rows, kvHeads, shapes.all, width],
  })
}

interface RememberingShapes {
  readonly rows: Dim
  readonly positions: Dim
  readonly remembered: Dim
  /** M + S: a symbol of its own. */
  readonly all: Dim
  readonly kvHeads: number
  readonly width: number
}

/** [B,1,S,M+S]: the mask of what is remembered, then the causal one. Made once for all blocks. */
function rememberingBias(emit: Emitter, q: Value, pastMask: Value, shapes: RememberingShapes): string {
  const { rows, positions, remembered, all } = shapes
  return emit.share(`remembering ${pastMask.name}`, () => {
    const mask = emit.node('Unsqueeze', [pastMask.name, emit.integers([1, 2])])
    const past = emit.node('Expand', [mask, emit.shapeOf([rows, 1, positions, remembered])])
    const causal = scoreBias(emit, q, null, true)!.name
    const present = emit.node('Expand', [causal, emit.shapeOf([rows, 1, positions, positions])])
    const shape = [rows, 1, positions, all]
    return emit.node('Concat', [past, present], { attributes: { axis: 3 }, shape })
  })
}

const multiply = (emit: Emitter, a: string, b: string, options: NodeOptions): string =>
  emit.node('FusedMatMul', [a, b], { domain: 'com.microsoft', ...options })

const blockKey = (probs: Value, index: number): string => `block ${index} of ${probs.name}`

/** Blocks of an attention whose probabilities only its own backward pass reads; anyone else is given the square. */
function countBlocks(emit: Emitter, probs: Value): number {
  const forward = emit.producerOf(probs)
  const isCausal = forward?.kind === 'attention' && forward.attributes.causal
  return isCausal && emit.isReadOnlyBy(probs, 'attentionBackward') ? causalBlocks : 1
}

/**
 * What is added to scores [B,H,S,S], made once per mask: 0 where a query may look and -infinity above the diagonal.
 * Minus infinity and not a large number: a row whose own mask is all "large negative" must still not see the future.
 */
function scoreBias(
  emit: Emitter,
  q: Value,
  mask: Value | null,
  causal: boolean,
): { readonly name: string; readonly leading: readonly (number | string)[] } | null {
  const positions = q.shape[1]!
  const own = mask
    ? emit.share(`mask ${mask.name}`, () => emit.node('Unsqueeze', [mask.name, emit.integers([1])]))
    : null
  const leading = mask ? [mask.shape[0]!, 1] : []
  if (!causal) return own ? { name: own, leading } : null
  const future = emit.share(`causal ${positions}`, () => {
    const size = emit.sizeOf(positions)
    const sides = emit.node('Concat', [size, size], { attributes: { axis: 0 } })
    const square = emit.node('Expand', [emit.scalar(Number.NEGATIVE_INFINITY), sides])
    return emit.node('Trilu', [square, emit.integer(1)], { attributes: { upper: 1 } })
  })
  const shape = [...leading, positions, positions]
  const name = own ? emit.share(`causal ${own}`, () => emit.node('Add', [own, future], { shape })) : future
  return { name, leading }
}

/**
 * rowsum(dP * P) as [B,S,H,1]. It equals rowsum(dO * O) over D (Dao et al. 2022, section 3.1), which needs two passes
 * over [B,S,H*D] and none over the square; null where the forward op's output is not there anyway.
 */
function outputRowSums(emit: Emitter, parts: AttentionBlocks, dOut: Value, probs: Value): string | null {
  const forward = emit.producerOf(probs)
  const out = forward?.kind === 'attention' && emit.isUsed(forward.outputs[0]) ? forward.outputs[0] : null
  if (!out) return null
  const product = emit.node('Mul', [emit.asRows(dOut), emit.asRows(out)], { shape: rowsShape(out.shape) })
  return emit.node('ReduceSum', [parts.apart(product), emit.integers([-1])])
}
