// From tokenised rows to what a training or scoring graph is fed: rows beside each other with padding, or one behind the
// other without; positions, segments and the labelled places only.
import { ignoredLabel } from '#shared/labels.ts'
import type { Tensor } from '../backend-port.ts'
import { poolingFeed } from '../graphs/pooling.ts'
import { lossChunkFeeds } from './loss-chunks.ts'
import { collatePairs, type TwoHalves } from './source-target.ts'

/**
 * A row after tokenising; all lists are of one length. What `labels[t]` means is the collation's `asks`: the token
 * `ids[t]` itself where the answer is trained on, or the class of place t; -100 where nothing is asked.
 */
export interface EncodedRow {
  readonly rowId: string
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

export interface Collation {
  /** Chunks of the cross-entropy, as the graph was built. */
  readonly lossChunks: number
  /** 'next-token': the label of place t is predicted at place t-1. 'class': at place t itself. */
  readonly asks: 'next-token' | 'class'
  /** 'packed': all rows in one, each a segment of its own, no padding. */
  readonly layout: 'padded' | 'packed'
  /** Feeds 'segments': packed graphs and encoders need them. A padded row's padding has the segment 1. */
  readonly hasSegments: boolean
  /** Feeds 'types', all 0: BERT's token types of a single text. */
  readonly hasTypes: boolean
  /** Feeds 'pooling': a text is the mean of its tokens' states. Rows lie beside each other then. */
  readonly hasPooling?: boolean
  /** Position of a row's first token (RoBERTa begins behind its padding token's). */
  readonly firstPosition: number
  /** Of a sequence-to-sequence model, whose rows are a source and a target beside each other (source-target.ts). */
  readonly halves?: TwoHalves | null
}

/** What a decoder that predicts tokens needs. */
export const causalCollation = (lossChunks: number): Collation => ({
  lossChunks,
  asks: 'next-token',
  layout: 'padded',
  hasSegments: false,
  hasTypes: false,
  firstPosition: 0,
})

export interface MicroBatch {
  /** 'ids', 'positions' [B,S], 'segments' and 'types' where asked; 'rows.i', 'targets.i', 'weights.i' of each chunk. */
  readonly feeds: ReadonlyMap<string, Tensor>
  /** [B,S] */
  readonly shape: readonly [rows: number, positions: number]
  /** Place (index into the B*S positions) of each row's first token. */
  readonly starts: readonly number[]
  /** Tokens of each row that lie there. */
  readonly lengths: readonly number[]
  /** Tokens without padding. */
  readonly tokens: number
  /** Predictions that are trained on. */
  readonly labelledTokens: number
}

type Asks = Collation['asks']

/** A causal model predicts token t from the tokens before it, so the label of a first token is never used. */
const firstAsked = (asks: Asks): number => (asks === 'next-token' ? 1 : 0)

export function countLabelled({ labels }: EncodedRow, asks: Asks = 'next-token'): number {
  let labelled = 0
  for (let t = firstAsked(asks); t < labels.length; t += 1) if (labels[t] !== ignoredLabel) labelled += 1
  return labelled
}

/** The most labelled tokens that `microRows` of these rows can have together. */
export function mostLabelledTokens(
  rows: readonly EncodedRow[],
  microRows: number,
  asks: Asks = 'next-token',
): number {
  const counts = rows.map((row) => countLabelled(row, asks)).sort((a, b) => b - a)
  return counts.slice(0, microRows).reduce((sum, count) => sum + count, 0)
}

function layOut(
  rows: readonly EncodedRow[],
  layout: Collation['layout'],
): Pick<MicroBatch, 'shape' | 'starts'> {
  if (layout === 'padded') {
    const length = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 1)
    return { shape: [rows.length, length], starts: rows.map((_, b) => b * length) }
  }
  let length = 0
  const starts = rows.map((row) => {
    length += row.ids.length
    return length - row.ids.length
  })
  return { shape: [1, Math.max(1, length)], starts }
}

/**
 * Padding of a causal model needs no segments: no real token sees what stands behind it, and padding is not labelled.
 */
export function collate(rows: readonly EncodedRow[], collation: Collation): MicroBatch {
  const { asks, layout, firstPosition, halves } = collation
  if (halves) return collatePairs(rows, halves, collation.lossChunks)
  const { shape, starts } = layOut(rows, layout)
  const ids = new BigInt64Array(shape[0] * shape[1])
  const positions = new BigInt64Array(ids.length)
  const segments = new BigInt64Array(ids.length).fill(1n)
  const places: number[] = []
  const targets: number[] = []
  let tokens = 0
  for (const [b, { ids: tokenIds, labels }] of rows.entries()) {
    const start = starts[b]!
    const end = layout === 'padded' ? start + shape[1] : start + tokenIds.length
    for (let place = start; place < end; place += 1) positions[place] = BigInt(place - start + firstPosition)
    for (let t = 0; t < tokenIds.length; t += 1) {
      ids[start + t] = BigInt(tokenIds[t]!)
      segments[start + t] = layout === 'padded' ? 0n : BigInt(b)
      if (t < firstAsked(asks) || labels[t] === ignoredLabel) continue
      places.push(start + t - firstAsked(asks))
      targets.push(labels[t]!)
    }
    tokens += tokenIds.length
  }
  const lengths = rows.map((row) => row.ids.length)
  const whole = (data: BigInt64Array): Tensor => ({ dtype: 'int64', shape, data })
  const feeds = new Map<string, Tensor>([
    ['ids', whole(ids)],
    ['positions', whole(positions)],
    ...lossChunkFeeds(places, targets, collation.lossChunks),
  ])
  if (collation.hasSegments) feeds.set('segments', whole(segments))
  if (collation.hasPooling && layout === 'padded') {
    feeds.set('pooling', poolingFeed('mean', lengths, shape[1]))
  }
  if (collation.hasTypes) feeds.set('types', whole(new BigInt64Array(ids.length)))
  return { feeds, shape, starts, lengths, tokens, labelledTokens: places.length }
}

/** Numbers of each row's tokens, [tokens,C] row by row, at their places in one float32 [B,S,C]; 0 on padding. */
export function placeRows(
  { shape, starts }: Pick<MicroBatch, 'shape' | 'starts'>,
  width: number,
  numbersOf: readonly Float32Array[],
): Tensor {
  const data = new Float32Array(shape[0] * shape[1] * width)
  for (const [b, numbers] of numbersOf.entries()) data.set(numbers, starts[b]! * width)
  return { dtype: 'float32', shape: [...shape, width], data }
}
