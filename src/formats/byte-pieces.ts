// Bytes of one tensor, whole or piece by piece, on their way into a file. A wrong amount is a bug and throws.
type Pieces = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Little-endian bytes in order. Called once, when the tensor's turn comes, so that only one is in memory. */
export type ReadPieces = () => Pieces | Promise<Pieces>

/** The pieces of one tensor, counted: exactly `expectedBytes` or an Error that names the tensor. */
export async function* countedPieces(
  name: string,
  read: ReadPieces,
  expectedBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const given = await read()
  let written = 0
  for await (const piece of given instanceof Uint8Array ? [given] : given) {
    written += piece.byteLength
    if (written > expectedBytes) break
    yield piece
  }
  if (written !== expectedBytes)
    throw new Error(`${name} gave ${written} bytes or more, its shape needs ${expectedBytes}`)
}
