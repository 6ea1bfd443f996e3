// From tokenised rows to what a training or scoring graph is fed: right padding, positions, and the labelled places only.
import type { Tensor } from '../backend-port.ts'

/** A label that is not trained on: the prompt, padding. */
export const unlabelled = -100

/** A row after tokenising: `labels[t]` is `ids[t]` where the answer is trained on, else -100. Equal lengths. */
export interface EncodedRow {
  readonly rowId: string
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

export interface MicroBatch {
  /** 'ids', 'positions' [B,S]; 'rows.i', 'targets.i', 'weights.i' [L] for each of the loss chunks. */
  readonly feeds: ReadonlyMap<string, Tensor>
  /** Tokens without padding. */
  readonly tokens: number
  /** Predictions that are trained on: labels other than -100 at position 1 and later. */
  readonly labelledTokens: number
}

/** A causal model predicts token t from the tokens before it, so the label of the first token is never used. */
export function countLabelled(row: EncodedRow): number {
  let labelled = 0
  for (let t = 1; t < row.labels.length; t += 1) if (row.labels[t] !== unlabelled) labelled += 1
  return labelled
}

/** The most labelled tokens that `microRows` of these rows can have together. */
export function mostLabelledTokens(rows: readonly EncodedRow[], microRows: number): number {
  const counts = rows.map(countLabelled).sort((a, b) => b - a)
  return counts.slice(0, microRows).reduce((sum, count) => sum + count, 0)
}

/** Logits of one chunk stay below this; the head is computed chunk by chunk (docs/engine.md). */
const chunkLimitBytes = 48_000_000

/** Chunks so that rows x vocabulary x 4 bytes of logits stay under about 48 MB each; at least 1. */
export function chooseLossChunks(maxLabelled: number, vocabulary: number): number {
  const rowsPerChunk = Math.max(1, Math.floor(chunkLimitBytes / (4 * vocabulary)))
  return Math.max(1, Math.ceil(maxLabelled / rowsPerChunk))
}

/**
 * Pads rows on the right to the longest. Padding needs no mask: attention is causal, so no real token sees it, and it
 * is not labelled. Labelled places are split into `lossChunks` chunks of equal size L >= 1; the last is filled up with
 * weight 0.
 */
export function collate(rows: readonly EncodedRow[], lossChunks: number): MicroBatch {
  const length = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 1)
  const ids = new BigInt64Array(rows.length * length)
  const positions = new BigInt64Array(rows.length * length)
  const places: number[] = []
  const targets: number[] = []
  let tokens = 0
  for (const [b, row] of rows.entries()) {
    for (let t = 0; t < length; t += 1) positions[b * length + t] = BigInt(t)
    for (let t = 0; t < row.ids.length; t += 1) {
      ids[b * length + t] = BigInt(row.ids[t]!)
      if (t === 0 || row.labels[t] === unlabelled) continue
      places.push(b * length + t - 1)
      targets.push(row.ids[t]!)
    }
    tokens += row.ids.length
  }
  const shape = [rows.length, length]
  const feeds = new Map<string, Tensor>([
    ['ids', { dtype: 'int64', shape, data: ids }],
    ['positions', { dtype: 'int64', shape, data: positions }],
  ])
  addChunks(feeds, places, targets, lossChunks)
  return { feeds, tokens, labelledTokens: places.length }
}

function addChunks(
  feeds: Map<string, Tensor>,
  places: number[],
  targets: number[],
  lossChunks: number,
): void {
  const size = Math.max(1, Math.ceil(places.length / lossChunks))
  for (let chunk = 0; chunk < lossChunks; chunk += 1) {
    const rows = new BigInt64Array(size)
    const wanted = new BigInt64Array(size)
    const weights = new Float32Array(size)
    for (let i = 0; i < size; i += 1) {
      const from = chunk * size + i
      if (from >= places.length) break
      rows[i] = BigInt(places[from]!)
      wanted[i] = BigInt(targets[from]!)
      weights[i] = 1
    }
    feeds.set(`rows.${chunk}`, { dtype: 'int64', shape: [size], data: rows })
    feeds.set(`targets.${chunk}`, { dtype: 'int64', shape: [size], data: wanted })
    feeds.set(`weights.${chunk}`, { dtype: 'float32', shape: [size], data: weights })
  }
}
