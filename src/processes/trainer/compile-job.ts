// Opens the model that a job names and builds the two graphs of the run: the training step and the scoring of
// validation rows. It checks the weights against the recipe's hash before a single step depends on them.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporaryName, sha256File } from '#core/system/durable-files.ts'
import {
  type Backend,
  type BuiltGraph,
  buildScoringGraph,
  buildTrainingGraph,
  type MethodSpec,
  type ModelConfig,
  type Session,
} from '#engine/index.ts'
import { chooseLossChunks, mostLabelledTokens } from '#engine/train/collate.ts'
import { planTraining } from '#engine/train/plan.ts'
import type { TrainingSetup } from '#engine/train/ports.ts'
import { layoutOf } from '#engine/train/state.ts'
import type { Recipe } from '#shared/recipe.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { locateWeights, readModelConfig, readTextSide, type TextSide } from '../scorer/model-folder.ts'
import type { PreparedRows } from './prepare-rows.ts'

export interface OpenModel extends TextSide {
  readonly config: ModelConfig
}

export interface CompiledJob {
  readonly config: ModelConfig
  readonly setup: TrainingSetup
  readonly training: Session
  readonly scoring: Session
}

/** A backend's file beside the weights lives for about a second; one this old was left by a process that died. */
const staleMs = 60_000

async function sweepModelFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isTemporaryName(name)) continue
    const found = await stat(join(folder, name)).catch(() => null)
    if (found && Date.now() - found.mtimeMs > staleMs) await rm(join(folder, name), { force: true })
  }
}

/** Config, tokenizer and template of the model. Throws ProblemError (model.damaged) where its weights changed. */
export async function openModel(job: TrainerJob): Promise<OpenModel> {
  await sweepModelFolder(job.modelFolder)
  const config = await readModelConfig(job.modelFolder)
  const text = await readTextSide(job.modelFolder)
  const weights = join(job.modelFolder, 'model.safetensors')
  const sha256 = await sha256File(weights).catch(() => null)
  if (sha256 !== job.recipe.model.weightsSha256)
    throw new ProblemError({
      code: 'model.damaged',
      message: "The model's weights are not those that this run was planned with.",
      where: weights,
      remedy: 'Remove this model from the library, add it again and start the run anew.',
      details: `expected SHA-256 ${job.recipe.model.weightsSha256}, found ${sha256 ?? 'no readable file'}`,
    })
  return { config, ...text }
}

export const methodOf = (recipe: Recipe): MethodSpec => recipe.method

/** Compiles both graphs; what is compiled is pushed to `sessions` at once, so that the caller can dispose of it. */
export async function compileJob(
  job: TrainerJob,
  { config }: OpenModel,
  rows: PreparedRows,
  backend: Backend,
  sessions: Session[],
): Promise<CompiledJob> {
  const { recipe } = job
  const method = methodOf(recipe)
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
