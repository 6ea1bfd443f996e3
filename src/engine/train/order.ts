// Data order as a pure function of seed and epoch: which rows make a micro-batch, and which micro-batch comes when.
// Nothing is drawn from a stream, so nothing has to be replayed on resume: a cursor is set.
import { counterRandom } from '../random.ts'

/** perm(seed, purpose): every number below `count` once, by Fisher-Yates with a counter-based generator. */
export function permutation(seed: number, purpose: string, count: number): Uint32Array {
  const random = counterRandom(seed, purpose)
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random(last) * (last + 1))
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}

/** The rows in parts of `size`; the last may be smaller. */
function cut(rows: readonly number[], size: number): number[][] {
  const parts: number[][] = []
  for (let start = 0; start < rows.length; start += size) parts.push(rows.slice(start, start + size))
  return parts
}

/** Micro-batches whose rows are sorted by length together; as in group-by-length samplers, at most this many. */
const largestPoolMicroBatches = 50

/**
 * The micro-batches of one epoch, as indices into `lengthsTokens`: every row exactly once, rows of similar length
 * together (little padding), at most one micro-batch smaller than `microRows`.
 * Rows are permuted (for each `purpose` otherwise), cut into pools, sorted by length inside a pool, cut into micro-batches, and these are permuted.
 */
export function microBatchesOfEpoch(
  lengthsTokens: ArrayLike<number>,
  microRows: number,
  seed: number,
  epoch: number,
  purpose = 'order',
): readonly (readonly number[])[] {
  const rowOrder = permutation(seed, `${purpose}.rows.${epoch}`, lengthsTokens.length)
  const microBatches = Math.ceil(lengthsTokens.length / microRows)
  const poolMicroBatches = Math.min(largestPoolMicroBatches, Math.max(1, Math.floor(microBatches / 4)))
  const poolRows = poolMicroBatches * microRows
  const batches = cut([...rowOrder], poolRows).flatMap((pool) =>
    cut(
      pool.sort((a, b) => lengthsTokens[a]! - lengthsTokens[b]!),
      microRows,
    ),
  )
  return [...permutation(seed, `${purpose}.batches.${epoch}`, batches.length)].map((index) => batches[index]!)
}

/** Fixed micro-batches for measuring: shortest rows first, the same at every measurement. */
export function microBatchesByLength(
  lengthsTokens: ArrayLike<number>,
  microRows: number,
): readonly (readonly number[])[] {
  const rows = Array.from({ length: lengthsTokens.length }, (_, index) => index)
  rows.sort((a, b) => lengthsTokens[a]! - lengthsTokens[b]! || a - b)
  return cut(rows, microRows)
}
