// Files of ours: temporary name, fsync, rename, fsync of the folder. A reader trusts only what verifies.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ProblemError } from '#shared/result.ts'

const temporaryMark = '.tmp-'

/** `name.tmp-<uuid>` beside the final place, so that the rename stays on one volume. */
export const temporaryPath = (finalPath: string): string => `${finalPath}${temporaryMark}${randomUUID()}`

export const isTemporaryName = (name: string): boolean => name.includes(temporaryMark)

/** Makes the folder's entries durable. Windows cannot open folders for that; its rename is journalled by NTFS. */
export async function fsyncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes chunks to `path` and fsyncs it. The file must not exist yet. Returns its size and SHA-256. */
export async function writeNewFile(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    const handle = await open(path, 'wx')
    try {
      for await (const chunk of chunks) {
        let offset = 0
        while (offset < chunk.byteLength) {
          const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset)
          offset += bytesWritten
        }
        hash.update(chunk)
        sizeBytes += chunk.byteLength
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw asDiskProblem(error, path)
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** Writes a whole file so that after a crash either the old or the new content is there, never a part. */
export async function writeFileDurably(
  path: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const temporary = temporaryPath(path)
  const whole = typeof content === 'string' ? new TextEncoder().encode(content) : content
  try {
    const written = await writeNewFile(temporary, whole instanceof Uint8Array ? [whole] : whole)
    await renameDurably(temporary, path)
    return written
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw asDiskProblem(error, path)
  }
}

/** Renames with patience (antivirus programs hold files for moments) and fsyncs the parent folder. */
export async function renameDurably(from: string, to: string): Promise<void> {
  for (let waitMs = 50; ; waitMs *= 2) {
    try {
      await rename(from, to)
      break
    } catch (error) {
      const isHeld = ['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')
      if (!isHeld || process.platform !== 'win32' || waitMs > 15_000) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  await fsyncFolder(dirname(to))
}

/**
 * Builds a folder under a temporary name and renames it to `finalPath`, which must not exist (names are never reused).
 * `fill` writes files with `writeNewFile`, the manifest last. If it fails nothing is left.
 */
export async function writeFolderDurably<T>(
  finalPath: string,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  const temporary = temporaryPath(finalPath)
  try {
    await makeFolder(dirname(finalPath))
    await mkdir(temporary)
    const value = await fill(temporary)
    await fsyncFolder(temporary)
    await renameDurably(temporary, finalPath)
    return value
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw asDiskProblem(error, finalPath)
  }
}

/** Makes a folder and its parents. One by one: Node's own `recursive` never ends where a system refuses with ENOENT (/proc). */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makeFolder(parent)
  try {
    await mkdir(folder)
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!(await isFolder(folder))) throw asNoFolder(error, folder)
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** What kept a folder from being made, where a file in its place is called what it is: no folder. */
export const asNoFolder = (error: unknown, folder: string): unknown =>
  (error as NodeJS.ErrnoException).code === 'EEXIST'
    ? Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' })
    : error

/**
 * Removes what an interrupted write left behind: entries with a temporary name directly in `folder`. Where another
 * process may be writing, only those that nobody has touched for longer than `untouchedMs`.
 */
export async function sweepTemporary(folder: string, untouchedMs = 0): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const path = join(folder, name)
    if (!isTemporaryName(name) || (untouchedMs > 0 && !(await isUntouched(path, untouchedMs)))) continue
    await rm(path, { recursive: true, force: true })
    removed.push(name)
  }
  return removed
}

const isUntouched = (path: string, forMs: number): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > forMs,
    () => false,
  )

export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

/** EFBIG is the 4 GB limit of FAT; EBUSY what Windows says when patience was in vain. A taken name is not among them. */
const failedCodes: ReadonlySet<string> = new Set(
  'EIO EROFS EACCES EPERM EBUSY EMFILE ENFILE ENOENT ENOTDIR ENAMETOOLONG EFBIG ESTALE'.split(' '),
)

/** A full or failing disk as a Problem with a remedy; every other error unchanged. */
export function asDiskProblem(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (error instanceof ProblemError || typeof code !== 'string') return error
  const where = `${basename(dirname(path))}/${basename(path)}`
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ProblemError({
      code: 'disk.full',
      message: 'The disk is full, so this could not be saved. What was saved before is untouched.',
      where,
      remedy: 'Free some space on this disk, then try again, or resume the run.',
      details: String(error),
    })
  if (failedCodes.has(code))
    return new ProblemError({
      code: 'disk.failed',
      message: 'The file could not be written.',
      where,
      remedy:
        'Check that the folder exists, that you may write to it and that the disk is healthy, then try again.',
      details: String(error),
    })
  return error
}
