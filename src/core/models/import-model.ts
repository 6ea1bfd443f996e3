// Brings a model into the library: checked, written again in our own form, hashed, and only then visible under its
// name. The same files give the same model; adding it again changes nothing.
import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { parameterCount } from '#engine/index.ts'
import { chatTemplateSource } from '#formats/chat-template.ts'
import { safetensorsChunks } from '#formats/safetensors.ts'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { asDiskProblem, writeFolderDurably, writeNewFile } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { openFolderSource, requireWholeModel } from './folder-source.ts'
import { openGgufSource } from './gguf-source.ts'
import {
  type FileRecord,
  type ModelManifest,
  type ModelOrigin,
  manifestName,
  visibleWords,
} from './manifest.ts'
import { verifyModel } from './model-library.ts'
import { hashFiles, type ModelSource, modelIdOf, type OnProgress } from './model-source.ts'
import { isFolder, requireUnchanged } from './safe-files.ts'
import { underKnownName } from './starter-files.ts'
import { claimFolder, releaseFolder } from './temporary-owner.ts'

export interface ImportOptions {
  readonly onProgress?: OnProgress
  /** Shown instead of the name that the files give. */
  readonly name?: string
  /** Where the files really came from, when it is not the place they are read from. */
  readonly origin?: Omit<ModelOrigin, 'files'>
  readonly licence?: string
  readonly isStarter?: boolean
}

/**
 * A Hugging Face folder (safetensors, sharded too) or a GGUF file. Memory: one tensor at most, plus the vocabulary.
 * Problems: file.missing, file.unsafe, file.changed, limit.exceeded, model.*, safetensors.invalid, gguf.*,
 * tokenizer.invalid, template.*, disk.*.
 */
export async function importModel(
  library: Library,
  path: string,
  options: ImportOptions = {},
): Promise<Result<ModelManifest>> {
  return attemptAsync(async () => {
    const onProgress = options.onProgress ?? (() => {})
    onProgress({ phase: 'looking', text: 'Looking at the files', doneBytes: 0, totalBytes: null })
    const source = await openSource(path)
    try {
      return await addSource(library, source, options, onProgress)
    } finally {
      await source.close()
    }
  })
}

async function openSource(path: string): Promise<ModelSource> {
  if (await isFolder(path)) return openFolderSource(path)
  requireWholeModel(path)
  return openGgufSource(path)
}

async function addSource(
  library: Library,
  source: ModelSource,
  options: ImportOptions,
  onProgress: OnProgress,
): Promise<ModelManifest> {
  const hashes = await hashFiles(source.files, onProgress)
  const id = modelIdOf(hashes)
  const folder = join(library.modelsFolder, id)
  const existing = await verifyModel(library, id)
  if (existing.ok) return existing.value
  await requireSpace(library.modelsFolder, source)
  const origin = options.origin ?? source.origin
  try {
    return await writeFolderDurably(folder, async (temporary) => {
      await claimFolder(temporary)
      const files = await writeFiles(temporary, source, onProgress)
      await requireUnchanged(source.files)
      const manifest = underKnownName({
        version: 1,
        id,
        name: visibleWords(options.name ?? source.name, 120, 'model'),
        family: source.config.family,
        parameters: parameterCount(source.config),
        weightType: source.weightType,
        contextTokens: source.config.maxPositions,
        hasChatTemplate: chatTemplateSource(source.texts.tokenizerConfig) !== null,
        licence: visibleWords(options.licence ?? source.licence, 200, 'unknown'),
        source: { ...origin, from: visibleWords(origin.from, 200, 'unknown'), files: hashes },
        isStarter: options.isStarter ?? false,
        weightsSha256: files['model.safetensors'].sha256,
        files,
        addedAtMs: Date.now(),
      })
      await writeNewFile(join(temporary, manifestName), [jsonBytes(manifest)])
      await releaseFolder(temporary)
      // The whole new copy takes the place of a damaged one.
      if (existing.problem.code === 'model.damaged') await rm(folder, { recursive: true, force: true })
      return manifest
    })
  } catch (error) {
    // Another process may have finished the same model by now: then its folder stays, and the rename fails.
    const winner = await verifyModel(library, id)
    if (winner.ok) return winner.value
    throw error
  }
}

const jsonBytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`)

async function writeFiles(
  folder: string,
  source: ModelSource,
  onProgress: OnProgress,
): Promise<Record<keyof ModelManifest['files'], FileRecord>> {
  const { texts } = source
  const write = (name: string, value: unknown): Promise<FileRecord> =>
    writeNewFile(join(folder, name), [jsonBytes(value)])
  const tensors = await source.tensors()
  const chunks = withProgress(safetensorsChunks(tensors, { format: 'pt' }), weightBytes(source), onProgress)
  return {
    'config.json': await write('config.json', withoutCode(texts.config)),
    'tokenizer.json': await write('tokenizer.json', texts.tokenizer),
    'tokenizer_config.json': await write('tokenizer_config.json', withoutCode(texts.tokenizerConfig)),
    'model.safetensors': await writeNewFile(join(folder, 'model.safetensors'), chunks),
  }
}

/** `auto_map` names Python programs that other tools would run; it has no place in a library that runs none. */
function withoutCode(value: unknown): unknown {
  const { auto_map: _, ...rest } = value as Record<string, unknown>
  return rest
}

const bytesPerWeight = { float32: 4, float16: 2, bfloat16: 2, mixed: 4 } as const

const weightBytes = (source: ModelSource): number =>
  parameterCount(source.config) * bytesPerWeight[source.weightType]

async function* withProgress(
  chunks: AsyncIterable<Uint8Array>,
  totalBytes: number,
  onProgress: OnProgress,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0
  for await (const chunk of chunks) {
    yield chunk
    doneBytes += chunk.byteLength
    onProgress({ phase: 'writing', text: 'Writing the weights', doneBytes, totalBytes })
  }
}

async function requireSpace(folder: string, source: ModelSource): Promise<void> {
  const needed = weightBytes(source) + (64 << 20)
  const { bavail, bsize } = await statfs(folder).catch((error: unknown) => {
    throw asDiskProblem(error, folder)
  })
  if (bavail * bsize >= needed) return
  throw new ProblemError({
    code: 'disk.full',
    message: `The model needs ${formatBytes(needed)}, but only ${formatBytes(bavail * bsize)} are free.`,
    where: folder,
    remedy: 'Free some space on this disk, then add the model again.',
  })
}
