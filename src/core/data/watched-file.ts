// A file of the person's, read while nobody holds it still: any change between the first and the last look is found.
import { createHash, type Hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ByteSource } from '#formats/byte-source.ts'
import { ProblemError } from '#shared/result.ts'
import { sha256File } from '../system/durable-files.ts'
import { openFileBytes, unreadableFile } from '../system/file-bytes.ts'

export interface WatchedFile {
  readonly source: ByteSource
  readonly sha256: string
  /**
   * Throws `file.changed` where size, time, identity or content differ from the first look. The content is compared
   * where it was read from beginning to end, as a table reader does.
   */
  confirmUnchanged(): Promise<void>
  close(): Promise<void>
}

/** Opens a regular file and hashes it once. Throws a ProblemError where that is not possible. */
export async function openWatchedFile(path: string): Promise<WatchedFile> {
  const before = await lookAt(path)
  const file = await openFileBytes(path)
  try {
    const sha256 = await sha256File(path).catch((error: unknown) => {
      throw unreadableFile(path, error)
    })
    const reading = hashInOrder(file)
    return {
      source: reading.source,
      sha256,
      async confirmUnchanged() {
        const after = await lookAt(path)
        const readHash = reading.wholeHash()
        if (after !== before || (readHash !== null && readHash !== sha256)) throw changed(path)
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Size, time and identity of a regular file, as one comparable text. */
async function lookAt(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw unreadableFile(path, error)
    throw new ProblemError({
      code: 'file.missing',
      message: 'There is no such file.',
      where: path,
      remedy: 'Check the name and the folder.',
    })
  })
  if (!found.isFile())
    throw new ProblemError({
      code: 'file.unsafe',
      message: found.isDirectory() ? 'This is a folder, not a file.' : 'This is not an ordinary file.',
      where: path,
      remedy: 'Choose the file with your examples.',
    })
  return [found.size, found.mtimeNs, found.ino, found.dev].join(' ')
}

/** Passes reads through and hashes those that go on from the file's beginning without a gap. */
function hashInOrder(file: ByteSource): { source: ByteSource; wholeHash: () => string | null } {
  let hash: Hash = createHash('sha256')
  let hashedBytes = 0
  const source: ByteSource = {
    name: file.name,
    sizeBytes: file.sizeBytes,
    async read(offsetBytes, lengthBytes) {
      const bytes = await file.read(offsetBytes, lengthBytes)
      if (offsetBytes === 0) {
        hash = createHash('sha256')
        hashedBytes = 0
      }
      if (offsetBytes === hashedBytes) {
        hash.update(bytes)
        hashedBytes += bytes.byteLength
      }
      return bytes
    },
  }
  return {
    source,
    wholeHash: () => (hashedBytes === file.sizeBytes ? hash.copy().digest('hex') : null),
  }
}

const changed = (path: string): ProblemError =>
  new ProblemError({
    code: 'file.changed',
    message: 'The file was changed while it was being read.',
    where: basename(path),
    remedy: 'Wait until other programs have finished writing it, then try again.',
  })
