// Opens the model that a job names, and checks its weights against the recipe's hash before a single step depends on
// them. It computes nothing.

import { join } from 'node:path'
import { readModelConfig } from '#core/models/model-json.ts'
import { sha256File } from '#core/system/durable-files.ts'
import type { ModelConfig } from '#engine/index.ts'
import { ProblemError } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { readTextSide, type TextSide } from '../scorer/model-folder.ts'

export interface OpenModel extends TextSide {
  readonly config: ModelConfig
  /** Of the tokenizer's and the template's files: what turns texts into tokens. */
  readonly textSha256: string
}

/** Config, tokenizer and template of the model. Throws ProblemError (model.damaged) where its weights changed. */
export async function openModel(job: TrainerJob): Promise<OpenModel> {
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
  const textFiles = ['tokenizer.json', 'tokenizer_config.json'].map((name) => join(job.modelFolder, name))
  const textSha256 = (await Promise.all(textFiles.map(sha256File))).join(' ')
  return { config, textSha256, ...text }
}
