// Builds and compiles the graphs of a stage: the training step, the scoring of validation rows where there are any, and,
// where the blocks below the trained ones are computed once only, those. What an earlier run of this process left is taken.

import { join } from 'node:path'
import { areQuantised, quantisedWeights } from '#core/models/quantised-weights.ts'
import {
  type FrozenCache,
  type FrozenKey,
  frozenFolderOf,
  openFrozenCache,
} from '#core/training/frozen-cache.ts'
import { evictTrainingCaches } from '#core/training/training-cache-limit.ts'
import {
  type Backend,
  type BuiltGraph,
  buildPrefixGraph,
  buildScoringGraph,
  buildTrainingGraph,
  type CompileOptions,
  type ModelConfig,
  type Session,
  type WeightLocation,
} from '#engine/index.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { locateWeights } from '../scorer/model-folder.ts'
import { createFrozenLayers, type FrozenLayers } from './frozen-layers.ts'
import type { PlannedStage } from './plan-stages.ts'
import type { ReuseTally } from './reuse-tally.ts'

/** What is open until the stage ends. */
export type Opened = Pick<Session, 'dispose'>

export interface CompiledStage extends PlannedStage {
  readonly training: Session
  /** Null without validation rows. */
  readonly scoring: Session | null
  /** Weights kept in fewer bits, where the recipe wants that. */
  readonly quantised: Quantised | undefined
  /** Null where graphs begin with the tokens. */
  readonly frozenLayers: FrozenLayers | null
}

/** What of a stage an earlier run may have left. */
export interface StageParts {
  /** The compiled graph under this key, which holds all that it is made of; else what `compile` makes. */
  session(key: string, compile: () => Promise<Session>): Promise<Session>
  /** Where weights of fewer bits lie. */
  quantised(job: TrainerJob, make: () => Promise<Quantised | undefined>): Promise<Quantised | undefined>
  /** States of frozen blocks in this folder, which may grow by `roomBytes`. */
  cache(folder: string, roomBytes: number, open: () => FrozenCache): FrozenCache
  /** Before anything is compiled: what is held besides must leave room for the stage. */
  makeRoom(keys: readonly string[], stage: PlannedStage): Promise<void>
  readonly tally?: ReuseTally
}

/** Makes everything; what is opened is pushed to `opened` at once, so that the caller can dispose of it. */
export const partsMadeAnew = (opened: Opened[]): StageParts => ({
  async session(_key, compile) {
    const session = await compile()
    opened.push(session)
    return session
  },
  quantised: (_job, make) => make(),
  cache(_folder, _roomBytes, open) {
    const cache = open()
    opened.push({ dispose: async () => cache.close() })
    return cache
  },
  makeRoom: async () => {},
})

/** Compiles all graphs that the parts do not have. */
export async function compileStage(
  stage: PlannedStage,
  backend: Backend,
  parts: StageParts,
): Promise<CompiledStage> {
  const { job, config, setup } = stage
  // Rows stay readable where their folder goes: their file is open.
  await evictTrainingCaches(job.cacheFolder, { limitBytes: job.cacheLimitBytes, keep: new Set() })
  const { training, scoring, prefix } = graphsOf(stage, backend)
  const keys = [training, scoring, prefix].flatMap((graph) => (graph === null ? [] : [graph.key]))
  await parts.makeRoom(keys, stage)
  const quantised = await parts.quantised(job, () => quantisedOf(job, config))
  const open = ({ key, build, resident }: StageGraph): Promise<Session> =>
    parts.session(key, () => compileGraph(stage, build(), { backend, quantised, resident }))
  return {
    ...stage,
    quantised,
    training: await open(training),
    scoring: scoring && (await open(scoring)),
    frozenLayers:
      prefix &&
      createFrozenLayers({
        session: await open(prefix),
        cache: await openCache(stage, backend, parts),
        width: config.hidden,
        collation: setup.collation,
        ...(parts.tally && { tally: parts.tally }),
      }),
  }
}

interface StageGraph {
  readonly key: string
  readonly build: () => BuiltGraph
  readonly resident: Resident
}

/** The graphs of a stage, each with everything that it is built and compiled from as its key. */
function graphsOf(stage: PlannedStage, backend: Backend) {
  const { job, config, method, head, setup, fromLayer } = stage
  const { collation } = setup
  const { gradientCheckpointing, regularisation, method: recipeMethod, threads, model } = job.recipe
  const body = {
    task: head.task,
    isPacked: collation.layout === 'packed',
    sharesStart: collation.sharesStart ?? false,
    fromLayer,
    lossChunks: collation.lossChunks,
  }
  const around = [model.weightsSha256, recipeMethod.base, threads, placesOf(stage), backend.name, config]
  const keyOf = (...of: readonly unknown[]): string => JSON.stringify([...of, ...around])
  const step = {
    ...body,
    gradientCheckpointing,
    hasEmbeddingNoise: setup.noise !== null,
    labelSmoothing: regularisation.labelSmoothing,
  }
  const resident = residentOf(stage, backend)
  const below = { isPacked: true, sharesStart: body.sharesStart }
  return {
    training: {
      key: keyOf('training', method, step, residentKey(resident)),
      build: () => buildTrainingGraph(config, method, step),
      resident,
    },
    scoring:
      setup.validationRows.length === 0
        ? null
        : {
            key: keyOf('scoring', method, body),
            build: () => buildScoringGraph(config, method, body),
            resident: {},
          },
    prefix:
      fromLayer === 0
        ? null
        : {
            key: keyOf('prefix', fromLayer, below),
            build: () => buildPrefixGraph(config, fromLayer, below),
            resident: {},
          },
  } satisfies Record<string, StageGraph | null>
}

/** Each update is told its rate: that of the recipe is no part of the graph. */
function residentKey({ resident }: Resident): unknown {
  if (resident === undefined) return null
  const { learningRate: _rate, ...settings } = resident.settings
  return [settings, [...resident.rates]]
}

/** Whether the weights in fewer bits are still to be made: once for a model, minutes where it is large. */
export async function quantisesFirst({ recipe, modelFolder: folder }: TrainerJob): Promise<boolean> {
  const { base: scheme } = recipe.method
  const { weightsSha256 } = recipe.model
  return scheme !== 'float' && !(await areQuantised({ folder, scheme, weightsSha256 }))
}

export type Quantised = ReadonlyMap<string, WeightLocation>

async function quantisedOf(
  { recipe, modelFolder: folder }: TrainerJob,
  config: ModelConfig,
): Promise<Quantised | undefined> {
  const { base: scheme } = recipe.method
  if (scheme === 'float') return undefined
  return unwrap(await quantisedWeights({ folder, weightsSha256: recipe.model.weightsSha256, config, scheme }))
}

/** The optimizer moves where the graph is computed, if the device gains by it and the optimizer is one that it has. */
function residentOf(
  { job: { recipe }, setup: { layout, rates } }: PlannedStage,
  { trainsResident }: Backend,
): Resident {
  const { optimizer: settings, regularisation } = recipe
  if (!trainsResident || settings.kind !== 'adamw' || regularisation.averaging !== null) return {}
  return {
    resident: { settings, rates: new Map(layout.entries.map(({ name }, index) => [name, rates[index]!])) },
  }
}

type Resident = Pick<CompileOptions, 'resident'>

interface CompilerParts {
  readonly backend: Backend
  readonly quantised: Quantised | undefined
  readonly resident: Resident
}

/** The runtime wants a row of the rotary tables for every place of a row, packed ones included. */
function placesOf({ job: { recipe }, rows: { train, validation } }: PlannedStage): number {
  const longest = [...train, ...validation].reduce((length, row) => Math.max(length, row.ids.length), 1)
  return longest * (recipe.batch.rowsAtOnce ?? recipe.batch.microRows)
}

async function compileGraph(
  stage: PlannedStage,
  built: BuiltGraph,
  { backend, quantised, resident }: CompilerParts,
): Promise<Session> {
  const { recipe, modelFolder, runFolder } = stage.job
  const weights = await locateWeights(modelFolder, stage.config, built, placesOf(stage), quantised)
  const options = { threads: recipe.threads, weights, workFolder: join(runFolder, 'work'), ...resident }
  return unwrap(await backend.compile(built.graph, options))
}

/** The cache of this prefix, after older ones have made room. */
async function openCache(
  { job: { recipe, cacheFolder, cacheLimitBytes }, config: { hidden }, fromLayer }: PlannedStage,
  backend: Backend,
  parts: StageParts,
): Promise<FrozenCache> {
  const key: FrozenKey = {
    weightsSha256: recipe.model.weightsSha256,
    base: recipe.method.base,
    blocks: fromLayer,
    width: hidden,
    backend: backend.name,
  }
  const folder = frozenFolderOf(cacheFolder, key)
  const kept = await evictTrainingCaches(cacheFolder, {
    limitBytes: cacheLimitBytes,
    keep: new Set([folder]),
  })
  const roomBytes = cacheLimitBytes - kept
  return parts.cache(folder, roomBytes, () => openFrozenCache(folder, key, roomBytes))
}
