// Builds and compiles the graphs of a run: the training step, the scoring of validation rows, and, where the blocks below
// the trained ones are computed once only, those.

import { join } from 'node:path'
import { quantisedWeights } from '#core/models/quantised-weights.ts'
import { type FrozenKey, frozenFolderOf, openFrozenCache } from '#core/training/frozen-cache.ts'
import { methodOf, taskOf } from '#core/training/method-of.ts'
import { evictTrainingCaches } from '#core/training/training-cache-limit.ts'
import {
  type Backend,
  type BuiltGraph,
  buildPrefixGraph,
  buildScoringGraph,
  buildTrainingGraph,
  lowestTrainedLayer,
  type MethodSpec,
  type ModelConfig,
  type Session,
  type Task,
  type WeightLocation,
} from '#engine/index.ts'
import { layerRates } from '#engine/optim/layer-rates.ts'
import { type Collation, type EncodedRow, mostLabelledTokens } from '#engine/train/collate.ts'
import { chooseLossChunks } from '#engine/train/loss-chunks.ts'
import { planTraining } from '#engine/train/plan.ts'
import type { TrainingSetup } from '#engine/train/ports.ts'
import { layoutOf } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { locateWeights } from '../scorer/model-folder.ts'
import { createFrozenLayers, type FrozenLayers } from './frozen-layers.ts'
import type { Head } from './head-files.ts'
import { AveragedRow, LabelledRow } from './labelled-rows.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'

/** What is open until the job ends. */
export type Opened = Pick<Session, 'dispose'>

export interface CompiledJob {
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly head: Head
  readonly setup: TrainingSetup
  readonly training: Session
  readonly scoring: Session
  /** Weights kept in fewer bits, where the recipe wants that. */
  readonly quantised: Quantised | undefined
  /** Null where graphs begin with the tokens. */
  readonly frozenLayers: FrozenLayers | null
}

/** Compiles all graphs; what is opened is pushed to `opened` at once, so that the caller can dispose of it. */
export async function compileJob(
  job: TrainerJob,
  { config }: OpenModel,
  rows: PreparedRows,
  backend: Backend,
  opened: Opened[],
): Promise<CompiledJob> {
  const { recipe } = job
  const method = methodOf(recipe.method)
  const task = taskOf(recipe.method, recipe.scenario, rows.classNames.length, config)
  const collation = collationOf(job, config, task, rows)
  // Rows stay readable where their folder goes: their file is open.
  await evictTrainingCaches(job.cacheFolder, { limitBytes: job.cacheLimitBytes, keep: new Set() })
  const fromLayer = recipe.reuseFrozenLayers ? lowestTrainedLayer(config, method) : 0
  // Above all blocks no token looks at another.
  const keptOf = (whole: readonly EncodedRow[]): readonly EncodedRow[] =>
    fromLayer === config.layers
      ? whole.map((row) => (collation.hasPooling ? new AveragedRow(row) : new LabelledRow(row)))
      : whole
  const body = { task, isPacked: collation.layout === 'packed', fromLayer, lossChunks: collation.lossChunks }
  const quantised = await quantisedOf(job, config)
  const compile = createCompiler(job, config, rows, { backend, opened, quantised })
  const { neftuneAlpha, labelSmoothing } = recipe.regularisation
  const step = buildTrainingGraph(config, method, {
    ...body,
    gradientCheckpointing: recipe.gradientCheckpointing,
    hasEmbeddingNoise: neftuneAlpha !== null,
    labelSmoothing,
  })
  return {
    config,
    method,
    head: { task, classNames: rows.classNames },
    setup: {
      recipe,
      plan: planTraining(recipe, rows.train.length, rows.validation.length),
      layout: layoutOf(step.trainable),
      rates: layerRates(
        config,
        step.trainable.map(({ name }) => name),
        recipe.optimizer.layerDecay,
      ),
      trainRows: keptOf(rows.train),
      validationRows: keptOf(rows.validation),
      collation,
      noise: neftuneAlpha === null ? null : { alpha: neftuneAlpha, width: config.hidden },
    },
    quantised,
    training: await compile(step),
    scoring: await compile(buildScoringGraph(config, method, { ...body, mask: 'causal' })),
    frozenLayers:
      fromLayer === 0
        ? null
        : createFrozenLayers({
            session: await compile(buildPrefixGraph(config, fromLayer, { isPacked: true })),
            cache: await openCache(job, config, fromLayer, backend, opened),
            width: config.hidden,
            collation,
          }),
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
  // The mean of a text is taken over a row.
  const isPacked = batch.packing && !hasPooling
  const most = mostLabelledTokens([...train, ...validation], batch.rowsAtOnce ?? batch.microRows, asks)
  return {
    lossChunks: task.kind === 'language-model' ? chooseLossChunks(most, config.vocabulary) : 1,
    asks,
    layout: isPacked ? 'packed' : 'padded',
    hasSegments: isPacked || isEncoder,
    hasPooling,
    hasTypes: config.embedding.types !== null,
    firstPosition: config.positionOffset,
  }
}

type Quantised = ReadonlyMap<string, WeightLocation>

async function quantisedOf(
  { recipe, modelFolder: folder }: TrainerJob,
  config: ModelConfig,
): Promise<Quantised | undefined> {
  const { base: scheme } = recipe.method
  if (scheme === 'float') return undefined
  return unwrap(await quantisedWeights({ folder, weightsSha256: recipe.model.weightsSha256, config, scheme }))
}

type Compile = (built: BuiltGraph) => Promise<Session>

interface CompilerParts {
  readonly backend: Backend
  readonly opened: Opened[]
  readonly quantised: Quantised | undefined
}

function createCompiler(
  { recipe, modelFolder, runFolder }: TrainerJob,
  config: ModelConfig,
  { train, validation }: PreparedRows,
  { backend, opened, quantised }: CompilerParts,
): Compile {
  const longest = [...train, ...validation].reduce((length, row) => Math.max(length, row.ids.length), 1)
  // The runtime wants a row of the rotary tables for every place of a row, packed ones included.
  const places = longest * (recipe.batch.rowsAtOnce ?? recipe.batch.microRows)
  return async (built) => {
    const weights = await locateWeights(modelFolder, config, built, places, quantised)
    const options = { threads: recipe.threads, weights, workFolder: join(runFolder, 'work') }
    const session = unwrap(await backend.compile(built.graph, options))
    opened.push(session)
    return session
  }
}

/** The cache of this prefix, after older ones have made room. */
async function openCache(
  { recipe, cacheFolder, cacheLimitBytes }: TrainerJob,
  { hidden }: ModelConfig,
  blocks: number,
  backend: Backend,
  opened: Opened[],
) {
  const { weightsSha256 } = recipe.model
  const key: FrozenKey = {
    weightsSha256,
    base: recipe.method.base,
    blocks,
    width: hidden,
    backend: backend.name,
  }
  const folder = frozenFolderOf(cacheFolder, key)
  const kept = await evictTrainingCaches(cacheFolder, {
    limitBytes: cacheLimitBytes,
    keep: new Set([folder]),
  })
  const cache = openFrozenCache(folder, key, cacheLimitBytes - kept)
  opened.push({ dispose: async () => cache.close() })
  return cache
}
