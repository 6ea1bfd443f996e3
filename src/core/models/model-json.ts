// The small files of a model folder that the library or a run of ours wrote.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemError } from '#shared/result.ts'

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
