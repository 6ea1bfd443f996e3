// Attention as TensorFlow: a loop over blocks of queries, each with those keys only that it may see. Nothing as large as
// the square of a row is kept, from block to block or from the forward pass to the backward.
// Legend: B rows, S queries, T keys, H query heads, K key heads, D head width; of a block: s queries, e keys.
import type { Value } from '#engine/ir/types.ts'
import type { Emitter } from '../emitter.ts'
import { halvedBatchProduct, narrowed } from '../halves.ts'
import { emitLoop } from '../loop.ts'
import {
  add,
  cast,
  concat,
  exp,
  expand,
  fill,
  joinPieces,
  log,
  max,
  multiply,
  negate,
  newPieces,
  type Pieces,
  reshape,
  slice,
  square,
  subtract,
  sum,
  transpose,
  writePiece,
} from '../operators.ts'
import type { Tensor } from '../tensor.ts'
import { AttentionBlock, type Probabilities } from './attention-block.ts'
import { AttentionOp } from './attention-op.ts'
import { rememberingRules } from './attention-remembering.ts'
import type { RulesFor } from './rule.ts'

type AttentionKinds = 'attention' | 'attentionBackward' | 'attentionBiasBackward' | 'rememberingAttention'

export const attentionRules: RulesFor<AttentionKinds> = {
  ...rememberingRules,

  attention(emit, { inputs, outputs: [out, logSumExp], attributes }) {
    const op = new AttentionOp(emit, inputs, attributes)
    const queries = op.scaledQueries()
    const [keys, all] = [inputs[1], inputs[2]].map((value) => op.perHead(value, attributes.kvHeads))
    const values = narrowed(emit, all!)
    const outs = piecesOf(op, 'out')
    // The backward rules have no use for it: a block holds all keys of its queries, so its softmax is whole.
    const isSummed = !emit.isReadOnlyBy(logSumExp, 'attentionBackward', 'attentionBiasBackward')
    const sums = isSummed ? piecesOf(op, 'logSumExp') : null
    const [outFlow, sumFlow] = emitLoop(
      emit,
      op.plan.count,
      sums ? [outs.flow, sums.flow] : [outs.flow],
      (iteration, [before, sumsBefore]) => {
        const block = new AttentionBlock(op, iteration)
        const probabilities = block.probabilities(block.stackedQueries(queries, op.width), block.keys(keys!))
        const mixed = halvedBatchProduct(emit, block.stacked(probabilities.p), block.keys(values))
        const next = writePiece(emit, { ...outs, flow: before! }, iteration, block.piece(mixed))
        if (!sums) return [next]
        const logSums = logOfSums(emit, block, probabilities)
        return [next, writePiece(emit, { ...sums, flow: sumsBefore! }, iteration, logSums)]
      },
    )
    emit.setRows(out, op.queriesAsRows(joinPieces(emit, { ...outs, flow: outFlow! })))
    if (sums) {
      const joined = joinPieces(emit, { ...sums, flow: sumFlow! })
      emit.setWhole(logSumExp, transpose(emit, joined, [1, 2, 0]))
    }
  },

  /** dV = P^T dO; dS = P * (dO V^T - rowsum(dO * O)); dQ = scale * dS K; dK = scale * dS^T Q. */
  attentionBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dq, dk, dv], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const around = backwardOf(op, dOut, out)
    const dqs = piecesOf(op, 'dq')
    const none = [op.width, op.width + sumColumns(emit)].map((width) => noKeys(op, width))
    const [dqFlow, dkSum, dvSum] = emitLoop(
      emit,
      op.plan.count,
      [dqs.flow, ...none],
      (iteration, [before, dkBefore, dvBefore]) => {
        const block = new AttentionBlock(op, iteration)
        const gradients = scoreGradients(op, block, around)
        const dScores = narrowed(emit, beforeCap(emit, gradients))
        const dqOfBlock = block.piece(halvedBatchProduct(emit, dScores, gradients.keys))
        const turned = { isFirstTurned: true }
        return [
          writePiece(emit, { ...dqs, flow: before! }, iteration, dqOfBlock),
          block.addKeys(dkBefore!, halvedBatchProduct(emit, dScores, gradients.queries, turned)),
          block.addKeys(dvBefore!, halvedBatchProduct(emit, gradients.p, gradients.dO, turned)),
        ]
      },
    )
    const { scale, softCap } = attributes
    const times = (rows: Tensor, factor: number) => multiply(emit, rows, emit.scalar(factor))
    emit.setRows(dq, times(op.queriesAsRows(joinPieces(emit, { ...dqs, flow: dqFlow! })), scale))
    // Queries came with the scale, and divided by the cap.
    const dKeys = op.keysAsRows(dkSum!)
    emit.setRows(dk, softCap === null ? dKeys : times(dKeys, softCap))
    const withoutSums = slice(
      emit,
      dvSum!,
      emit.integers([0, 0, 0, 0]),
      emit.integers([-1, -1, -1, op.width]),
    )
    emit.setRows(dv, op.keysAsRows(withoutSums))
  },

  attentionBiasBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dBias], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const around = backwardOf(op, dOut, out)
    const pieces = piecesOf(op, 'dBias')
    const [flow] = emitLoop(emit, op.plan.count, [pieces.flow], (iteration, [before]) => {
      const block = new AttentionBlock(op, iteration)
      const { dFinal } = scoreGradients(op, block, around)
      const own = block.onAllKeys(sum(emit, block.square(dFinal), [0]))
      return [writePiece(emit, { ...pieces, flow: before! }, iteration, own)]
    })
    emit.setWhole(dBias, joinPieces(emit, { ...pieces, flow: flow! }))
  },
}

interface Gradients {
  /** [B,K,G*s,D], scaled */
  readonly queries: Tensor
  /** [B,K,e,D] */
  readonly keys: Tensor
  /** [B,K,G*s,D+1 or 2]: the last columns are -rowsum(dO * O). */
  readonly dO: Tensor
  /** [B,K,G*s,e]: probabilities, gradient of the final scores, tanh(score / cap) where there is a cap. */
  readonly p: Tensor
  readonly dFinal: Tensor
  readonly capped: Tensor | null
}

/** What all blocks of a backward pass read. */
interface Backward {
  /** [B,H,S,D], scaled */
  readonly queries: Tensor
  /** [B,K,T,D] */
  readonly keys: Tensor
  /** [B,H,S,D+1 or 2]: dO with last columns of -rowsum(dO * O) */
  readonly dO: Tensor
  /** [B,K,T,D+1 or 2]: values with last columns of ones */
  readonly values: Tensor
}

/**
 * dS = P * (dO V^T - rowsum(dP * P)). The row sums equal rowsum(dO * O) (Dao et al. 2022, section 3.1), which needs
 * nothing of the square's size, and they are subtracted by the product itself: [dO, -sum] [V, 1]^T.
 */
function scoreGradients({ emit, width }: AttentionOp, block: AttentionBlock, around: Backward): Gradients {
  const queries = block.stackedQueries(around.queries, width)
  const keys = block.keys(around.keys)
  const { p: whole, capped } = block.probabilities(queries, keys)
  const p = block.stacked(whole)
  const dO = block.stackedQueries(around.dO, width + sumColumns(emit))
  const dP = halvedBatchProduct(emit, dO, block.keys(around.values), { isSecondTurned: true })
  return { queries, keys, dO, p, dFinal: multiply(emit, dP, p), capped }
}

function backwardOf(op: AttentionOp, dOut: Value, out: Value): Backward {
  const { emit, operands, attributes, width } = op
  const { heads, kvHeads } = attributes
  const [rows, positions] = [dOut.shape[0]!, dOut.shape[1]!]
  const product = multiply(emit, emit.rows(dOut), emit.rows(out))
  const sums = sum(emit, reshape(emit, product, emit.shapeOf([rows, positions, heads, width])), [-1])
  const column = expand(emit, negate(emit, transpose(emit, sums, [0, 2, 1])), 3)
  const ones = emit.share(`ones of ${kvHeads} ${operands[2].shape[1]}`, () => {
    const sizes = emit.shapeOf([rows, kvHeads, operands[2].shape[1]!, sumColumns(emit)])
    return narrowed(emit, fill(emit, sizes, emit.scalar(1)))
  })
  return {
    queries: op.scaledQueries(),
    keys: op.perHead(operands[1], kvHeads),
    dO: concat(emit, [narrowed(emit, op.perHead(dOut, heads)), ...asColumns(emit, column)], 3),
    values: concat(emit, [narrowed(emit, op.perHead(operands[2], kvHeads)), ones], 3),
  }
}

/** Columns that the negative row sums take: in bfloat16 their first 8 bits, and what is left. */
const sumColumns = (emit: Emitter): number => (emit.products === 'float32' ? 1 : 2)

function asColumns(emit: Emitter, column: Tensor): readonly Tensor[] {
  if (emit.products === 'float32') return [column]
  const first = narrowed(emit, column)
  return [first, narrowed(emit, subtract(emit, column, cast(emit, first, 'float32')))]
}

/** Gradient of the scores before the cap, whose slope is 1 - tanh^2. */
function beforeCap(emit: Emitter, { dFinal, capped }: Gradients): Tensor {
  if (capped === null) return dFinal
  return multiply(emit, dFinal, subtract(emit, emit.scalar(1), square(emit, capped)))
}

/** log sum exp as a piece [s,B,H]. */
function logOfSums(emit: Emitter, block: AttentionBlock, { scores }: Probabilities): Tensor {
  const largest = max(emit, scores, [-1], true)
  const sums = sum(emit, exp(emit, subtract(emit, scores, largest)), [-1], true)
  const whole = block.onlySeeing(add(emit, largest, log(emit, sums)), Number.NEGATIVE_INFINITY)
  return transpose(emit, sum(emit, whole, [-1]), [2, 0, 1])
}

const piecesOf = ({ emit, plan }: AttentionOp, hint: string): Pieces =>
  newPieces(emit, plan.count, emit.fresh(hint))

/** The gradient of keys before any block has added to it, [B,K,T,w]. */
function noKeys({ emit, operands, attributes }: AttentionOp, width: number): Tensor {
  const [rows, keys] = operands[1].shape
  return fill(emit, emit.shapeOf([rows!, attributes.kvHeads, keys!, width]), emit.scalar(0))
}
