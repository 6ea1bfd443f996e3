// How a row with its possible answers is fed to a scoring graph: behind one prompt that is computed once; each answer by
// itself; or, where a model reads a source and writes a target, one behind the other beside the source, read once.
import { type BranchedRow, layOutBranches, sharedPrefix } from '#core/proof/label-layout.ts'
import {
  type BuiltGraph,
  buildScoringGraph,
  type MethodSpec,
  type ModelConfig,
  type Tensor,
} from '#engine/index.ts'
import { causalCollation, collate, countLabelled } from '#engine/train/collate.ts'
import {
  collateSharedSources,
  firstLabelled,
  type SharedSource,
  type TwoHalves,
  twoHalvesOf,
} from '#engine/train/source-target.ts'
import type { LabelledTokens } from '#formats/completion-mask.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { branchFeeds } from './branch-batch.ts'

/** One or more answers, with all that they need to see. */
export interface LaidOut {
  /** Places that it takes. */
  readonly ids: { readonly length: number }
  /** What is predicted in it. */
  readonly targets: { readonly length: number }
  /** Of a batch all have it alike. */
  readonly start?: number
  /** Targets of each answer. */
  readonly answerTokens: readonly number[]
}

export interface RowForm<Laid extends LaidOut = LaidOut> {
  /** Whether these answers of one row may be laid out so. */
  takes(answers: readonly LabelledTokens[]): boolean
  /** In one, or in several that hold the answers in their order. */
  layOut(answers: readonly LabelledTokens[]): readonly Laid[]
  build(config: ModelConfig, method: MethodSpec, lossChunks: number): BuiltGraph
  /** Of what this form laid out; losses come in its order, answer by answer, token by token. */
  feeds(batch: readonly Laid[], lossChunks: number): ReadonlyMap<string, Tensor>
}

/**
 * Behind one prompt. By index an answer lies further from the prompt than by position, and windows go by index: only
 * answers that each fit in the narrowest window lie so, and then no window hides anything.
 */
const branchForm = ({ blocks }: ModelConfig): RowForm<BranchedRow> => {
  const narrowest = blocks.reduce((least, { window }) => Math.min(least, window ?? least), Infinity)
  return {
    takes: (answers) =>
      answers.length > 1 && answers.every(({ ids }) => ids.length <= narrowest) && sharedPrefix(answers) > 0,
    layOut: (answers) => [layOutBranches(answers)],
    build(config, method, lossChunks) {
      const unbounded = { ...config, blocks: config.blocks.map((block) => ({ ...block, window: null })) }
      return buildScoringGraph(unbounded, method, { lossChunks, isPacked: true, sharesStart: true })
    },
    feeds: branchFeeds,
  }
}

interface SingleAnswer extends LaidOut {
  readonly ids: LabelledTokens['ids']
  readonly labels: LabelledTokens['labels']
}

/** Each answer by itself behind its own prompt, as rows are trained. */
const singleForm: RowForm<SingleAnswer> = {
  takes: () => true,
  layOut: (answers) =>
    answers.map(({ ids, labels }) => {
      const tokens = countLabelled({ labels })
      return { ids, labels, targets: { length: tokens }, answerTokens: [tokens] }
    }),
  build: (config, method, lossChunks) => buildScoringGraph(config, method, { lossChunks }),
  feeds: (batch, lossChunks) => collate(batch, causalCollation(lossChunks)).feeds,
}

interface PairedRow extends LaidOut, SharedSource {}

/** The source is what stands before the first labelled token, the same for every answer. */
const pairForm = (halves: TwoHalves): RowForm<PairedRow> => ({
  takes: () => true,
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
    return [{ source, answers: asked, answerTokens, targets, ids: { length: places } }]
  },
  build: (config, method, lossChunks) => buildScoringGraph(config, method, { lossChunks, isPacked: true }),
  feeds: (batch, lossChunks) => collateSharedSources(batch, halves, lossChunks),
})

/** The forms that rows of a model may have; the first that takes a row is the one that computes least, the last takes any. */
export function rowForms(config: ModelConfig): readonly RowForm[] {
  const halves = twoHalvesOf(config)
  return halves === null ? [branchForm(config), singleForm] : [pairForm(halves)]
}
