// What a run leaves in its folder, adapter or whole model: weights and a few texts in one folder that appears whole or not
// at all.
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isTemporaryName,
  renameDurably,
  sha256File,
  temporaryPath,
  writeFolderDurably,
  writeNewFile,
} from '#core/system/durable-files.ts'
import { diskAttempt } from '#core/training/checkpoint-format.ts'
import { tunedFiles, tunedKindOf } from '#core/training/tuned-version.ts'
import type { ModelConfig } from '#engine/index.ts'
import type { ParameterLayout } from '#engine/train/state.ts'
import type { Result } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { adapterContent } from './adapter-files.ts'
import { type Head, headContent } from './head-files.ts'
import type { TunedContent } from './tuned-content.ts'
import { wholeModelContent } from './whole-model-files.ts'

export interface TunedModel {
  readonly config: ModelConfig
  readonly head: Head
}

/** Removes what an interrupted write left in the run's folder. */
export async function sweepTuned(runFolder: string): Promise<void> {
  const folders = Object.values(tunedFiles).map(({ folder }) => `${folder}.`)
  for (const name of await readdir(runFolder))
    if (isTemporaryName(name) && folders.some((folder) => name.startsWith(folder)))
      await rm(join(runFolder, name), { recursive: true, force: true })
}

/**
 * Writes what the run made of its model and returns the SHA-256 of the weights file. Where it is there already with the
 * same bytes (the process died just before it could say so) nothing is written. Problems: disk.full, disk.failed,
 * model.damaged.
 */
export async function writeTuned(
  { runFolder, modelFolder, recipe }: TrainerJob,
  { config, head }: TunedModel,
  layout: ParameterLayout,
  parameters: Float32Array,
): Promise<Result<string>> {
  const kind = tunedKindOf(recipe.method)
  const files = tunedFiles[kind]
  const folder = join(runFolder, files.folder)
  return diskAttempt(folder, async () => {
    const content =
      kind === 'adapter'
        ? adapterContent(recipe, config, head.task, layout, parameters)
        : head.task.kind !== 'language-model'
          ? await headContent(modelFolder, config, head, layout, parameters)
          : await wholeModelContent(modelFolder, layout, parameters)
    const found = await sameThere(folder, files.weights, content)
    if (found !== null) return found
    return writeFolderDurably(folder, async (inside) => {
      for (const [name, text] of content.others)
        await writeNewFile(join(inside, name), [new TextEncoder().encode(text)])
      return (await writeNewFile(join(inside, files.weights), content.weights())).sha256
    })
  })
}

/** The weights' hash where the folder holds exactly this; what differs is put away, for its place is wanted. */
async function sameThere(
  folder: string,
  weightsName: string,
  { others, weights }: TunedContent,
): Promise<string | null> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return null
  const hashIn = (name: string): Promise<string> => sha256File(join(folder, name)).catch(() => '')
  const sha256 = await hashOf(weights())
  let isSame = (await hashIn(weightsName)) === sha256
  for (const [name, text] of others)
    isSame &&= (await hashIn(name)) === createHash('sha256').update(text).digest('hex')
  if (isSame) return sha256
  const doomed = temporaryPath(folder)
  await renameDurably(folder, doomed)
  await rm(doomed, { recursive: true, force: true })
  return null
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
