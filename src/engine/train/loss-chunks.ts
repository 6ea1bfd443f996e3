// Labelled places in chunks, so that logits never exist for all of them at once: how many chunks, what each is fed,
// and reading what it returned.
import type { Tensor } from '../backend-port.ts'

/** Logits of one chunk stay below this; the head is computed chunk by chunk (docs/engine.md). */
const chunkLimitBytes = 48_000_000

/** Labelled places whose logits (rows x vocabulary x 4 bytes) stay under about 48 MB; at least 1. */
export function rowsPerLossChunk(vocabulary: number): number {
  return Math.max(1, Math.floor(chunkLimitBytes / (4 * vocabulary)))
}

/** Chunks for at most so many labelled places together; at least 1. */
export function chooseLossChunks(maxLabelled: number, vocabulary: number): number {
  return Math.max(1, Math.ceil(maxLabelled / rowsPerLossChunk(vocabulary)))
}

/**
 * 'rows.i', 'targets.i', 'weights.i' [L] of every chunk: at `places[n]` (an index into the B*S positions) the token
 * `targets[n]` is predicted. All chunks are of one size L >= 1; the last is filled up with weight 0.
 */
export function lossChunkFeeds(
  places: readonly number[],
  targets: readonly number[],
  lossChunks: number,
): Map<string, Tensor> {
  const size = Math.max(1, Math.ceil(places.length / lossChunks))
  const whole = (values: readonly number[], from: number): Tensor => ({
    dtype: 'int64',
    shape: [size],
    data: BigInt64Array.from({ length: size }, (_, i) => BigInt(values[from + i] ?? 0)),
  })
  const feeds = new Map<string, Tensor>()
  for (let chunk = 0; chunk < lossChunks; chunk += 1) {
    const from = chunk * size
    const weights = Float32Array.from({ length: size }, (_, i) => (from + i < places.length ? 1 : 0))
    feeds.set(`rows.${chunk}`, whole(places, from))
    feeds.set(`targets.${chunk}`, whole(targets, from))
    feeds.set(`weights.${chunk}`, { dtype: 'float32', shape: [size], data: weights })
  }
  return feeds
}

interface Losses {
  readonly data: Float32Array | Float64Array | BigInt64Array
}

/** Every entry of 'losses.<chunk>', chunk by chunk: in the order of the places, then zeros of the filling. */
export function* lossesOf(outputs: ReadonlyMap<string, Losses>, lossChunks: number): Generator<number, void> {
  for (let chunk = 0; chunk < lossChunks; chunk += 1) {
    const losses = outputs.get(`losses.${chunk}`)?.data
    if (!losses || losses instanceof BigInt64Array) throw new Error(`the graph returned no losses.${chunk}`)
    yield* losses
  }
}

/** Sum of all losses in float64, in order; the graph's weights have already zeroed the filling. */
export function sumLosses(outputs: ReadonlyMap<string, Losses>, lossChunks: number): number {
  let sum = 0
  for (const loss of lossesOf(outputs, lossChunks)) sum += loss
  return sum
}
