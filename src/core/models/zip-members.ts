// Single files out of a package that comes from elsewhere: a zip file that lies about names, sizes or counts is refused,
// and nothing is written outside the place that the caller names.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Entry, open as openZip, type ZipFile } from 'yauzl'
import { ProblemError } from '#shared/result.ts'
import { writeNewFile } from '../system/durable-files.ts'

const limits = {
  entries: 50_000,
  memberBytes: 2 * 1024 ** 3,
} as const

/** Uncompressed bytes for each compressed one. */
const usualRatio = 100

export interface WrittenMember {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

interface Extracting {
  /** Told of each piece; may throw to end it. */
  readonly onBytes?: (bytes: number) => void
  /** How often larger than compressed a member may be; of a file whose every byte is known, as often as it likes. */
  readonly ratio?: number
  /** Largest member; left out, that of a package. */
  readonly mostBytes?: number
}

/** Writes every member that `placeOf` names a path for; the paths must not exist. Throws ProblemError. */
export async function extractMembers(
  zipPath: string,
  placeOf: (member: string) => string | null,
  { onBytes = () => {}, ratio = usualRatio, mostBytes = limits.memberBytes }: Extracting = {},
): Promise<WrittenMember[]> {
  const zip = await openPromised(zipPath)
  const written: WrittenMember[] = []
  try {
    if (zip.entryCount > limits.entries)
      throw badPackage(zipPath, `The package has more than ${limits.entries} files.`)
    for (let entry = await nextEntry(zip); entry !== null; entry = await nextEntry(zip)) {
      const path = placeOf(entry.fileName)
      if (path === null) continue
      checkEntry(entry, zipPath, { ratio, mostBytes })
      await mkdir(dirname(path), { recursive: true })
      written.push({ path, ...(await writeNewFile(path, unpacked(zip, entry, onBytes))) })
    }
    return written
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw badPackage(zipPath, 'The package cannot be unpacked.', error)
  } finally {
    zip.close()
  }
}

/** Writes one member to `target`, which must not exist. Throws ProblemError. Returns its SHA-256. */
export async function extractMember(zipPath: string, member: string, target: string): Promise<string> {
  const [written] = await extractMembers(zipPath, (name) => (name === member ? target : null))
  if (written === undefined) throw badPackage(zipPath, `The package has no ${member}.`)
  return written.sha256
}

const badPackage = (path: string, message: string, details?: unknown): ProblemError =>
  new ProblemError({
    code: 'file.unsafe',
    message,
    where: path,
    remedy: 'Download the package again.',
    ...(details === undefined ? {} : { details: String(details) }),
  })

function checkEntry(
  { fileName, uncompressedSize, compressedSize }: Entry,
  path: string,
  { ratio, mostBytes }: { readonly ratio: number; readonly mostBytes: number },
): void {
  if (uncompressedSize > mostBytes)
    throw badPackage(path, `${fileName} would have ${uncompressedSize} bytes.`)
  if (uncompressedSize > ratio * compressedSize)
    throw badPackage(path, `${fileName} grows more than ${ratio} times when it is unpacked.`)
}

/** Opened when it is asked for: a stream that fails before anybody listens ends the process. */
async function* unpacked(
  zip: ZipFile,
  entry: Entry,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    onBytes(chunk.byteLength)
    yield chunk
  }
}

function openPromised(path: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true }
  return new Promise((resolve, reject) => {
    openZip(path, options, (error, zip) =>
      error ? reject(badPackage(path, 'The file is not a zip file.', error)) : resolve(zip),
    )
  })
}

/** null after the last one. */
function nextEntry(zip: ZipFile): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      zip.off('entry', onEntry).off('end', onEnd).off('error', onError)
      done()
    }
    const onEntry = (entry: Entry): void => settle(() => resolve(entry))
    const onEnd = (): void => settle(() => resolve(null))
    const onError = (error: unknown): void => settle(() => reject(error))
    zip.on('entry', onEntry).on('end', onEnd).on('error', onError)
    zip.readEntry()
  })
}
