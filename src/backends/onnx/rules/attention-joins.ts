// Runs the blocks of an attention op, in a loop or one behind the other as its plan says, and joins what they give.
// Legend: B rows, S queries, T keys, K key heads, D head width; of a block: e keys.
import type { Emitter } from '../emitter.ts'
import { type Carried, emitLoop } from '../loop.ts'
import { elementTypes } from '../model-proto.ts'
import { AttentionBlock } from './attention-block.ts'
import type { AttentionOp } from './attention-op.ts'
import { boundsOfBlock, type LoopPlan, type UnrolledPlan } from './attention-plan.ts'

/** A result of which every block gives a piece along an axis. */
export interface Pieces {
  readonly hint: string
  readonly rank: number
  readonly axis: number
  /** The name of the whole; without it a fresh one is made. */
  readonly output?: string
}

/** Names of the wholes. */
export function joinBlocks(
  op: AttentionOp,
  wanted: readonly Pieces[],
  ofBlock: (block: AttentionBlock) => readonly string[],
): readonly string[] {
  const { emit, plan } = op
  if (plan.kind === 'unrolled') {
    const parts = ofBlocks(op, plan, ofBlock)
    return wanted.map((piece, index) =>
      joinPieces(
        op,
        piece,
        parts.map((part) => part[index]!),
      ),
    )
  }
  const carried = wanted.map(({ hint, rank }) => sequence(emit, hint, rank))
  const sequences = emitLoop(emit, plan.count, carried, (iteration, before) => {
    const pieces = ofBlock(new AttentionBlock(op, boundsOfBlock(emit, plan, iteration)))
    return pieces.map((piece, index) => emit.node('SequenceInsert', [before[index]!, piece]))
  })
  return wanted.map(({ axis, output }, index) => {
    const outputs = output === undefined ? {} : { outputs: [output] }
    return emit.node('ConcatFromSequence', [sequences[index]!], { attributes: { axis }, ...outputs })
  })
}

/** Blocks that repeat the last query lie behind all others: they are cut off. */
function joinPieces(
  { emit, operands }: AttentionOp,
  { axis, output }: Pieces,
  pieces: readonly string[],
): string {
  const options = output === undefined ? {} : { outputs: [output] }
  if (pieces.length === 1) return output === undefined ? pieces[0]! : emit.node('Identity', pieces, options)
  const all = emit.node('Concat', pieces, { attributes: { axis } })
  const queries = emit.around(() => emit.sizeOf(operands[0].shape[1]!))
  return emit.node('Slice', [all, emit.integers([0]), queries, emit.integers([axis])], options)
}

const ofBlocks = <T>(
  op: AttentionOp,
  { blocks }: UnrolledPlan,
  ofBlock: (block: AttentionBlock, counts: string | null) => T,
): readonly T[] =>
  blocks.map(({ bounds, counts, place }) =>
    op.emit.apart(place, () => ofBlock(new AttentionBlock(op, bounds), counts)),
  )

export interface BlockGradients {
  /** The block's rows of [B,S,H*D]. */
  readonly dq: string
  /** [B,K,e,D] */
  readonly dk: string
  readonly dv: string
}

/** dq [B,S,H*D], dk and dv [B,K,T,D] of all blocks. */
export function joinGradients(
  op: AttentionOp,
  ofBlock: (block: AttentionBlock) => BlockGradients,
): BlockGradients {
  return op.plan.kind === 'loop' ? joinInLoop(op, op.plan, ofBlock) : joinUnrolled(op, op.plan, ofBlock)
}

function joinUnrolled(
  op: AttentionOp,
  plan: UnrolledPlan,
  ofBlock: (block: AttentionBlock) => BlockGradients,
): BlockGradients {
  const { emit } = op
  const parts = ofBlocks(op, plan, (block, counts) => {
    const { dq, dk, dv } = ofBlock(block)
    const counted = (own: string): string =>
      counts === null ? own : emit.node('Mul', [own, counts], { shape: op.keyHeadShape('keys') })
    return { dq, dk: block.amongAllKeys(counted(dk)), dv: block.amongAllKeys(counted(dv)) }
  })
  const sum = (names: readonly string[]): string =>
    names.reduce((a, b) => emit.node('Add', [a, b], { shape: op.keyHeadShape(op.keys) }))
  return {
    dq: joinPieces(
      op,
      { hint: 'dq', rank: 3, axis: 1 },
      parts.map(({ dq }) => dq),
    ),
    dk: sum(parts.map(({ dk }) => dk)),
    dv: sum(parts.map(({ dv }) => dv)),
  }
}

/** From the last block to the first, so that a block's keys are done as soon as no block before sees them. */
function joinInLoop(
  op: AttentionOp,
  plan: LoopPlan,
  ofBlock: (block: AttentionBlock) => BlockGradients,
): BlockGradients {
  const { emit } = op
  const { shared } = plan
  const parts = [sequence(emit, 'dq', 3), sequence(emit, 'dk', 4), sequence(emit, 'dv', 4)]
  const sums = [noKeys(op, 'dk of a block'), noKeys(op, 'dv of a block')]
  const starts =
    shared === null ? [] : [ofStart(op, shared, 'dk of the start'), ofStart(op, shared, 'dv of the start')]
  const last = emit.node('Sub', [plan.count, emit.integer(1)])
  const all = [...parts, ...sums, ...starts]
  const [dqs, dks, dvs, , , dkStart, dvStart] = emitLoop(emit, plan.count, all, (iteration, carried) => {
    const bounds = boundsOfBlock(emit, plan, emit.node('Sub', [last, iteration]))
    const block = new AttentionBlock(op, bounds)
    const gradients = ofBlock(block)
    const [dkShared, dkOwn] = block.apart(gradients.dk)
    const [dvShared, dvOwn] = block.apart(gradients.dv)
    const [dkSum, dkDone] = block.addKeys(dkOwn, carried[3]!, bounds)
    const [dvSum, dvDone] = block.addKeys(dvOwn, carried[4]!, bounds)
    const next = [gradients.dq, dkDone, dvDone].map((piece, index) =>
      emit.node('SequenceInsert', [carried[index]!, piece, emit.integer(0)]),
    )
    const ofStarts = [dkShared, dvShared].filter((part) => part !== null)
    const startSums = ofStarts.map((part, index) =>
      emit.node('Add', [carried[5 + index]!, part], { shape: op.keyHeadShape('start') }),
    )
    return [...next, dkSum, dvSum, ...startSums]
  })
  return {
    dq: emit.node('ConcatFromSequence', [dqs!], { attributes: { axis: 1 } }),
    dk: behindStart(op, dkStart, joinKeys(emit, dks!)),
    dv: behindStart(op, dvStart, joinKeys(emit, dvs!)),
  }
}

const joinKeys = (emit: Emitter, pieces: string): string =>
  emit.node('ConcatFromSequence', [pieces], { attributes: { axis: 2 } })

/** Pieces of a result, in a sequence: blocks differ in size. */
const sequence = (emit: Emitter, hint: string, rank: number): Carried => ({
  initial: emit.share('no pieces', () =>
    emit.node('SequenceEmpty', [], { attributes: { dtype: elementTypes.float32 } }),
  ),
  hint,
  dims: Array.from({ length: rank }, (_, axis) => `piece${axis}`),
  isSequence: true,
})

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
