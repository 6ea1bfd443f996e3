// How much memory a run takes at its peak, part by part, worked out from its graphs before it starts: what is alive at
// once (engine/analysis), what the runtime needs besides, and what belongs to the program. Compared with measured runs in
// docs/figures.md. Pure; builds graphs, runs none.
import {
  type GraphFigures,
  type ModelConfig,
  optimizerBytes,
  parameterShapes,
  type Task,
  trainableShapes,
} from '#engine/index.ts'
import type { Recipe } from '#shared/recipe.ts'
import { methodOf } from './method-of.ts'
import { figuresOfRun, type PlannedRows, type RunFigures, type RunGraphsRecipe } from './run-graphs.ts'
import { sampleScratch, scratchOf, type WeightForm } from './run-scratch.ts'

/** Of a recipe what decides its memory. */
export type MemoryRecipe = RunGraphsRecipe & Pick<Recipe, 'optimizer'>

/** Bytes at the peak, by what they are for. */
export interface MemoryPlan {
  /** The model's weights, as far as they are read from their file. */
  readonly weights: number
  /** What is trained: values, gradients, what is kept of the best. */
  readonly trained: number
  readonly optimizer: number
  /** Values of the training step that are alive at once. */
  readonly activations: number
  /** What operators need for themselves while they run. */
  readonly workspace: number
  /** Values of the graphs beside it: of validation rows, of blocks that are computed once, of sample answers. */
  readonly besides: number
  /** The program, its runtime and the prepared graphs. */
  readonly program: number
  readonly total: number
}

export interface MemoryRequest {
  readonly config: ModelConfig
  readonly recipe: MemoryRecipe
  readonly task: Task
  readonly rows: PlannedRows
  /** Bytes of one value in the model's own file: 4, or 2 for half precision. */
  readonly bytesPerValue: number
  /** False where there are no validation rows: nothing is scored beside the steps, and no sample is answered. */
  readonly isMeasured?: boolean
}

const mib = 1024 * 1024
/** Programs' own pages 78 MiB, both threads' heaps, the C library and the threads. */
const programBytes = 235 * mib
/** A tokenizer keeps so much of each of its tokens. */
const bytesPerToken = 900
/** The runtime keeps so much for each node of the engine's that it has prepared. */
const bytesPerNode = 5_500
/** Bytes of a value in each form, scales and zeros among them. */
const bytesPerWeight = { int8: 1 + 2 / 32, int4: 0.5 + 3 / 32, nf4: 0.5 + 1 / 64 } as const

/** What the run's graphs take, operators' own needs among it. */
export const runFigures = (request: MemoryRequest): RunFigures =>
  figuresOfRun({ ...request, scratchBytes: scratchOf(request.config, weightForm(request)) })

export function planMemory(request: MemoryRequest, figures: RunFigures = runFigures(request)): MemoryPlan {
  const { config, recipe, task, isMeasured = true } = request
  const { training } = figures
  // The first of the others scores validation rows.
  const others = isMeasured ? figures.others : figures.others.slice(1)
  const trainable = trainableShapes(config, methodOf(recipe.method), task)
  const shapes = trainable.map(({ shape }) => shape)
  const isTrained = new Set(trainable.map(({ name }) => name))
  const sum = (of: (figures: GraphFigures) => number): number =>
    others.reduce((bytes, other) => bytes + of(other), 0)
  const nodes = training.nodes + sum((other) => other.nodes)
  // Values, sums of gradients, those that a run of the graph returns, the best version.
  const copies = recipe.regularisation.averaging === null ? 4 : 5
  const samples =
    isMeasured && task.kind === 'language-model' ? sampleScratch(config, weightForm(request)) : 0
  const parts = {
    // Trained weights are copied out of the file.
    weights: parameterShapes(config, task).reduce(
      (bytes, { name, shape }) => bytes + (isTrained.has(name) ? 0 : bytesOfWeight(request, name, shape)),
      0,
    ),
    trained: copies * 4 * shapes.reduce((count, shape) => count + elements(shape), 0),
    optimizer: optimizerBytes(recipe.optimizer.kind, shapes),
    activations: training.peakBytes - training.scratchBytes,
    workspace: training.scratchBytes,
    besides: sum((other) => other.peakBytes) + samples,
    program: programBytes + bytesPerToken * config.vocabulary + bytesPerNode * nodes,
  }
  return { ...parts, total: Object.values(parts).reduce((bytes, part) => bytes + part, 0) }
}

/** For a device that takes so many times what is planned: what it takes besides is its runtime's own. */
export const scaledPlan = (plan: MemoryPlan, factor: number): MemoryPlan => ({
  ...plan,
  program: plan.program + (factor - 1) * plan.total,
  total: factor * plan.total,
})

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

const weightForm = ({ recipe, bytesPerValue }: MemoryRequest): WeightForm =>
  recipe.method.base !== 'float' ? recipe.method.base : bytesPerValue < 4 ? 'half' : 'float'

/** Matrices are kept in the form of the recipe's base, the vocabulary's in 8 bits; norms and biases as they are. */
function bytesOfWeight(
  { config, recipe, bytesPerValue }: MemoryRequest,
  name: string,
  shape: readonly number[],
): number {
  const { base } = recipe.method
  const isTable = shape[0] === config.vocabulary
  const isKept = base === 'float' || shape.length !== 2 || (!isTable && !name.endsWith('.weight'))
  return elements(shape) * (isKept ? bytesPerValue : bytesPerWeight[isTable ? 'int8' : base])
}
