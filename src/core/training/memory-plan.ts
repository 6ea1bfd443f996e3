// How much memory a run takes at its peak, part by part, worked out from its graphs before it starts: what is alive at
// once (engine/analysis), what the runtime needs besides, and what belongs to the program. Compared with measured runs in
// docs/figures.md. Pure; builds graphs, runs none.
import {
  type BuiltGraph,
  buildScoringGraph,
  buildTrainingGraph,
  chooseLossChunks,
  liveMemory,
  lowestTrainedLayer,
  type ModelConfig,
  optimizerBytes,
  parameterShapes,
  type Task,
} from '#engine/index.ts'
import type { Recipe } from '#shared/recipe.ts'
import { methodOf } from './method-of.ts'

/** Of a recipe what decides its memory. */
export type MemoryRecipe = Pick<
  Recipe,
  'method' | 'optimizer' | 'regularisation' | 'batch' | 'gradientCheckpointing' | 'reuseFrozenLayers'
>

export interface PlannedRows {
  /** Of the rows that are used. */
  readonly longestTokens: number
  /** Labelled tokens that one row has at most. */
  readonly mostLabelledTokens: number
}

/** Bytes at the peak, by what they are for. */
export interface MemoryPlan {
  /** The model's weights, as far as they are read from their file. */
  readonly weights: number
  /** What is trained: values, gradients, what is kept of the best. */
  readonly trained: number
  readonly optimizer: number
  /** Values of the graph that are alive at once. */
  readonly activations: number
  /** What operators need for themselves while they run. */
  readonly workspace: number
  /** The program, its runtime and the prepared graphs. */
  readonly program: number
  readonly total: number
}

const mib = 1024 * 1024
/** Bytes a value takes in each form of the frozen weights, with scales. */
const bytesPerWeight = { int8: 1 + 2 / 32, int4: 0.5 + 2.5 / 32, nf4: 0.5 + 1 / 64 } as const
/** Programs' own pages, the collector's heap, the C library and the threads. */
const programBytes = 160 * mib
/** The runtime keeps so much for each node of a prepared graph. */
const bytesPerNode = 5_500
/** Scores, probabilities and their gradients of one block of queries. */
const attentionTensors = 4
const queriesPerBlock = 128

export interface MemoryRequest {
  readonly config: ModelConfig
  readonly recipe: MemoryRecipe
  readonly task: Task
  readonly rows: PlannedRows
  /** Bytes of one value in the model's own file: 4, or 2 for half precision. */
  readonly bytesPerValue: number
}

export function planMemory(request: MemoryRequest): MemoryPlan {
  const { config, recipe, task, rows } = request
  const method = methodOf(recipe.method)
  const { microRows, rowsAtOnce, packing } = recipe.batch
  const batchRows = Math.min(rowsAtOnce ?? microRows, microRows)
  const lossChunks = chooseLossChunks(batchRows * rows.mostLabelledTokens, config.vocabulary)
  const body = {
    task,
    isPacked: packing,
    fromLayer: recipe.reuseFrozenLayers ? lowestTrainedLayer(config, method) : 0,
  }
  const training = buildTrainingGraph(config, method, {
    ...body,
    lossChunks,
    gradientCheckpointing: recipe.gradientCheckpointing,
    hasEmbeddingNoise: recipe.regularisation.neftuneAlpha !== null,
    labelSmoothing: recipe.regularisation.labelSmoothing,
  })
  const scoring = buildScoringGraph(config, method, { ...body, lossChunks, mask: 'causal' })
  const sizes = new Map([
    ['B', packing ? 1 : batchRows],
    ['S', packing ? batchRows * rows.longestTokens : rows.longestTokens],
    ['P', rows.longestTokens],
    ...Array.from({ length: lossChunks }, (_, chunk): [string, number] => [
      `L${chunk}`,
      Math.ceil((batchRows * rows.mostLabelledTokens) / lossChunks),
    ]),
  ])
  const live = liveMemory(training.graph, sizes)
  const scored = liveMemory(scoring.graph, sizes)
  const parameters = countOf(training)
  const copies = recipe.regularisation.averaging === null ? 4 : 5
  const parts = {
    weights: weightBytes(request),
    // Values, sums of gradients, those that a run of the graph returns, the best version.
    trained: copies * 4 * parameters,
    optimizer: optimizerBytes(
      recipe.optimizer.kind,
      training.trainable.map(({ shape }) => shape),
    ),
    activations: live.peakBytes - live.outputBytes + scored.peakBytes,
    workspace: workspaceBytes(request, sizes),
    program: programBytes + bytesPerNode * (training.graph.nodes.length + scoring.graph.nodes.length),
  }
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) }
}

const countOf = ({ trainable }: BuiltGraph): number =>
  trainable.reduce((sum, { shape }) => sum + elements(shape), 0)

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Trained weights of the model are copied out of the file; the pages that were read for it are given back. */
function weightBytes({ config, recipe, task, bytesPerValue }: MemoryRequest): number {
  const { base } = recipe.method
  const table = config.embedding.tokens
  return parameterShapes(config, task).reduce((sum, { name, shape }) => {
    const isQuantised = base !== 'float' && shape.length === 2
    const scheme = name === table ? 'int8' : base
    const each = isQuantised && scheme !== 'float' ? bytesPerWeight[scheme] : bytesPerValue
    return sum + each * elements(shape)
  }, 0)
}

/** One block of queries of one layer, and one weight made float again. */
function workspaceBytes(
  { config, recipe, bytesPerValue }: MemoryRequest,
  sizes: ReadonlyMap<string, number>,
): number {
  const [rows, positions] = [sizes.get('B')!, sizes.get('S')!]
  const attention =
    attentionTensors * 4 * rows * config.heads * Math.min(positions, queriesPerBlock) * positions
  const isFloat = recipe.method.base === 'float' && bytesPerValue === 4
  const cast = isFloat ? 0 : 4 * config.vocabulary * config.hidden
  return attention + cast
}
