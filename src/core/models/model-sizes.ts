// The sizes of a model in the library that decide how much memory its training takes, from its own config.json.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, parseModelConfig } from '#engine/index.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { Library } from '../system/library.ts'
import { damagedModel, type ModelManifest } from './manifest.ts'
import type { ModelSizes } from './model-fit.ts'
import { modelFolder } from './model-library.ts'

/** Throws a ProblemError where the model's config cannot be read or used. */
export async function readModelSizes(
  library: Library,
  { id, parameters }: Pick<ModelManifest, 'id' | 'parameters'>,
): Promise<ModelSizes & Pick<ModelConfig, 'layers'>> {
  let config: unknown
  try {
    config = JSON.parse(await readFile(join(modelFolder(library, id), 'config.json'), 'utf8'))
  } catch (error) {
    const message = "The model's configuration cannot be read."
    throw new ProblemError(damagedModel(`models/${id}/config.json`, message, String(error)))
  }
  return { ...unwrap(parseModelConfig(config)), parameters }
}
