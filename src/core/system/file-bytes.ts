// A regular file as a ByteSource. Untrusted files are read, never memory-mapped (a truncation would kill the process).
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ByteSource } from '#formats/byte-source.ts'
import { ProblemError } from '#shared/result.ts'

export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

/** The system refuses to read: no permission, a failing disk, a drive that is gone. */
export const unreadableFile = (path: string, error: unknown): ProblemError =>
  new ProblemError({
    code: 'file.unreadable',
    message: 'The file could not be read.',
    where: path,
    remedy: 'Check that you may read it and that its disk is connected.',
    details: String(error),
  })

/** Opens a regular file for bounded random reads. Throws a ProblemError where it is missing or not a regular file. */
export async function openFileBytes(path: string): Promise<OpenFile> {
  const name = basename(path)
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    throw new ProblemError({
      code: 'file.missing',
      message: 'The file could not be opened.',
      where: path,
      remedy: 'Check the name and that you may read the file.',
      details: String(error),
    })
  }
  /** Of a file that was only read, nothing is lost where closing fails. */
  const close = (): Promise<void> => handle.close().catch(() => {})
  let sizeBytes: number
  try {
    const stat = await handle.stat()
    if (!stat.isFile())
      throw new ProblemError({
        code: 'file.unsafe',
        message: 'This is not an ordinary file.',
        where: path,
        remedy: 'Choose an ordinary file.',
      })
    sizeBytes = stat.size
  } catch (error) {
    await close()
    throw error instanceof ProblemError ? error : unreadableFile(path, error)
  }
  return {
    name,
    sizeBytes,
    close,
    async read(offsetBytes, lengthBytes) {
      const bytes = new Uint8Array(lengthBytes)
      let done = 0
      while (done < lengthBytes) {
        const { bytesRead } = await handle
          .read(bytes, done, lengthBytes - done, offsetBytes + done)
          .catch((error: unknown) => {
            throw unreadableFile(path, error)
          })
        if (bytesRead === 0)
          throw new ProblemError({
            code: 'file.changed',
            message: 'The file became shorter while it was being read.',
            where: `${name}, byte ${offsetBytes + done}`,
            remedy: 'Wait until other programs have finished writing it, then try again.',
          })
        done += bytesRead
      }
      return bytes
    },
  }
}
