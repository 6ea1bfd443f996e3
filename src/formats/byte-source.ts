// How a parser sees a file: bounded random reads, no file system. The edges (core, tests) bring the bytes.
export interface ByteSource {
  /** Name to show in a Problem; never used as a path. */
  readonly name: string
  readonly sizeBytes: number
  /** Exactly `lengthBytes` bytes from `offsetBytes`; the caller has checked that they lie within the file. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>
}

export function bytesAsSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    sizeBytes: bytes.byteLength,
    read: async (offsetBytes, lengthBytes) => bytes.subarray(offsetBytes, offsetBytes + lengthBytes),
  }
}
