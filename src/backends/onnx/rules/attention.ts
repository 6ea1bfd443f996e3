// Attention as ONNX: blocks of queries, each with those keys only that it may see. Nothing as large as the square of a row
// is kept, from block to block or from the forward pass to the backward.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { lastOf, rowsShape } from '../shapes.ts'
import type { AttentionBlock, Probabilities } from './attention-block.ts'
import { type BlockGradients, joinBlocks, joinGradients, type Pieces } from './attention-joins.ts'
import { AttentionOp } from './attention-op.ts'
import { rememberingRules } from './attention-remembering.ts'
import type { RulesFor } from './rule.ts'

type AttentionKinds = 'attention' | 'attentionBackward' | 'attentionBiasBackward' | 'rememberingAttention'

export const attentionRules: RulesFor<AttentionKinds> = {
  ...rememberingRules,

  attention(emit, { inputs, outputs: [out, logSumExp], attributes }) {
    const op = new AttentionOp(emit, inputs, attributes)
    const [q, , v] = inputs
    // The backward rules have no use for it: a block holds all keys of its queries, so its softmax is whole.
    const isSummed = !emit.isReadOnlyBy(logSumExp, 'attentionBackward', 'attentionBiasBackward')
    const wanted: readonly Pieces[] = [
      { hint: 'out', rank: 3, axis: 1 },
      ...(isSummed ? [{ hint: 'logSumExp', rank: 3, axis: 2, output: logSumExp.name }] : []),
    ]
    const [whole] = joinBlocks(op, wanted, (block) => {
      const probabilities = block.probabilities(block.stacked(block.queries(q), op.width))
      const p = block.stacked(probabilities.p, 'keys')
      const mixed = block.mix(p, block.keys(op.perHead(v), op.width), 1)
      const rows = block.joined(mixed)
      return isSummed ? [rows, logOfSums(emit, block, probabilities)] : [rows]
    })
    asRows(emit, whole!, out)
  },

  attentionBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dq, dk, dv], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const around = backwardOf(op, dOut, out)
    const whole = joinGradients(op, (block) => gradientsOfBlock(op, block, around))
    asRows(emit, whole.dq, dq)
    op.headsLast(whole.dk, dk)
    op.headsLast(whole.dv, dv)
  },

  attentionBiasBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dBias], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const around = backwardOf(op, dOut, out)
    joinBlocks(op, [{ hint: 'dBias', rank: 3, axis: 0, output: dBias.name }], (block) => {
      const queries = block.stacked(block.queries(forward[0]), op.width)
      return [block.onAllKeys(scoreGradients(op, block, queries, around).dFinal)]
    })
  },
}

/** dV = P^T dO; dS = P * (dO V^T - rowsum(dO * O)); dQ = scale * dS K; dK = scale * dS^T Q. */
function gradientsOfBlock(op: AttentionOp, block: AttentionBlock, around: Backward): BlockGradients {
  const [q, k] = op.operands
  const { scale } = op.attributes
  const queries = block.stacked(block.queries(q), op.width)
  const gradients = scoreGradients(op, block, queries, around)
  const dScores = beforeCap(op.emit, block, gradients)
  const dqOfBlock = block.mix(dScores, block.keys(op.perHead(k), op.width), scale)
  const [p, dS] = [gradients.p, dScores].map((square) => block.merged(square, 'keys'))
  const [dO, ofQueries] = [gradients.dO, queries].map((rows) => block.merged(rows, op.width))
  const dk = block.sumOverQueries(dS!, ofQueries!, scale)
  const dv = block.sumOverQueries(p!, dO!, 1)
  return { dq: block.joined(dqOfBlock), dk, dv }
}

interface Gradients {
  /** [B,H,s,D], 0 where a query sees nothing. */
  readonly dO: string
  /** [B,K,P,G*s/P,e]: probabilities, gradient of the final scores, tanh(score / cap) where there is a cap. */
  readonly p: string
  readonly dFinal: string
  readonly capped: string | null
}

/** What all blocks of a backward pass read. */
interface Backward {
  readonly dOut: Value
  /** -rowsum(dO * O) as [B,H,S,1] */
  readonly negatedSums: string
  /** Values as [B,K,T,D+1] with a last column of ones. */
  readonly valuesAndOnes: string
}

/**
 * dS = P * (dO V^T - rowsum(dP * P)). The row sums equal rowsum(dO * O) (Dao et al. 2022, section 3.1), which needs
 * nothing of the square's size, and they are subtracted by the product itself: [dO, -sum] [V, 1]^T.
 */
function scoreGradients(
  { emit, width }: AttentionOp,
  block: AttentionBlock,
  queries: string,
  { dOut, negatedSums, valuesAndOnes }: Backward,
): Gradients {
  const { p: square, capped } = block.probabilities(queries)
  const p = block.stacked(square, 'keys')
  const dO = block.onlySeeing(block.queries(dOut), width, 0)
  const longer = emit.node('Concat', [dO, block.queryNumbers(negatedSums)], {
    attributes: { axis: 3 },
    shape: block.squareShape(width + 1),
  })
  const shape = block.stackedShape('keys')
  const values = block.keys(valuesAndOnes, width + 1)
  const dP = block.byKeys(block.stacked(longer, width + 1), values, width + 1, 1)
  return { dO, p, dFinal: emit.node('Mul', [dP, p], { shape }), capped }
}

/** The output of a query that sees nothing is 0, and so is its row sum. */
function backwardOf(op: AttentionOp, dOut: Value, out: Value): Backward {
  const { emit, rows, heads, width } = op
  const positions = dOut.shape[1]!
  const product = emit.node('Mul', [emit.asRows(dOut), emit.asRows(out)], { shape: rowsShape(out.shape) })
  const apart = emit.node('Reshape', [product, emit.shapeOf([rows, positions, heads, width])])
  const sums = emit.node('ReduceSum', [apart, emit.integers([-1])])
  const perHead = emit.node('Transpose', [sums], {
    attributes: { perm: [0, 2, 1, 3] },
    shape: [rows, heads, positions, 1],
  })
  return { dOut, negatedSums: emit.node('Neg', [perHead]), valuesAndOnes: withOnes(op, op.operands[2]) }
}

/** Gradient of the scores before the cap, whose slope is 1 - tanh^2. */
function beforeCap(emit: Emitter, block: AttentionBlock, { dFinal, capped }: Gradients): string {
  if (capped === null) return dFinal
  const shape = block.stackedShape('keys')
  const squared = emit.node('Mul', [capped, capped], { shape })
  const slope = emit.node('Sub', [emit.scalar(1), squared], { shape })
  return emit.node('Mul', [dFinal, slope], { shape })
}

/** Values as [B,K,T,D+1] with a last column of ones. */
function withOnes(op: AttentionOp, values: Value): string {
  const { emit, rows, kvHeads, keys, width } = op
  const perHead = op.perHead(values)
  return emit.share(`${perHead} and ones`, () => {
    const ones = emit.node('Expand', [emit.scalar(1), emit.shapeOf([rows, kvHeads, keys, 1])])
    const shape = [rows, kvHeads, keys, width + 1]
    return emit.node('Concat', [perHead, ones], { attributes: { axis: 3 }, shape })
  })
}

/** log sum exp as [B,H,s]: the largest probability is exp(largest score - log sum exp). */
function logOfSums(emit: Emitter, block: AttentionBlock, { p, scores }: Probabilities): string {
  const [largest, most] = [scores, p].map((square) => emit.node('ReduceMax', [square, emit.integers([-1])]))
  const sums = emit.node('Sub', [largest!, emit.node('Log', [most!])], { shape: block.squareShape(1) })
  return emit.node('Squeeze', [block.onlySeeing(sums, 1, Number.NEGATIVE_INFINITY), emit.integers([3])])
}

/** [B,S,N*D] under the value's name. */
function asRows(emit: Emitter, whole: string, value: Value): void {
  const rows = emit.reshape(whole, [-1, lastOf(value.shape)], { shape: rowsShape(value.shape) })
  emit.fromRows(rows, value)
}
