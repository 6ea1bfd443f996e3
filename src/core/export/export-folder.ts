// Where an export is put: a folder of its own that appears whole and verified or not at all, and never in place of another.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readGguf } from '#formats/gguf.ts'
import { readSafetensorsHeader } from '#formats/safetensors.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { asDiskProblem, sha256File, writeFolderDurably, writeNewFile } from '../system/durable-files.ts'
import { openFileBytes } from '../system/file-bytes.ts'

export interface ExportPlace {
  /** The library's exportsFolder. */
  readonly exportsFolder: string
  /** Wished name of the folder; characters that file systems dislike are replaced, a taken name gets a number. */
  readonly name: string
}

export interface ExportContent {
  readonly weights: { readonly name: string; readonly chunks: AsyncIterable<Uint8Array> }
  /** Is told the hash of the weights as written, and throws where they are not what they should be. */
  checkWeights?(sha256: string): void
  /** The other files, by name. */
  readonly texts: ReadonlyMap<string, string>
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

/** More folders of one name than a person makes. */
const mostNumbers = 10_000

/** `contentOf` is told the folder's own name. Throws ProblemError: export.failed, disk.full, disk.failed and the content's. */
export async function writeExport(
  { exportsFolder, name }: ExportPlace,
  contentOf: (folderName: string) => ExportContent,
): Promise<Exported> {
  const { folder, wasRenamed } = await freeFolder(exportsFolder, name)
  const { weights, texts, checkWeights } = contentOf(basename(folder))
  const files = await writeFolderDurably(folder, async (inside) => {
    const written: ExportedFile[] = []
    const write = async (name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
      const file = { name, ...(await writeNewFile(join(inside, name), chunks)) }
      written.push(file)
      return file
    }
    const { sha256 } = await write(weights.name, weights.chunks)
    checkWeights?.(sha256)
    for (const [name, content] of texts) await write(name, [new TextEncoder().encode(content)])
    await verify(inside, written)
    return written
  }).catch((error: unknown) => {
    throw isTaken(error) ? taken(folder) : asDiskProblem(error, folder)
  })
  return { folder, wasRenamed, files }
}

/** Reads back what lies on the disk: every hash, and the header of the weights by our strict reader. */
async function verify(folder: string, files: readonly ExportedFile[]): Promise<void> {
  for (const { name, sha256 } of files)
    if ((await sha256File(join(folder, name))) !== sha256) throw notWritten(name)
  for (const { name } of files) {
    const isGguf = name.endsWith('.gguf')
    if (!isGguf && !name.endsWith('.safetensors')) continue
    const file = await openFileBytes(join(folder, name))
    try {
      if (isGguf) unwrap(await readGguf(file))
      else unwrap(await readSafetensorsHeader(file))
    } finally {
      await file.close()
    }
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
