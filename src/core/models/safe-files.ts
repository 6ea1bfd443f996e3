// Reading what a stranger put into a folder: ordinary files of that very folder, never through a link, never larger
// than the caller allows, and only if they stay the same while they are read.
import type { Stats } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { JsonFault, parseStrictJson } from '#formats/strict-json.ts'
import { quoteForeign } from '#formats/weight-problems.ts'
import { ProblemError } from '#shared/result.ts'
import { type OpenFile, openFileBytes, unreadableFile } from '../system/file-bytes.ts'

/** What of a file must not change while it is imported. */
export interface FileState {
  readonly path: string
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly inode: number
}

/** The folder that `path` names, with links on the way there resolved: the person chose it. */
export async function openFolder(path: string): Promise<string> {
  return realpath(resolve(path)).catch((error: unknown) => {
    throw new ProblemError({
      code: 'file.missing',
      message: 'There is no such file or folder.',
      where: path,
      remedy: 'Check the name. A model is a folder with model.safetensors, or a file that ends in .gguf.',
      details: String(error),
    })
  })
}

/** The names in a folder, sorted. */
export async function listFolder(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw unreadableFile(folder, error)
  })
  return names.sort()
}

/** Whether `path` is a folder, or a link to one; a missing one is a Problem. */
export const isFolder = async (path: string): Promise<boolean> =>
  (await lookAt(await openFolder(path))).isDirectory()

const lookAt = (path: string): Promise<Stats> =>
  lstat(path).catch((error: unknown) => {
    throw unreadableFile(path, error)
  })

const unsafe = (where: string, message: string): ProblemError =>
  new ProblemError({
    code: 'file.unsafe',
    message,
    where,
    remedy:
      'Copy the folder with its real files (for a Hugging Face cache: cp -rL SNAPSHOT NEW_FOLDER), then add the copy.',
  })

/** Windows devices, which are no files whatever folder they are asked for in. */
const reservedName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

/** A name that can only mean an entry of the folder it is looked up in, on every system. */
export function requireBaseName(name: string, where: string): string {
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name)
  if (isPlain && !reservedName.test(name) && !name.endsWith('.') && basename(name) === name) return name
  throw unsafe(where, `The file name ${quoteForeign(name)} could lead out of the folder.`)
}

/** The state of an ordinary file of `folder`, or null where there is none. Links and devices are refused. */
export async function statFileIn(folder: string, name: string): Promise<FileState | null> {
  const path = join(folder, requireBaseName(name, basename(folder)))
  const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw unreadableFile(path, error)
  })
  if (!stat) return null
  if (stat.isSymbolicLink()) throw unsafe(name, 'This is a link to a file elsewhere.')
  if (!stat.isFile()) throw unsafe(name, 'This is not an ordinary file.')
  if (stat.nlink > 1) throw unsafe(name, 'This file has a second name elsewhere (a hard link).')
  return stateOf(path, stat)
}

/** The state of one file that a person chose by name; links on the way are theirs. */
export async function statChosenFile(path: string): Promise<FileState> {
  const real = await openFolder(path)
  const stat = await lookAt(real)
  if (!stat.isFile()) throw unsafe(basename(real), 'This is not an ordinary file.')
  return stateOf(real, stat)
}

const stateOf = (path: string, stat: Stats): FileState => ({
  path,
  name: basename(path),
  sizeBytes: stat.size,
  modifiedMs: stat.mtimeMs,
  inode: stat.ino,
})

/** Throws `file.changed` where a file is not what it was when it was first looked at. */
export async function requireUnchanged(files: Iterable<FileState>): Promise<void> {
  for (const file of files) {
    const stat = await lstat(file.path).catch(() => null)
    const isSame =
      stat?.isFile() &&
      stat.size === file.sizeBytes &&
      stat.mtimeMs === file.modifiedMs &&
      stat.ino === file.inode
    if (!isSame) throw changed(file)
  }
}

const changed = ({ name }: FileState): ProblemError =>
  new ProblemError({
    code: 'file.changed',
    message: 'The file changed while it was being imported. Nothing was added to the library.',
    where: name,
    remedy: 'Wait until other programs have finished with it, then add the model again.',
  })

/** Opens a file for reading and makes sure that it is still the one that was looked at. */
export async function openUnchanged(file: FileState): Promise<OpenFile> {
  const source = await openFileBytes(file.path)
  if (source.sizeBytes === file.sizeBytes) return source
  await source.close()
  throw changed(file)
}

/** A whole text file as UTF-8. Problems: `limit.exceeded`, and `code` where it is not UTF-8. */
export async function readText(
  file: FileState,
  maxBytes: number,
  code: 'model.invalid-config' | 'tokenizer.invalid' | 'template.invalid',
): Promise<string> {
  if (file.sizeBytes > maxBytes)
    throw new ProblemError({
      code: 'limit.exceeded',
      message: `The file has ${file.sizeBytes} bytes; at most ${maxBytes} are read.`,
      where: file.name,
      remedy: 'Check that this is an ordinary model folder.',
    })
  const source = await openUnchanged(file)
  try {
    const bytes = await source.read(0, file.sizeBytes)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw new ProblemError({
      code,
      message: 'The file is not UTF-8 text.',
      where: file.name,
      remedy: 'Download or copy the file again.',
    })
  } finally {
    await source.close()
  }
}

/** Parsed JSON of a small file a stranger wrote: no duplicate keys, no deep nesting, nothing after the value. */
export function parseForeignJson(text: string, name: string): unknown {
  try {
    parseStrictJson(text, { maxDepth: 64, numbers: 'any', trailing: 'white space' })
    return JSON.parse(text)
  } catch (error) {
    const where = error instanceof JsonFault ? `${name}, character ${error.index}` : name
    throw new ProblemError({
      code: 'model.invalid-config',
      message: error instanceof JsonFault ? error.message : 'The file is not JSON.',
      where,
      remedy: 'Download or copy the file again.',
    })
  }
}
