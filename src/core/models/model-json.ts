// A model folder that the library or a run of ours wrote: its small files, and what it is a model of.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ModelConfig, parseModelConfig } from '#engine/index.ts'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { openFileBytes } from '../system/file-bytes.ts'

/** Throws ProblemError (model.damaged). */
export async function readModelJson(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name)
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new ProblemError({
      code: 'model.damaged',
      message: 'A file of the model is missing or unreadable.',
      where: path,
      remedy: 'Add the model again, or train the run again if it is a trained version.',
      details: String(error),
    })
  }
}

/** Which weights the file holds decides what it is a model of, besides its config.json. Throws ProblemError. */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    return unwrap(parseModelConfig(await readModelJson(folder, 'config.json'), tensors.keys()))
  } finally {
    await file.close()
  }
}
