// Files as one zip file, piece by piece. Weights are stored as they are: they do not get smaller.
import type { Readable } from 'node:stream'
import { ZipFile } from 'yazl'

export interface PackedFile {
  /** Name in the zip file, forward slashes. */
  readonly path: string
  readonly source: string
}

/** Fixed, so that the same files give the same bytes, on every clock. */
const noTime = new Date(Date.UTC(2000, 0, 1))

/** `onBytes` is told how many have come out, and may throw to end it. A file that cannot be read throws. */
export async function* zipped(
  files: readonly PackedFile[],
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zip = new ZipFile()
  const stream = zip.outputStream as Readable
  zip.on('error', (error: Error) => stream.destroy(error))
  for (const { path, source } of files)
    zip.addFile(source, path, { mtime: noTime, mode: 0o100644, compress: !path.endsWith('.safetensors') })
  zip.end()
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    onBytes(bytes)
    yield chunk
  }
}
