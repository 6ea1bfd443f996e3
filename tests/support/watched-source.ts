// A ByteSource that remembers what was asked of it, so that a test can say how much a parser read at once and in all.
import type { ByteSource } from '#formats/byte-source.ts'

export interface WatchedSource extends ByteSource {
  readonly largestReadBytes: number
  readonly totalReadBytes: number
  /** Reads that did not lie within the file: the parser's duty is to have none. */
  readonly readsOutside: number
}

/** `sizeBytes` may be larger than `bytes`: the rest reads as zeros, so that a test can pretend a huge file. */
export function watchedSource(bytes: Uint8Array, name = 'model', sizeBytes = bytes.length): WatchedSource {
  const seen = { largestReadBytes: 0, totalReadBytes: 0, readsOutside: 0 }
  return {
    name,
    sizeBytes,
    get largestReadBytes() {
      return seen.largestReadBytes
    },
    get totalReadBytes() {
      return seen.totalReadBytes
    },
    get readsOutside() {
      return seen.readsOutside
    },
    async read(offsetBytes, lengthBytes) {
      seen.largestReadBytes = Math.max(seen.largestReadBytes, lengthBytes)
      seen.totalReadBytes += lengthBytes
      const isInside =
        Number.isSafeInteger(offsetBytes) &&
        Number.isSafeInteger(lengthBytes) &&
        offsetBytes >= 0 &&
        lengthBytes >= 0 &&
        offsetBytes + lengthBytes <= sizeBytes
      if (!isInside) {
        seen.readsOutside += 1
        return new Uint8Array(0)
      }
      const part = bytes.subarray(offsetBytes, offsetBytes + lengthBytes)
      if (part.length === lengthBytes) return part
      const padded = new Uint8Array(lengthBytes)
      padded.set(part)
      return padded
    },
  }
}
