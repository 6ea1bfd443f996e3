// What the engine knows of a model in the library, from its own config.json: what decides how its training is planned.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, parseModelConfig } from '#engine/index.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { Library } from '../system/library.ts'
import { damagedModel, type ModelManifest } from './manifest.ts'
import { modelFolder } from './model-library.ts'

export interface PlannedModel {
  readonly config: ModelConfig
  /** Bytes of one weight in the model's file: 4, or 2 for half precision. */
  readonly bytesPerValue: number
}

/** Throws a ProblemError where the model's config cannot be read or used. */
export async function readPlannedModel(
  library: Library,
  { id, weightType }: Pick<ModelManifest, 'id' | 'weightType'>,
): Promise<PlannedModel> {
  let source: unknown
  try {
    source = JSON.parse(await readFile(join(modelFolder(library, id), 'config.json'), 'utf8'))
  } catch (error) {
    const message = "The model's configuration cannot be read."
    throw new ProblemError(damagedModel(`models/${id}/config.json`, message, String(error)))
  }
  const bytesPerValue = weightType === 'float32' || weightType === 'mixed' ? 4 : 2
  return { config: unwrap(parseModelConfig(source)), bytesPerValue }
}
