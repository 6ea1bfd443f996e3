// Copies a run's adapter out of the library in the form that Hugging Face PEFT reads, with a model card. The folder
// appears whole and verified or not at all, and never in place of another.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { attemptAsync, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { asDiskProblem, sha256File, writeFolderDurably, writeNewFile } from '../system/durable-files.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import { type CardFacts, modelCard } from './model-card.ts'

export interface PeftExport {
  /** The run's own folder; its adapter lies in adapter/. */
  readonly runFolder: string
  /** SHA-256 of adapter_model.safetensors as the journal holds it. */
  readonly adapterSha256: string
  /** The library's exportsFolder. */
  readonly exportsFolder: string
  /** Wished name of the folder; characters that file systems dislike are replaced, a taken name gets a number. */
  readonly name: string
  readonly card: CardFacts
}

export interface ExportedFile {
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface Exported {
  readonly folder: string
  /** The folder got a number because its name was taken. */
  readonly wasRenamed: boolean
  readonly files: readonly ExportedFile[]
}

const weightsName = 'adapter_model.safetensors'
const configName = 'adapter_config.json'
/** More folders of one name than a person makes. */
const mostNumbers = 10_000

/** Problems: run.not-finished (no adapter yet), checkpoint.damaged (it changed), export.failed, disk.full, disk.failed. */
export function exportPeft(spec: PeftExport): Promise<Result<Exported>> {
  return attemptAsync(async () => {
    const source = join(spec.runFolder, 'adapter')
    const config = await readAdapterConfig(source)
    const { name: base, revision } = spec.card.baseModel
    const described = { ...config, base_model_name_or_path: base, revision }
    const { folder, wasRenamed } = await freeFolder(spec.exportsFolder, spec.name)
    const text = {
      [configName]: `${JSON.stringify(described, null, 2)}\n`,
      'README.md': modelCard(spec.card, basename(folder)),
    }
    const files = await writeFolderDurably(folder, async (inside) => {
      const written: ExportedFile[] = []
      const write = async (name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
        const file = { name, ...(await writeNewFile(join(inside, name), chunks)) }
        written.push(file)
        return file
      }
      const weights = await write(weightsName, weightsOf(source))
      if (weights.sha256 !== spec.adapterSha256) throw changed(source)
      for (const [name, content] of Object.entries(text))
        await write(name, [new TextEncoder().encode(content)])
      await verify(inside, written)
      return written
    }).catch((error: unknown) => {
      throw isTaken(error) ? taken(folder) : asDiskProblem(error, folder)
    })
    return { folder, wasRenamed, files }
  })
}

async function readAdapterConfig(source: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(source, configName), 'utf8').catch((error: unknown) => {
    throw new ProblemError({
      code: 'run.not-finished',
      message: 'This run has no trained adapter yet.',
      where: source,
      remedy: 'Let the run finish, or resume it, then export it.',
      details: String(error),
    })
  })
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw changed(source)
  }
}

/** The adapter's bytes, opened when they are asked for: a stream that fails before anybody listens ends the process. */
async function* weightsOf(source: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(join(source, weightsName)) as AsyncIterable<Uint8Array>
  } catch {
    throw changed(source)
  }
}

const changed = (where: string): ProblemError =>
  new ProblemError({
    code: 'checkpoint.damaged',
    message: 'The adapter in the library is not the one that the run wrote.',
    where,
    remedy: 'Train the run again: its recipe gives the same adapter.',
  })

/** Reads back what lies on the disk: every hash, and the safetensors header by our strict reader. */
async function verify(folder: string, files: readonly ExportedFile[]): Promise<void> {
  for (const { name, sha256 } of files)
    if ((await sha256File(join(folder, name))) !== sha256) throw notWritten(name)
  const file = await openFileBytes(join(folder, weightsName))
  try {
    unwrap(await readSafetensorsHeader(file))
  } finally {
    await file.close()
  }
}

const notWritten = (name: string): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: 'What was read back from the disk is not what was written.',
    where: name,
    remedy: 'Check the disk, then export again. Nothing was left behind.',
  })

const reservedNames = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$/iu

/**
 * A folder name that every file system takes and that does not look temporary: the next start would sweep it. A name
 * without any usable character becomes "adapter".
 */
export function safeFolderName(name: string): string {
  const clean = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N} ._-]+/gu, '-')
    .replace(/\s+/gu, ' ')
    .replaceAll('.tmp-', '-tmp-')
    .replace(/^(.{80}).*$/u, '$1')
    .replace(/^[. -]+|[. -]+$/gu, '')
  if (clean === '') return 'adapter'
  // Cut by characters above, but file systems count bytes: a name that is still too long is named by its hash.
  const short =
    new TextEncoder().encode(clean).length <= 200
      ? clean
      : `adapter-${createHash('sha256').update(clean).digest('hex').slice(0, 12)}`
  return reservedNames.test(short) ? `${short}-adapter` : short
}

/** Something of that name came between our look and the rename, or stands where the exports folder should be. */
const isTaken = (error: unknown): boolean =>
  ['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')

const taken = (folder: string): ProblemError =>
  new ProblemError({
    code: 'export.failed',
    message: 'The folder could not be made: something else has this name.',
    where: folder,
    remedy: 'Export again under another name.',
  })

async function freeFolder(
  exportsFolder: string,
  name: string,
): Promise<{ folder: string; wasRenamed: boolean }> {
  const base = safeFolderName(name)
  for (let number = 1; number < mostNumbers; number += 1) {
    const path = join(exportsFolder, number === 1 ? base : `${base} ${number}`)
    const isFree = await stat(path).then(
      () => false,
      () => true,
    )
    if (isFree) return { folder: path, wasRenamed: number > 1 }
  }
  throw new ProblemError({
    code: 'export.failed',
    message: 'There are too many exports of this name.',
    where: exportsFolder,
    remedy: 'Choose another name, or move old exports away.',
  })
}
