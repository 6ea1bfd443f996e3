// Where a carried out journal lies: a folder or file of its own that appears whole or not at all and never in place of
// another, with a note beside the files of what it is.
import { mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { type JournalForm, journalForms } from '#shared/contract/index.ts'
import { count, timeMs } from '#shared/fields.ts'
import { ProblemError } from '#shared/result.ts'
import { safeFolderName } from '../export/export-folder.ts'
import { bundleEnding } from '../export/export-place.ts'
import { fsyncFolder, renameDurably, writeNewFile } from '../system/durable-files.ts'
import { folderBytes } from '../system/folder-size.ts'
import { readKept } from '../system/kept-json.ts'
import { putTogether } from './put-together.ts'

const noteName = 'tunewright-export.json'

const note = z.strictObject({
  version: z.literal(1),
  form: z.enum(journalForms),
  createdAtMs: timeMs,
  appVersion: z.string(),
  schema: count,
})
type ExportNote = z.output<typeof note>

export interface CarriedOut {
  readonly name: string
  readonly place: string
  readonly form: JournalForm
  readonly bytes: number
  readonly createdAtMs: number
}

export interface WriteFile {
  /** One file of the export: its path below the export's folder, forward slashes, and its bytes. */
  (path: string, content: string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<unknown>
  /** An empty folder, for programs that look for one. */
  folder(path: string): Promise<void>
}

/** Gives `fill` a way to write files; if it fails nothing is left. Throws ProblemError: disk.full, disk.failed and `fill`'s. */
export async function writeArchiveFolder(
  exportsFolder: string,
  wishedName: string,
  head: ExportNote,
  fill: (write: WriteFile) => Promise<void>,
): Promise<CarriedOut> {
  const place = await putTogether(exportsFolder, async (work) => {
    const folder = join(work, 'files')
    await mkdir(folder)
    await fillFolder(folder, head, fill)
    await fsyncFolder(folder)
    const free = await freePlace(exportsFolder, safeFolderName(wishedName), '')
    await renameDurably(folder, free)
    return free
  })
  const { form, createdAtMs } = head
  return { name: basename(place), place, form, bytes: await folderBytes(place), createdAtMs }
}

async function fillFolder(
  folder: string,
  head: ExportNote,
  fill: (write: WriteFile) => Promise<void>,
): Promise<void> {
  const made = new Set<string>()
  const make = async (path: string): Promise<void> => {
    if (!made.has(path)) await mkdir(path, { recursive: true })
    made.add(path)
  }
  const write = async (path: string, content: Parameters<WriteFile>[1]): Promise<unknown> => {
    const target = join(folder, ...path.split('/'))
    await make(dirname(target))
    return writeNewFile(target, typeof content === 'string' ? [new TextEncoder().encode(content)] : content)
  }
  await fill(Object.assign(write, { folder: (path: string) => make(join(folder, ...path.split('/'))) }))
  await write(noteName, `${JSON.stringify(head, null, 2)}\n`)
}

const mostNumbers = 10_000

export async function freePlace(folder: string, name: string, ending: string): Promise<string> {
  for (let number = 1; number < mostNumbers; number += 1) {
    const place = join(folder, `${name}${number === 1 ? '' : ` ${number}`}${ending}`)
    const isTaken = await stat(place).then(
      () => true,
      () => false,
    )
    if (!isTaken) return place
  }
  throw new ProblemError({
    code: 'export.failed',
    message: 'There are too many exports of this name.',
    where: folder,
    remedy: 'Move old exports away.',
  })
}

/** What was carried out into a folder before, newest first; what else lies there is left out. */
export async function listCarriedOut(exportsFolder: string): Promise<CarriedOut[]> {
  const names = await readdir(exportsFolder).catch(() => [] as string[])
  const found = await Promise.all(names.map((name) => carriedOut(exportsFolder, name)))
  return found.flat().sort((a, b) => b.createdAtMs - a.createdAtMs)
}

/** Whether what lies there came out of the journal; anything else is an export of a run, or not ours. */
export const isCarriedOut = (place: string): boolean =>
  place.endsWith(bundleEnding) || readKept(join(place, noteName), note) !== null

async function carriedOut(exportsFolder: string, name: string): Promise<CarriedOut[]> {
  if (name.includes('.tmp-')) return []
  const place = join(exportsFolder, name)
  const found = await stat(place).catch(() => null)
  if (found?.isFile() === true && name.endsWith(bundleEnding))
    return [{ name, place, form: 'bundle', bytes: found.size, createdAtMs: Math.round(found.mtimeMs) }]
  const head = found?.isDirectory() === true ? readKept(join(place, noteName), note) : null
  if (head === null) return []
  const { form, createdAtMs } = head
  return [{ name, place, form, bytes: await folderBytes(place), createdAtMs }]
}
