// Attention as ONNX: a loop over blocks of queries, each with those keys only that it may see. Nothing as large as the
// square of a row is kept, from block to block or from the forward pass to the backward.
import type { Value } from '#engine/ir/types.ts'
import { type Emitter, float, lastOf, rowsShape } from '../emitter.ts'
import { type Carried, emitLoop } from '../loop.ts'
import { elementTypes } from '../model-proto.ts'
import { AttentionBlock, type Probabilities } from './attention-block.ts'
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
    const carried = [pieces(emit, 'out', 3), ...(isSummed ? [pieces(emit, 'logSumExp', 3)] : [])]
    const [outs, sums] = emitLoop(emit, op.plan.count, carried, (iteration, [before, sumsBefore]) => {
      const block = new AttentionBlock(op, iteration)
      const probabilities = block.probabilities(block.stacked(block.queries(q), op.width))
      const mixed = emit.node(
        'MatMul',
        [block.stacked(probabilities.p, 'keys'), block.keys(op.perHead(v), op.width)],
        { shape: block.stackedShape(op.width) },
      )
      const next = append(emit, before!, block.joined(mixed))
      return isSummed ? [next, append(emit, sumsBefore!, logOfSums(emit, block, probabilities))] : [next]
    })
    asRows(emit, concat(emit, outs!, 1), out)
    if (isSummed)
      emit.node('ConcatFromSequence', [sums!], { attributes: { axis: 2 }, outputs: [logSumExp.name] })
  },

  /** dV = P^T dO; dS = P * (dO V^T - rowsum(dO * O)); dQ = scale * dS K; dK = scale * dS^T Q. */
  attentionBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dq, dk, dv], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const [q, k] = forward
    const around = backwardOf(op, dOut, out)
    const parts = [pieces(emit, 'dq', 3), pieces(emit, 'dk', 4), pieces(emit, 'dv', 4)]
    const sums = [noKeys(op, 'dk of a block'), noKeys(op, 'dv of a block')]
    const { shared } = op.plan
    const starts =
      shared === null ? [] : [ofStart(op, shared, 'dk of the start'), ofStart(op, shared, 'dv of the start')]
    const last = emit.node('Sub', [op.plan.count, emit.integer(1)])
    const all = [...parts, ...sums, ...starts]
    const [dqs, dks, dvs, , , dkStart, dvStart] = emitLoop(emit, op.plan.count, all, (iteration, carried) => {
      const block = new AttentionBlock(op, emit.node('Sub', [last, iteration]))
      const queries = block.stacked(block.queries(q), op.width)
      const gradients = scoreGradients(op, block, queries, around)
      const dScores = beforeCap(emit, block, gradients)
      const dqOfBlock = block.multiply(dScores, block.keys(op.perHead(k), op.width), {
        attributes: { alpha: float(attributes.scale) },
        shape: block.stackedShape(op.width),
      })
      const [p, dS] = [gradients.p, dScores].map((square) => block.merged(square, 'keys'))
      const [dO, ofQueries] = [gradients.dO, queries].map((rows) => block.merged(rows, op.width))
      const [dkShared, dkOwn] = block.apart(block.sumOverQueries(dS!, ofQueries!, attributes.scale))
      const [dvShared, dvOwn] = block.apart(block.sumOverQueries(p!, dO!, 1))
      const [dkSum, dkDone] = block.addKeys(dkOwn, carried[3]!)
      const [dvSum, dvDone] = block.addKeys(dvOwn, carried[4]!)
      const next = [block.joined(dqOfBlock), dkDone, dvDone].map((piece, index) =>
        prepend(emit, carried[index]!, piece),
      )
      const ofStarts = [dkShared, dvShared].filter((part) => part !== null)
      const startSums = ofStarts.map((part, index) =>
        emit.node('Add', [carried[5 + index]!, part], { shape: op.keyHeadShape('start') }),
      )
      return [...next, dkSum, dvSum, ...startSums]
    })
    asRows(emit, concat(emit, dqs!, 1), dq)
    op.headsLast(behindStart(op, dkStart, concat(emit, dks!, 2)), dk)
    op.headsLast(behindStart(op, dvStart, concat(emit, dvs!, 2)), dv)
  },

  attentionBiasBackward(emit, { inputs: [dOut, out, , ...forward], outputs: [dBias], attributes }) {
    const op = new AttentionOp(emit, forward, attributes)
    const around = backwardOf(op, dOut, out)
    const [pieced] = emitLoop(emit, op.plan.count, [pieces(emit, 'dBias', 3)], (iteration, [before]) => {
      const block = new AttentionBlock(op, iteration)
      const queries = block.stacked(block.queries(forward[0]), op.width)
      const { dFinal } = scoreGradients(op, block, queries, around)
      return [append(emit, before!, block.onAllKeys(dFinal))]
    })
    emit.node('ConcatFromSequence', [pieced!], { attributes: { axis: 0 }, outputs: [dBias.name] })
  },
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
  const dP = block.multiply(block.stacked(longer, width + 1), values, { attributes: { transB: 1 }, shape })
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

/** Pieces of a result, in a sequence: blocks differ in size. */
const pieces = (emit: Emitter, hint: string, rank: number): Carried => ({
  initial: emit.share('no pieces', () =>
    emit.node('SequenceEmpty', [], { attributes: { dtype: elementTypes.float32 } }),
  ),
  hint,
  dims: Array.from({ length: rank }, (_, axis) => `piece${axis}`),
  isSequence: true,
})

const append = (emit: Emitter, before: string, piece: string): string =>
  emit.node('SequenceInsert', [before, piece])

const prepend = (emit: Emitter, behind: string, piece: string): string =>
  emit.node('SequenceInsert', [behind, piece, emit.integer(0)])

const concat = (emit: Emitter, sequence: string, axis: number): string =>
  emit.node('ConcatFromSequence', [sequence], { attributes: { axis } })

/** The gradient of the keys of the block behind the last: there is none, [B,K,0,D]. */
function noKeys({ emit, rows, kvHeads, width }: AttentionOp, hint: string): Carried {
  const initial = emit.share(`no keys of ${kvHeads} ${width}`, () =>
    emit.node('Expand', [emit.scalar(0), emit.shapeOf([rows, kvHeads, 0, width])]),
  )
  return { initial, hint, dims: [rows, kvHeads, 'behind', width], isSequence: false }
}

/** The gradient of the keys of the start, before any block has added to it, [B,K,p,D]. */
function ofStart(op: AttentionOp, shared: string, hint: string): Carried {
  const { emit, rows, kvHeads, width } = op
  const initial = emit.share(`no gradient of a start of ${kvHeads} ${width}`, () => {
    const sizes = [emit.sizeOf(rows), emit.integers([kvHeads]), shared, emit.integers([width])]
    return emit.node('Expand', [emit.scalar(0), emit.node('Concat', sizes, { attributes: { axis: 0 } })])
  })
  return { initial, hint, dims: op.keyHeadShape('start'), isSequence: false }
}

function behindStart(op: AttentionOp, start: string | undefined, own: string): string {
  if (start === undefined) return own
  const shape = op.keyHeadShape(op.keys)
  return op.emit.node('Concat', [start, own], { attributes: { axis: 2 }, shape })
}

/** [B,S,N*D] under the value's name. */
function asRows(emit: Emitter, whole: string, value: Value): void {
  const rows = emit.reshape(whole, [-1, lastOf(value.shape)], { shape: rowsShape(value.shape) })
  emit.fromRows(rows, value)
}
