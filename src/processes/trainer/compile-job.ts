// Builds and compiles the graphs of a stage: the training step, the scoring of validation rows where there are any, and,
// where the blocks below the trained ones are computed once only, those.

import { join } from 'node:path'
import { areQuantised, quantisedWeights } from '#core/models/quantised-weights.ts'
import { type FrozenKey, frozenFolderOf, openFrozenCache } from '#core/training/frozen-cache.ts'
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

/** Compiles all graphs; what is opened is pushed to `opened` at once, so that the caller can dispose of it. */
export async function compileStage(
  stage: PlannedStage,
  backend: Backend,
  opened: Opened[],
): Promise<CompiledStage> {
  const { job, config, method, head, setup, fromLayer } = stage
  const { recipe } = job
  const { collation } = setup
  // Rows stay readable where their folder goes: their file is open.
  await evictTrainingCaches(job.cacheFolder, { limitBytes: job.cacheLimitBytes, keep: new Set() })
  const body = {
    task: head.task,
    isPacked: collation.layout === 'packed',
    sharesStart: collation.sharesStart ?? false,
    fromLayer,
    lossChunks: collation.lossChunks,
  }
  const quantised = await quantisedOf(job, config)
  const compile = createCompiler(stage, { backend, opened, quantised })
  const step = buildTrainingGraph(config, method, {
    ...body,
    gradientCheckpointing: recipe.gradientCheckpointing,
    hasEmbeddingNoise: setup.noise !== null,
    labelSmoothing: recipe.regularisation.labelSmoothing,
  })
  return {
    ...stage,
    quantised,
    training: await compile(step, residentOf(stage, backend)),
    scoring:
      setup.validationRows.length === 0
        ? null
        : await compile(buildScoringGraph(config, method, { ...body, mask: 'causal' })),
    frozenLayers:
      fromLayer === 0
        ? null
        : createFrozenLayers({
            session: await compile(
              buildPrefixGraph(config, fromLayer, { isPacked: true, sharesStart: body.sharesStart }),
            ),
            cache: await openCache(job, config, fromLayer, backend, opened),
            width: config.hidden,
            collation,
          }),
  }
}

/** Whether the weights in fewer bits are still to be made: once for a model, minutes where it is large. */
export async function quantisesFirst({ recipe, modelFolder: folder }: TrainerJob): Promise<boolean> {
  const { base: scheme } = recipe.method
  const { weightsSha256 } = recipe.model
  return scheme !== 'float' && !(await areQuantised({ folder, scheme, weightsSha256 }))
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

type Compile = (built: BuiltGraph, resident?: Resident) => Promise<Session>

interface CompilerParts {
  readonly backend: Backend
  readonly opened: Opened[]
  readonly quantised: Quantised | undefined
}

function createCompiler(
  { job: { recipe, modelFolder, runFolder }, config, rows: { train, validation } }: PlannedStage,
  { backend, opened, quantised }: CompilerParts,
): Compile {
  const longest = [...train, ...validation].reduce((length, row) => Math.max(length, row.ids.length), 1)
  // The runtime wants a row of the rotary tables for every place of a row, packed ones included.
  const places = longest * (recipe.batch.rowsAtOnce ?? recipe.batch.microRows)
  return async (built, resident) => {
    const weights = await locateWeights(modelFolder, config, built, places, quantised)
    const options = { threads: recipe.threads, weights, workFolder: join(runFolder, 'work'), ...resident }
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
