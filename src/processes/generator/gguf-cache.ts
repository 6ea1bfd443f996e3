// GGUF copies of library models and adapters for llama.cpp, made once and kept in the cache under the hash of their
// content. Written by our own writer from files we verified; a copy has its final name only when it is whole.
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Adapter, readAdapter } from '#core/models/adapter-folder.ts'
import type { NewValues } from '#core/models/changed-weights.ts'
import { BeyondHalf, ggufOfFolder } from '#core/models/gguf-of-folder.ts'
import { mergedWeights } from '#core/models/merged-weights.ts'
import { readModelConfig, readModelJson } from '#core/models/model-json.ts'
import {
  asDiskProblem,
  isTemporaryName,
  sweepTemporary,
  writeFileDurably,
} from '#core/system/durable-files.ts'
import { adapterScale } from '#engine/methods/methods.ts'
import { loraGgufOf } from '#formats/gguf-export.ts'
import type { HashedFolder, TunedVersion } from '#shared/proof-protocol.ts'
import { detailsOf, ProblemError, unwrap } from '#shared/result.ts'

/** Rises when our GGUF writer changes what it writes, so that old copies are not used any more. */
const writerVersion = 1
const hashCharacters = 24
/** Copies kept of each kind; the one unused for the longest time goes first. */
const keptCopies = { model: 2, tuned: 2, adapter: 8 } as const
/** A temporary file this old belongs to a process that is gone. */
const abandonedMs = 3_600_000

type CopyKind = keyof typeof keptCopies

/** What llama.cpp opens: a model, and an adapter to put on it. */
export interface GgufPaths {
  readonly model: string
  readonly adapter: string | null
}

const nothing: ReadonlyMap<string, NewValues> = new Map()

/** The GGUF copy of a model. Returns its path. Throws ProblemError where llama.cpp cannot take the model from us. */
export const ggufOfModelFolder = (model: HashedFolder, cacheFolder: string): Promise<string> =>
  keepModel('model', model, nothing, cacheFolder)

/** The same for what a run made of the model. llama.cpp knows no DoRA, so such an adapter is worked into a copy of the model. */
export async function ggufOfTuned(
  tuned: TunedVersion,
  model: HashedFolder,
  cacheFolder: string,
): Promise<GgufPaths> {
  if (tuned.kind === 'model')
    return { model: await keepModel('tuned', tuned, nothing, cacheFolder), adapter: null }
  const config = await readModelConfig(model.folder)
  const adapter = await readAdapter(tuned.folder, config)
  if (!adapter.method.decomposed)
    return {
      model: await ggufOfModelFolder(model, cacheFolder),
      adapter: await keepAdapter(tuned, adapter, model, cacheFolder),
    }
  const merged = mergedWeights(model.folder, config, adapter)
  const weightsSha256 = hashOfAdapter(tuned, adapter, model)
  const path = await keepModel('tuned', { folder: model.folder, weightsSha256 }, merged, cacheFolder)
  return { model: path, adapter: null }
}

/** Half precision, or float32 where a weight does not fit. */
async function keepModel(
  kind: 'model' | 'tuned',
  { folder: source, weightsSha256 }: HashedFolder,
  replaced: ReadonlyMap<string, NewValues>,
  cacheFolder: string,
): Promise<string> {
  const folder = await openCache(cacheFolder)
  const key = weightsSha256.slice(0, hashCharacters)
  for (const type of ['F16', 'F32'] as const) {
    const path = join(folder, `${kind}-${key}-${type.toLowerCase()}-v${writerVersion}.gguf`)
    if (await isKept(path)) return path
    try {
      // Two processes may write the same copy at once: both write the same bytes, and a rename replaces in one step.
      await writeFileDurably(path, ggufOfFolder(source, replaced, type))
    } catch (error) {
      if (error instanceof BeyondHalf) continue
      throw error
    }
    await prune(folder, kind, path)
    return path
  }
  throw new Error('float32 holds every weight')
}

/** The same weights are another adapter with another scale, and on another model. */
const hashOfAdapter = (tuned: TunedVersion, { method }: Adapter, model: HashedFolder): string =>
  createHash('sha256')
    .update(`${tuned.weightsSha256} ${model.weightsSha256} ${JSON.stringify(method)}`)
    .digest('hex')

async function keepAdapter(
  tuned: TunedVersion,
  adapter: Adapter,
  model: HashedFolder,
  cacheFolder: string,
): Promise<string> {
  const { method, tensors } = adapter
  const folder = await openCache(cacheFolder)
  const weightsSha256 = hashOfAdapter(tuned, adapter, model)
  const path = join(folder, `adapter-${weightsSha256.slice(0, hashCharacters)}-v${writerVersion}.gguf`)
  if (await isKept(path)) return path
  const values = new Map(
    [...tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
  )
  const config = await readModelJson(model.folder, 'config.json')
  // llama.cpp multiplies by alpha / rank, whatever the adapter was trained with.
  const alpha = adapterScale(method) * method.rank
  await writeFileDurably(path, unwrap(loraGgufOf(config, values, alpha)))
  await prune(folder, 'adapter', path)
  return path
}

async function openCache(cacheFolder: string): Promise<string> {
  const folder = join(cacheFolder, 'gguf')
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw asDiskProblem(error, folder)
  }
  await sweepTemporary(folder, abandonedMs)
  return folder
}

/** Marks a copy as used just now; false where there is none. */
async function isKept(path: string): Promise<boolean> {
  const now = new Date()
  return utimes(path, now, now).then(
    () => true,
    () => false,
  )
}

/** Everything here can be made again, so old copies are simply removed; `path` itself always stays. */
async function prune(folder: string, kind: CopyKind, path: string): Promise<void> {
  const copies: { path: string; usedMs: number }[] = []
  for (const name of await readdir(folder)) {
    const candidate = join(folder, name)
    if (!name.startsWith(`${kind}-`) || isTemporaryName(name) || candidate === path) continue
    copies.push({ path: candidate, usedMs: (await stat(candidate).catch(() => null))?.mtimeMs ?? 0 })
  }
  copies.sort((a, b) => b.usedMs - a.usedMs)
  for (const old of copies.slice(keptCopies[kind] - 1)) await rm(old.path, { force: true })
}

/** What a person can do when llama.cpp refuses a file of ours. */
export const refusedCopy = (error: unknown): ProblemError =>
  new ProblemError({
    code: 'generator.failed',
    message: 'The part of Tunewright that writes answers could not open the model.',
    where: 'the GGUF copy of the model in the cache',
    remedy: 'Free some memory and try again. If it happens again, empty the cache folder of the library.',
    details: detailsOf(error),
  })
