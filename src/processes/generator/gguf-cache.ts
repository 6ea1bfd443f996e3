// GGUF copies of library models and adapters for llama.cpp, made once and kept in the cache under the hash of their
// content. Written by our own writer from files we verified; a copy has its final name only when it is whole.
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import {
  asDiskProblem,
  isTemporaryName,
  sweepTemporary,
  writeFileDurably,
} from '#core/system/durable-files.ts'
import { openFileBytes } from '#core/system/file-bytes.ts'
import { ggufOfModel, loraGgufOf, type ModelTensor } from '#formats/gguf-export.ts'
import { readFloat32, readSafetensorsHeader } from '#formats/safetensors.ts'
import type { HashedFolder } from '#shared/proof-protocol.ts'
import { detailsOf, ProblemError, unwrap } from '#shared/result.ts'
import { readAdapter, readJson, readModelConfig } from '../scorer/model-folder.ts'

/** Rises when our GGUF writer changes what it writes, so that old copies are not used any more. */
const writerVersion = 1
const hashCharacters = 24
/** Copies kept of each kind; the one unused for the longest time goes first. */
const keptCopies = { model: 2, adapter: 8 } as const
/** A temporary file this old belongs to a process that is gone. */
const abandonedMs = 3_600_000
const largestHalf = 65_504

type CopyKind = keyof typeof keptCopies

/** The GGUF copy of a model: half precision, or float32 where a weight does not fit. Returns its path. */
export async function ggufOfModelFolder(model: HashedFolder, cacheFolder: string): Promise<string> {
  const folder = await openCache(cacheFolder)
  const key = model.weightsSha256.slice(0, hashCharacters)
  for (const type of ['F16', 'F32'] as const) {
    const path = join(folder, `model-${key}-${type.toLowerCase()}-v${writerVersion}.gguf`)
    if (await isKept(path)) return path
    try {
      await writeModel(model.folder, path, type)
    } catch (error) {
      if (error instanceof BeyondHalf) continue
      throw error
    }
    await prune(folder, 'model', path)
    return path
  }
  throw new Error('float32 holds every weight')
}

/** The GGUF copy of an adapter for this model. Returns its path. */
export async function ggufOfAdapterFolder(
  adapter: HashedFolder,
  model: HashedFolder,
  cacheFolder: string,
): Promise<string> {
  const folder = await openCache(cacheFolder)
  const key = adapter.weightsSha256.slice(0, hashCharacters)
  const path = join(folder, `adapter-${key}-v${writerVersion}.gguf`)
  if (await isKept(path)) return path
  const { method, tensors } = await readAdapter(adapter.folder, await readModelConfig(model.folder))
  const values = new Map(
    [...tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
  )
  const config = await readJson(model.folder, 'config.json')
  await writeFileDurably(path, unwrap(loraGgufOf(config, values, method.alpha)))
  await prune(folder, 'adapter', path)
  return path
}

class BeyondHalf extends Error {}

async function writeModel(folder: string, path: string, type: 'F16' | 'F32'): Promise<void> {
  const file = await openFileBytes(join(folder, 'model.safetensors'))
  try {
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    const inputs: ModelTensor[] = [...tensors].map(([name, entry]) => ({
      name,
      shape: entry.shape,
      load: async () => {
        const values = unwrap(await readFloat32(file, entry))
        // Vectors stay float32 in the file, whatever the type of the matrices.
        if (type === 'F16' && entry.shape.length > 1) requireHalfRange(values)
        return values
      },
    }))
    const [config, tokenizer, tokenizerConfig] = await Promise.all(
      ['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => readJson(folder, name)),
    )
    // Two processes may write the same copy at once: both write the same bytes, and a rename replaces in one step.
    await writeFileDurably(path, unwrap(ggufOfModel(config, tokenizer, tokenizerConfig, inputs, type)))
  } finally {
    await file.close()
  }
}

function requireHalfRange(values: Float32Array): void {
  for (const value of values) if (Math.abs(value) > largestHalf) throw new BeyondHalf('a weight is too large')
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
