// What a run has to do before anything is compiled: its rows, how they are fed, its steps, what is trained. A recipe with
// texts of the field has two such stages, which train the same weights: the texts are learnt as a data set of the domain
// scenario would be, one behind the other, and the rows that the run is for come after them.
import { createHash } from 'node:crypto'
import { firstStageOf } from '#core/training/first-stage.ts'
import { methodOf, taskOf } from '#core/training/method-of.ts'
import { mayShareStart } from '#core/training/shared-start.ts'
import {
  lowestTrainedLayer,
  type MethodSpec,
  type ModelConfig,
  type Task,
  trainableShapes,
} from '#engine/index.ts'
import { layerRates } from '#engine/optim/layer-rates.ts'
import { type Collation, type EncodedRow, mostBeginAlike, mostLabelledTokens } from '#engine/train/collate.ts'
import { chooseLossChunks } from '#engine/train/loss-chunks.ts'
import { lastStepOf, planTraining } from '#engine/train/plan.ts'
import type { TrainingSetup } from '#engine/train/ports.ts'
import { twoHalvesOf } from '#engine/train/source-target.ts'
import { layoutOf } from '#engine/train/state.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { Head } from './head-files.ts'
import { AveragedRow, LabelledRow } from './labelled-rows.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'

export interface PlannedStage {
  /** Of the first stage: with the recipe that it follows. */
  readonly job: TrainerJob
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly head: Head
  readonly rows: PreparedRows
  readonly setup: TrainingSetup
  /** The block with which graphs begin; 0 where they begin with the tokens. */
  readonly fromLayer: number
}

export interface PlannedStages {
  /** Texts of the field; null without. */
  readonly before: PlannedStage | null
  readonly main: PlannedStage
  /** SHA-256 of the rows of all stages. */
  readonly rowsSha256: string
}

/** Where rows come from: made, or held since the last run. They stay readable as long as the source is. */
export interface RowSource {
  rows(job: TrainerJob, model: OpenModel): Promise<PreparedRows>
  /** Of a first stage. */
  texts(job: TrainerJob, model: OpenModel): Promise<PreparedRows>
}

/** Throws ProblemError, as preparing rows does. */
export async function planStages(
  job: TrainerJob,
  model: OpenModel,
  source: RowSource,
): Promise<PlannedStages> {
  const firstJob = firstJobOf(job)
  const before = firstJob && planStage(firstJob, model.config, await source.texts(firstJob, model), 0)
  const rows = await source.rows(job, model)
  const main = planStage(job, model.config, rows, before ? lastStepOf(before.setup.plan) : 0)
  if (before === null) return { before, main, rowsSha256: rows.sha256 }
  const both = createHash('sha256').update(before.rows.sha256).update(rows.sha256)
  return { before, main, rowsSha256: both.digest('hex') }
}

/** The job that the first stage alone would be; null where the recipe has none. */
function firstJobOf(job: TrainerJob): TrainerJob | null {
  const stage = firstStageOf(job.recipe)
  if (stage === null || job.recipe.before === null) return null
  if (job.beforeFolder === undefined)
    throw new Error('the job has no folder with the texts of its first stage')
  const { fingerprint } = job.recipe.before
  return {
    ...job,
    datasetFolder: job.beforeFolder,
    recipe: { ...stage, data: { fingerprint }, instruction: '' },
  }
}

export function planStage(
  job: TrainerJob,
  config: ModelConfig,
  rows: PreparedRows,
  firstStep: number,
): PlannedStage {
  const { recipe } = job
  const method = methodOf(recipe.method)
  const task = taskOf(recipe.method, recipe.scenario, rows.classNames.length, config)
  const collation = collationOf(job, config, task, rows)
  const fromLayer = recipe.reuseFrozenLayers ? lowestTrainedLayer(config, method) : 0
  // Above all blocks no token looks at another.
  const keptOf = (whole: readonly EncodedRow[]): readonly EncodedRow[] =>
    fromLayer === config.layers
      ? whole.map((row) => (collation.hasPooling ? new AveragedRow(row) : new LabelledRow(row)))
      : whole
  const trained = trainableShapes(config, method, task)
  const { neftuneAlpha } = recipe.regularisation
  return {
    job,
    config,
    method,
    head: { task, classNames: rows.classNames },
    rows,
    fromLayer,
    setup: {
      recipe,
      plan: planTraining(recipe, rows.train.length, rows.validation.length, firstStep),
      layout: layoutOf(trained),
      rates: layerRates(
        config,
        trained.map(({ name }) => name),
        recipe.optimizer.layerDecay,
      ),
      trainRows: keptOf(rows.train),
      validationRows: keptOf(rows.validation),
      collation,
      noise: neftuneAlpha === null ? null : { alpha: neftuneAlpha, width: config.hidden },
      pruneAt: job.pruneAt,
    },
  }
}

function collationOf(
  { recipe }: TrainerJob,
  config: ModelConfig,
  task: Task,
  { train, validation }: PreparedRows,
): Collation {
  const { batch } = recipe
  const asks = task.kind === 'language-model' ? 'next-token' : 'class'
  const isEncoder = config.kind !== 'decoder'
  const hasPooling = task.kind === 'sequence-classes' && task.isAveraged === true
  const halves = twoHalvesOf(config)
  // The mean of a text is taken over a row; rows of two texts lie beside each other.
  const isPacked = batch.packing && !hasPooling && halves === null
  const most = mostLabelledTokens([...train, ...validation], batch.rowsAtOnce ?? batch.microRows, asks)
  return {
    lossChunks: task.kind === 'language-model' ? chooseLossChunks(most, config.vocabulary) : 1,
    asks,
    layout: isPacked ? 'packed' : 'padded',
    sharesStart: isPacked && mayShareStart(recipe, config) && mostBeginAlike(train, asks),
    hasSegments: isPacked || isEncoder,
    hasPooling,
    hasTypes: config.embedding.types !== null,
    firstPosition: config.positionOffset,
    halves,
  }
}

/** Tokens of a step of the stage, in mean. */
export function tokensOfStep({ setup: { trainRows, plan } }: PlannedStage): number {
  return trainRows.reduce((sum, { ids }) => sum + ids.length, 0) / plan.stepsPerEpoch
}
