// The graphs that a run of a recipe computes, as figures: for the plan of its memory and of its time. The trainer
// (processes/trainer/compile-job.ts) builds the same. Pure.
import {
  buildPrefixGraph,
  buildScoringGraph,
  buildTrainingGraph,
  chooseLossChunks,
  type FiguresRequest,
  type GraphFigures,
  graphFigures,
  lowestTrainedLayer,
  type MethodSpec,
  type ModelConfig,
  type Task,
} from '#engine/index.ts'
import type { Recipe } from '#shared/recipe.ts'
import { methodOf } from './method-of.ts'

/** Of a recipe what decides its graphs. */
export type RunGraphsRecipe = Pick<
  Recipe,
  'method' | 'regularisation' | 'batch' | 'gradientCheckpointing' | 'reuseFrozenLayers'
>

export interface PlannedRows {
  /** Of the rows that are used. */
  readonly longestTokens: number
  /** Labelled tokens that one row has at most. */
  readonly mostLabelledTokens: number
  /** Tokens that all rows begin with and that are computed once for a batch (shared-start.ts). */
  readonly sharedTokens?: number
  /** Of a sequence-to-sequence model: the longest source. Left out, a row may be all source. */
  readonly longestSourceTokens?: number
}

export interface RunGraphsRequest {
  readonly config: ModelConfig
  readonly recipe: RunGraphsRecipe
  readonly task: Task
  readonly rows: PlannedRows
  readonly scratchBytes?: FiguresRequest['scratchBytes']
}

export interface RunFigures {
  readonly training: GraphFigures
  /** Of validation rows, and of blocks that are computed once. */
  readonly others: readonly GraphFigures[]
}

/** Rows that go through the model at once. */
export const computedRows = ({ rowsAtOnce, microRows }: RunGraphsRecipe['batch']): number =>
  Math.min(rowsAtOnce ?? microRows, microRows)

/** Places that the rows computed at once take, each of so many tokens. */
export function placesOf(batch: RunGraphsRecipe['batch'], tokens: number, sharedTokens = 0): number {
  const shared = batch.packing ? Math.min(sharedTokens, tokens) : 0
  return shared + computedRows(batch) * (tokens - shared)
}

export function figuresOfRun({ config, recipe, task, rows, scratchBytes }: RunGraphsRequest): RunFigures {
  const method = methodOf(recipe.method)
  const isPair = config.kind === 'sequence-to-sequence'
  const isAveraged = task.kind === 'sequence-classes' && task.isAveraged === true
  // Rows of two texts lie beside each other, and those of which a mean is taken.
  const packing = recipe.batch.packing && !isPair && !isAveraged
  const count = computedRows(recipe.batch)
  const longest = (isPair && rows.longestSourceTokens) || rows.longestTokens
  const labelled = count * rows.mostLabelledTokens
  const lossChunks = task.kind === 'language-model' ? chooseLossChunks(labelled, config.vocabulary) : 1
  const places = placesOf(recipe.batch, longest, rows.sharedTokens)
  const sizesOf = (isPacked: boolean) =>
    new Map([
      ['B', isPacked ? 1 : count],
      ['S', isPacked ? places : places / count],
      ['T', rows.mostLabelledTokens],
      ['P', rows.longestTokens],
      ...Array.from({ length: lossChunks }, (_, chunk): [string, number] => [
        `L${chunk}`,
        Math.ceil(labelled / lossChunks),
      ]),
    ])
  const figures = (build: FiguresRequest['build'], isPacked = packing): GraphFigures =>
    graphFigures({ config, method, build, sizes: sizesOf(isPacked), ...(scratchBytes && { scratchBytes }) })
  const fromLayer = (short: ModelConfig, of: MethodSpec): number =>
    recipe.reuseFrozenLayers ? lowestTrainedLayer(short, of) : 0
  const body = (short: ModelConfig, of: MethodSpec) => ({
    task,
    isPacked: packing,
    fromLayer: fromLayer(short, of),
    lossChunks,
  })
  const { neftuneAlpha, labelSmoothing } = recipe.regularisation
  const training = figures((short, of) =>
    buildTrainingGraph(short, of, {
      ...body(short, of),
      gradientCheckpointing: recipe.gradientCheckpointing,
      hasEmbeddingNoise: neftuneAlpha !== null,
      labelSmoothing,
    }),
  )
  const scoring = figures((short, of) => buildScoringGraph(short, of, body(short, of)))
  if (fromLayer(config, method) === 0) return { training, others: [scoring] }
  const prefix = figures(
    (short, of) => buildPrefixGraph(short, fromLayer(short, of), { isPacked: true }),
    true,
  )
  return { training, others: [scoring, prefix] }
}
