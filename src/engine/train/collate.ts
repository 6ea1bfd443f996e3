// From tokenised rows to what a training or scoring graph is fed: right padding, positions, and the labelled places only.
import { ignoredLabel } from '#shared/labels.ts'
import type { Tensor } from '../backend-port.ts'
import { lossChunkFeeds } from './loss-chunks.ts'

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
  for (let t = 1; t < row.labels.length; t += 1) if (row.labels[t] !== ignoredLabel) labelled += 1
  return labelled
}

/** Where the answer begins: the first labelled position; the row's length where none is labelled. */
export function firstLabelled({ labels }: EncodedRow): number {
  let t = 0
  while (t < labels.length && labels[t] === ignoredLabel) t += 1
  return t
}

/** The most labelled tokens that `microRows` of these rows can have together. */
export function mostLabelledTokens(rows: readonly EncodedRow[], microRows: number): number {
  const counts = rows.map(countLabelled).sort((a, b) => b - a)
  return counts.slice(0, microRows).reduce((sum, count) => sum + count, 0)
}

/**
 * Pads rows on the right to the longest. Padding needs no mask: attention is causal, so no real token sees it, and it
 * is not labelled.
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
      if (t === 0 || row.labels[t] === ignoredLabel) continue
      places.push(b * length + t - 1)
      targets.push(row.ids[t]!)
    }
    tokens += row.ids.length
  }
  const shape = [rows.length, length]
  const feeds = new Map<string, Tensor>([
    ['ids', { dtype: 'int64', shape, data: ids }],
    ['positions', { dtype: 'int64', shape, data: positions }],
    ...lossChunkFeeds(places, targets, lossChunks),
  ])
  return { feeds, tokens, labelledTokens: places.length }
}
