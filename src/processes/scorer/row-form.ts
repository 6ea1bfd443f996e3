// How rows with several possible answers are fed to a scoring graph: behind one prompt that is shared, or, where a model
// reads a source and writes a target, one behind the other beside the source, which is read once.
import { type BranchedRow, layOutBranches } from '#core/proof/label-layout.ts'
import type { MaskKind, Tensor } from '#engine/index.ts'
import {
  collateSharedSources,
  firstLabelled,
  type SharedSource,
  type TwoHalves,
} from '#engine/train/source-target.ts'
import type { LabelledTokens } from '#formats/completion-mask.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { makeBranchBatch } from './branch-batch.ts'

/** A row and its answers. */
export interface LaidOutRow {
  /** Places that it takes. */
  readonly ids: { readonly length: number }
  /** What is predicted in it. */
  readonly targets: { readonly length: number }
  /** Answer tokens of each answer. */
  readonly answerTokens: readonly number[]
}

export interface ScoredBatch {
  readonly feeds: ReadonlyMap<string, Tensor>
  /** Row (within the batch) and answer that the n-th loss of all chunks together belongs to. */
  readonly owners: readonly { readonly row: number; readonly branch: number }[]
}

export interface RowForm<Row extends LaidOutRow> {
  /** Of the scoring graph. */
  readonly mask: MaskKind
  readonly isPacked: boolean
  layOut(answers: readonly LabelledTokens[]): Row
  batch(rows: readonly Row[], lossChunks: number): ScoredBatch
}

export const branchForm: RowForm<BranchedRow> = {
  mask: 'input',
  isPacked: false,
  layOut: layOutBranches,
  batch: makeBranchBatch,
}

export interface PairedRow extends LaidOutRow, SharedSource {}

/** The source is what stands before the first labelled token, the same for every answer. */
export const pairForm = (halves: TwoHalves): RowForm<PairedRow> => ({
  mask: 'causal',
  isPacked: true,
  layOut(answers) {
    const first = answers[0]!
    const asked = answers.map(({ ids, labels }) =>
      Array.from(ids).filter((_, at) => labels[at] !== ignoredLabel),
    )
    const source = Array.from(first.ids).slice(0, firstLabelled(first))
    const answerTokens = asked.map(({ length }) => length)
    // Of an answer without a token its start is read.
    const places = answerTokens.reduce((sum, count) => sum + Math.max(count, 1), source.length)
    const targets = { length: answerTokens.reduce((sum, count) => sum + count, 0) }
    return { source, answers: asked, answerTokens, targets, ids: { length: places } }
  },
  batch(rows, lossChunks) {
    const owners = rows.flatMap(({ answerTokens }, row) =>
      answerTokens.flatMap((count, branch) => Array.from({ length: count }, () => ({ row, branch }))),
    )
    return { feeds: collateSharedSources(rows, halves, lossChunks), owners }
  },
})
