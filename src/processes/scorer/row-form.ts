// How rows with several possible answers are fed to a scoring graph: behind one prompt that is shared, or, where a model
// reads a source and writes a target, each answer beside its own copy of the source.
import { type BranchedRow, layOutBranches } from '#core/proof/label-layout.ts'
import type { MaskKind, Tensor } from '#engine/index.ts'
import { collatePairs, type TwoHalves } from '#engine/train/source-target.ts'
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
  layOut(answers: readonly LabelledTokens[]): Row
  batch(rows: readonly Row[], lossChunks: number): ScoredBatch
}

export const branchForm: RowForm<BranchedRow> = {
  mask: 'input',
  layOut: layOutBranches,
  batch: makeBranchBatch,
}

export interface PairedRow extends LaidOutRow {
  readonly answers: readonly LabelledTokens[]
}

export const pairForm = (halves: TwoHalves): RowForm<PairedRow> => ({
  mask: 'causal',
  layOut(answers) {
    const answerTokens = answers.map(({ labels }) => labels.filter((label) => label !== ignoredLabel).length)
    const longest = answers.reduce((most, { ids }) => Math.max(most, ids.length), 0)
    return {
      answers,
      answerTokens,
      ids: { length: answers.length * longest },
      targets: { length: answerTokens.reduce((sum, count) => sum + count, 0) },
    }
  },
  batch(rows, lossChunks) {
    const answers = rows.flatMap((row) => row.answers)
    const owners = rows.flatMap(({ answerTokens }, row) =>
      answerTokens.flatMap((count, branch) => Array.from({ length: count }, () => ({ row, branch }))),
    )
    return { feeds: collatePairs(answers, halves, lossChunks).feeds, owners }
  },
})
