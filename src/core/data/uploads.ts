// Files that a page sends in pieces. A piece is taken only where it continues what is there; the file gets its name when
// all of it is on the disk. What was never finished is removed at the next start.
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { uploadPieceBytes } from '#shared/contract/index.ts'
import { attemptAsync, type Problem, ProblemError, type Result } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { asDiskProblem, fsyncFolder, temporaryPath } from '../system/durable-files.ts'

export interface Uploads {
  /** `limit.exceeded` for a file of more than `mostBytes`. */
  begin(
    folder: string,
    name: string,
    sizeBytes: number,
    mostBytes: number,
  ): Promise<Result<{ uploadId: string }>>
  piece(uploadId: string, offset: number, base64: string): Promise<Result<{ receivedBytes: number }>>
  finish(uploadId: string): Promise<Result<{ name: string; path: string }>>
  cancel(uploadId: string): Promise<Result<Record<string, never>>>
  close(): Promise<void>
}

interface Upload {
  readonly partial: string
  readonly folder: string
  readonly name: string
  readonly sizeBytes: number
  readonly handle: FileHandle
  received: number
  /** When the last piece came. */
  touchedMs: number
  /** Pieces are written one after the other. */
  last: Promise<unknown>
}

const mostUploads = 8
/** An upload without a piece for so long makes room for another one: its page was closed, perhaps. */
const abandonedMs = 60_000
/** Bytes of a name, so that it fits a file system (255) with what a temporary name adds. */
const nameBytes = 180
const spareDiskBytes = 200e6

/**
 * One plain file name out of whatever a page calls the file: no folders, no control characters, no names of devices, no
 * mark of a temporary file (those are swept), and the end of what is too long.
 */
function plainFileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const safe = last
    .replace(/[\p{Cc}\p{Cf}<>:"|?*]/gu, '_')
    .replaceAll('.tmp-', '_tmp-')
    .replace(/[. ]+$/, '')
  let ending = [...safe].slice(-120)
  while (Buffer.byteLength(ending.join('')) > nameBytes) ending = ending.slice(1)
  const plain = ending.join('').replace(/^\.+/, '')
  return plain === '' || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `file-${plain}` : plain
}

export function createUploads(now: () => number = Date.now): Uploads {
  const uploads = new Map<string, Upload>()

  const known = (uploadId: string): Upload => {
    const upload = uploads.get(uploadId)
    if (upload === undefined)
      throw refused('This upload is not under way.', uploadId, 'Choose the file again.')
    return upload
  }

  async function begin(
    folder: string,
    given: string,
    sizeBytes: number,
    mostBytes: number,
  ): Promise<{ uploadId: string }> {
    const name = plainFileName(given)
    if (uploads.size >= mostUploads) await dropAbandoned()
    if (uploads.size >= mostUploads)
      throw refused('Too many files are sent at once.', name, 'Wait until one has arrived.')
    if (sizeBytes > mostBytes)
      throw refused(
        `This file is larger than ${formatBytes(mostBytes)}.`,
        name,
        'Bring a part of it.',
        'limit.exceeded',
      )
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(folder)
      if (bavail * bsize < sizeBytes + spareDiskBytes)
        throw refused('There is not enough free space for this file.', name, 'Free some space.', 'disk.full')
      const partial = temporaryPath(join(folder, name))
      const handle = await open(partial, 'wx', 0o600)
      const uploadId = randomUUID()
      uploads.set(uploadId, {
        partial,
        folder,
        name,
        sizeBytes,
        handle,
        received: 0,
        touchedMs: now(),
        last: Promise.resolve(),
      })
      return { uploadId }
    } catch (error) {
      throw asDiskProblem(error, folder)
    }
  }

  async function write(upload: Upload, offset: number, bytes: Buffer): Promise<{ receivedBytes: number }> {
    if (offset !== upload.received || offset + bytes.length > upload.sizeBytes)
      throw refused('A piece of the file does not fit.', upload.name, 'Choose the file again.')
    try {
      for (let at = 0; at < bytes.length; )
        at += (await upload.handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten
    } catch (error) {
      throw asDiskProblem(error, upload.partial)
    }
    upload.received += bytes.length
    upload.touchedMs = now()
    return { receivedBytes: upload.received }
  }

  async function drop(uploadId: string): Promise<void> {
    const upload = uploads.get(uploadId)
    uploads.delete(uploadId)
    if (upload === undefined) return
    await upload.last.catch(() => {})
    await upload.handle.close()
    await rm(upload.partial, { force: true })
  }

  async function dropAbandoned(): Promise<void> {
    for (const [uploadId, { touchedMs }] of uploads) if (now() - touchedMs > abandonedMs) await drop(uploadId)
  }

  return {
    begin: (folder, name, sizeBytes, mostBytes) =>
      attemptAsync(() => begin(folder, name, sizeBytes, mostBytes)),
    piece: (uploadId, offset, base64) =>
      attemptAsync(() => {
        const upload = known(uploadId)
        const bytes = Buffer.from(base64, 'base64')
        if (bytes.length > uploadPieceBytes)
          throw refused('A piece of the file is too large.', upload.name, 'Choose the file again.')
        const done = upload.last.then(() => write(upload, offset, bytes))
        upload.last = done.catch(() => {})
        return done
      }),
    finish: (uploadId) =>
      attemptAsync(async () => {
        const upload = known(uploadId)
        await upload.last
        if (upload.received !== upload.sizeBytes)
          throw refused('Not all of the file has arrived.', upload.name, 'Choose the file again.')
        const path = join(upload.folder, upload.name)
        uploads.delete(uploadId)
        try {
          await upload.handle.sync()
          await upload.handle.close()
          await rename(upload.partial, path)
          await fsyncFolder(upload.folder)
        } catch (error) {
          throw asDiskProblem(error, path)
        }
        return { name: upload.name, path }
      }),
    cancel: (uploadId) =>
      attemptAsync(async () => {
        await drop(uploadId)
        return {}
      }),
    async close() {
      for (const uploadId of [...uploads.keys()]) await drop(uploadId)
    },
  }
}

const refused = (
  message: string,
  where: string,
  remedy: string,
  code: Problem['code'] = 'upload.failed',
): ProblemError => new ProblemError({ code, message, where, remedy })
