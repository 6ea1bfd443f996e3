// A data set in the library: its folder, its manifest, and the two parts that training may read. The test part is
// read in test-set.ts only.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type DatasetFile, type DatasetManifest, datasetManifest } from '#shared/dataset.ts'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { type DatasetRow, datasetRow, type LeftOutRow, leftOutRow } from '#shared/rows.ts'
import type { Library } from '../system/library.ts'

export const manifestName = 'manifest.json'

export const datasetFolder = (library: Library, fingerprint: string): string =>
  join(library.datasetsFolder, fingerprint)

/** The manifest of a data set folder. `data.unknown` where there is none, `data.damaged` where it does not verify. */
export function readManifest(folder: string): Promise<Result<DatasetManifest>> {
  return attemptAsync(() => loadManifest(folder))
}

/** The rows of the training or the validation part, checked against the manifest's hash. */
export function readSplit(folder: string, part: 'train' | 'validation'): Promise<Result<DatasetRow[]>> {
  return attemptAsync(async () => {
    const manifest = await loadManifest(folder)
    return parseRows(await readVerified(folder, manifest.files[part]), folder)
  })
}

/** The rows that were left out at import, with their reasons. */
export function readLeftOut(folder: string): Promise<Result<LeftOutRow[]>> {
  return attemptAsync(async () => {
    const manifest = await loadManifest(folder)
    const bytes = await readVerified(folder, manifest.files.leftOut)
    return linesOf(bytes, (line) => parseWith(leftOutRow, line, folder))
  })
}

export async function loadManifest(folder: string): Promise<DatasetManifest> {
  const text = await readFile(join(folder, manifestName), 'utf8').catch((error: unknown) => {
    throw new ProblemError({
      code: 'data.unknown',
      message: 'This data set is not in the library.',
      where: basename(folder),
      remedy: 'Import the file with the examples again.',
      details: String(error),
    })
  })
  return parseWith(datasetManifest, text, folder)
}

/** A file of the data set, only if it is byte for byte what the manifest says. */
export async function readVerified(folder: string, file: DatasetFile): Promise<Buffer> {
  const bytes = await readFile(join(folder, file.name)).catch((error: unknown) => {
    throw damaged(folder, `${file.name}: ${String(error)}`)
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== file.sha256) throw damaged(folder, `${file.name}: SHA-256 is ${sha256}, not ${file.sha256}`)
  return bytes
}

export const parseRows = (bytes: Buffer, folder: string): DatasetRow[] =>
  linesOf(bytes, (line) => parseWith(datasetRow, line, folder))

/** Line by line, because the largest data set would not fit into one string. */
function linesOf<T>(bytes: Buffer, parse: (line: string) => T): T[] {
  const values: T[] = []
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf('\n', from)
    const until = end < 0 ? bytes.length : end
    if (until > from) values.push(parse(bytes.toString('utf8', from, until)))
    from = until + 1
  }
  return values
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { message: string } }
}

function parseWith<T>(schema: Schema<T>, text: string, folder: string): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged(folder, String(error))
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw damaged(folder, parsed.error.message)
  return parsed.data
}

export const damaged = (folder: string, details: string): ProblemError =>
  new ProblemError({
    code: 'data.damaged',
    message: 'The data set in the library was changed or damaged after it was imported.',
    where: `datasets/${basename(folder)}`,
    remedy: 'Remove this folder and import the file with the examples again.',
    details,
  })
