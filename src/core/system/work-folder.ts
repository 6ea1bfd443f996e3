// A folder for the files of one piece of work, gone when it ends.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asDiskProblem, temporaryPath } from './durable-files.ts'

/** Its temporary name lets the next start sweep what a killed process left. Throws ProblemError where the disk fails. */
export async function inWorkFolder(
  cacheFolder: string,
  name: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  let folder: string
  try {
    folder = await mkdtemp(temporaryPath(join(cacheFolder, name)))
  } catch (error) {
    throw asDiskProblem(error, cacheFolder)
  }
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
