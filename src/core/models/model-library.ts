// The models that the library holds: list, show, verify, sweep. Reads manifests; never changes a model.
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptAsync, fail, ok, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { isTemporaryName, sha256File } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { damagedModel, isModelId, type ModelManifest, modelFileNames, readManifest } from './manifest.ts'
import { hasStarterWeights, underKnownName } from './starter-files.ts'
import { hasLivingOwner, isRunning } from './temporary-owner.ts'

export interface ModelList {
  /** Newest first. */
  readonly models: readonly ModelManifest[]
  /** `model.damaged` for each folder that is no complete model. */
  readonly damaged: readonly Problem[]
}

/** A disk for reading only may hold a library without this folder. */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })

/** Every model, by its manifest and the sizes of its files; `verifyModel` reads the files themselves. */
export async function listModels(library: Library): Promise<ModelList> {
  const models: ModelManifest[] = []
  const damaged: Problem[] = []
  for (const id of (await namesIn(library.modelsFolder)).sort()) {
    if (!isModelId(id)) continue
    const manifest = await readWhole(library, id)
    if (manifest.ok) models.push(manifest.value)
    else damaged.push(manifest.problem)
  }
  models.sort((a, b) => b.addedAtMs - a.addedAtMs || (a.id < b.id ? -1 : 1))
  return { models, damaged }
}

/** The manifest, if every file is there with its size. */
async function readWhole(library: Library, id: string): Promise<Result<ModelManifest>> {
  const folder = modelFolder(library, id)
  const manifest = await readManifest(folder, id)
  if (!manifest.ok) return manifest
  for (const name of modelFileNames) {
    const stat = await lstat(join(folder, name)).catch(() => null)
    const expected = manifest.value.files[name].sizeBytes
    if (!stat?.isFile() || stat.size !== expected)
      return fail(
        damagedModel(
          `models/${id}/${name}`,
          stat ? `The file has ${stat.size} bytes instead of ${expected}.` : 'The file is missing.',
        ),
      )
  }
  return ok(underKnownName(manifest.value))
}

/**
 * A model by its id, the beginning of its id (6 characters or more), its name, or the word "starter".
 * Problems: model.unknown (none or several), model.damaged.
 */
export async function showModel(library: Library, idOrName: string): Promise<Result<ModelManifest>> {
  if (isModelId(idOrName)) {
    const isThere = await lstat(modelFolder(library, idOrName)).catch(() => null)
    return isThere ? readWhole(library, idOrName) : fail(unknownModel(idOrName, []))
  }
  const { models, damaged } = await listModels(library)
  const wanted = idOrName.trim().toLowerCase()
  if (wanted === 'starter') {
    const starter = models.find((model) => model.isStarter || hasStarterWeights(model.source.files))
    return starter ? ok(starter) : fail(noStarter())
  }
  const found = models.filter(
    (model) => model.name.toLowerCase() === wanted || (wanted.length >= 6 && model.id.startsWith(wanted)),
  )
  const [only] = found
  if (only && found.length === 1) return ok(only)
  const hurt = damaged.find((problem) => wanted.length >= 6 && problem.where.startsWith(`models/${wanted}`))
  if (found.length > 1)
    return fail({ ...unknownModel(idOrName, found), message: 'Several models have this name.' })
  return fail(hurt ?? unknownModel(idOrName, models))
}

const noStarter = (): Problem => ({
  code: 'model.unknown',
  message: 'The starter model is not in the library yet.',
  where: 'starter',
  remedy: 'Fetch it under “Models”, or with: tunewright models add starter',
})

function unknownModel(wanted: string, candidates: readonly ModelManifest[]): Problem {
  const names = candidates.map(({ name, id }) => `${name} (${id})`).slice(0, 10)
  return {
    code: 'model.unknown',
    message: 'There is no such model in the library.',
    where: wanted,
    remedy:
      names.length === 0
        ? 'Add a model under “Models” first, or with: tunewright models add starter, or tunewright models add PATH.'
        : `Use one of these: ${names.join(', ')}.`,
  }
}

/** Reads every file of a model again and compares its hash. Problems: model.unknown, model.damaged. */
export async function verifyModel(library: Library, idOrName: string): Promise<Result<ModelManifest>> {
  return attemptAsync(async () => {
    const manifest = unwrap(await showModel(library, idOrName))
    const folder = modelFolder(library, manifest.id)
    for (const name of modelFileNames) {
      const { sha256 } = manifest.files[name]
      // A disk that cannot give a file back has damaged it: adding the model again helps against both.
      const found = await sha256File(join(folder, name)).catch(String)
      if (found !== sha256) {
        const message = 'The file is not what it was when it was added.'
        throw new ProblemError(damagedModel(`models/${manifest.id}/${name}`, message, found))
      }
    }
    return manifest
  })
}

/** The model's folder. The id must be one: it becomes part of a path. */
export function modelFolder(library: Library, id: string): string {
  if (!isModelId(id)) throw new Error(`not a model id: ${id}`)
  return join(library.modelsFolder, id)
}

/**
 * Removes what imports that were killed left behind; call it once at start. What a living process is writing stays.
 * Returns the names removed.
 */
export async function sweepModels(library: Library): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(library.modelsFolder)) {
    if (!isTemporaryName(name)) continue
    const path = join(library.modelsFolder, name)
    if (await hasLivingOwner(path)) continue
    if (await isRemoved(path)) removed.push(name)
  }
  const downloads = join(library.cacheFolder, 'downloads')
  for (const name of await readdir(downloads).catch(() => [] as string[])) {
    // Unpacked packages can be had again; the pid in the name says who is using one. Partial downloads stay.
    const pid = /^unpacked-(\d+)$/.exec(name)?.[1]
    if (pid === undefined || isRunning(Number(pid))) continue
    if (await isRemoved(join(downloads, name))) removed.push(name)
  }
  return removed
}

/** Rubbish that another program holds must keep nobody from working: the next start tries again. */
const isRemoved = (path: string): Promise<boolean> =>
  rm(path, { recursive: true, force: true }).then(
    () => true,
    () => false,
  )
