// Builds and compiles the two graphs of a run: the training step and the scoring of validation rows.
import { join } from 'node:path'
import {
  type Backend,
  type BuiltGraph,
  buildScoringGraph,
  buildTrainingGraph,
  type ModelConfig,
  type Session,
} from '#engine/index.ts'
import { mostLabelledTokens } from '#engine/train/collate.ts'
import { chooseLossChunks } from '#engine/train/loss-chunks.ts'
import { planTraining } from '#engine/train/plan.ts'
import type { TrainingSetup } from '#engine/train/ports.ts'
import { layoutOf } from '#engine/train/state.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { locateWeights } from '../scorer/model-folder.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'
import type { Opened } from './training-job.ts'

export interface CompiledJob {
  readonly config: ModelConfig
  readonly setup: TrainingSetup
  readonly training: Session
  readonly scoring: Session
}

/** Compiles both graphs; what is compiled is pushed to `sessions` at once, so that the caller can dispose of it. */
export async function compileJob(
  job: TrainerJob,
  { config }: OpenModel,
  rows: PreparedRows,
  backend: Backend,
  sessions: Opened[],
): Promise<CompiledJob> {
  const { recipe } = job
  const { method } = recipe
  const all = [...rows.train, ...rows.validation]
  const lossChunks = chooseLossChunks(mostLabelledTokens(all, recipe.batch.microRows), config.vocabulary)
  const longest = all.reduce((length, row) => Math.max(length, row.ids.length), 1)
  const options = {
    threads: recipe.threads,
    weights: await locateWeights(job.modelFolder, config, longest),
    workFolder: join(job.runFolder, 'work'),
  }
  const compile = async ({ graph }: BuiltGraph): Promise<Session> => {
    const session = unwrap(await backend.compile(graph, options))
    sessions.push(session)
    return session
  }
  const step = buildTrainingGraph(config, method, {
    lossChunks,
    gradientCheckpointing: recipe.gradientCheckpointing,
  })
  return {
    config,
    setup: {
      recipe,
      plan: planTraining(recipe, rows.train.length, rows.validation.length),
      layout: layoutOf(step.trainable),
      trainRows: rows.train,
      validationRows: rows.validation,
      lossChunks,
    },
    training: await compile(step),
    scoring: await compile(buildScoringGraph(config, method, { lossChunks, mask: 'causal' })),
  }
}
