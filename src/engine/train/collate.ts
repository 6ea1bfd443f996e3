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
export interface TokenRow {
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

export interface EncodedRow extends TokenRow {
  readonly rowId: string
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
  /**
   * Of a packed decoder: what all rows of a batch begin with lies once before them, as segment 0, for graphs with
   * `sharesStart`; the rows are numbered from 1. Losses and gradients are the same, to rounding.
   */
  readonly sharesStart?: boolean
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
  /** First tokens of every row that lie at the first places, once for all; 0 where nothing is shared. */
  readonly sharedTokens: number
  /** Place (index into the B*S positions) of the first token of each row that is not shared. */
  readonly starts: readonly number[]
  /** Tokens of each row, shared ones included. */
  readonly lengths: readonly number[]
  /** Tokens without padding. */
  readonly tokens: number
  /** Predictions that are trained on. */
  readonly labelledTokens: number
}

type Asks = Collation['asks']

/** A causal model predicts token t from the tokens before it, so the label of a first token is never used. */
const firstAsked = (asks: Asks): number => (asks === 'next-token' ? 1 : 0)

export function countLabelled({ labels }: Pick<TokenRow, 'labels'>, asks: Asks = 'next-token'): number {
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

/** As many tokens as all these rows begin with alike, none of them labelled and none a row's last. */
export function commonStart(rows: readonly TokenRow[], asks: Asks): number {
  const [first] = rows
  if (!first) return 0
  const offset = firstAsked(asks)
  return rows.reduce((shared, { ids, labels }) => {
    const most = Math.min(shared, ids.length - 1)
    // The place that predicts a label is a row's own.
    const isShared = (t: number): boolean =>
      ids[t] === first.ids[t] && (labels[t + offset] ?? ignoredLabel) === ignoredLabel
    let same = 0
    while (same < most && isShared(same)) same += 1
    return same
  }, first.ids.length)
}

/** Tokens in common, fewer of which are not worth an attention that looks for them. */
const worthSharing = 8

/**
 * Whether at least half of the rows, and more than one, begin with the same tokens: it is worth a graph that shares a start.
 * A batch with a row that begins otherwise is laid out whole, the others share.
 */
export function mostBeginAlike(rows: readonly EncodedRow[], asks: Asks): boolean {
  const counts = new Map<string, number>()
  for (const row of rows) {
    if (commonStart([row], asks) < worthSharing) continue
    const start = Array.from({ length: worthSharing }, (_, t) => row.ids[t]).join()
    counts.set(start, (counts.get(start) ?? 0) + 1)
  }
  const most = Math.max(0, ...counts.values())
  return most > 1 && 2 * most >= rows.length
}

/** A start shorter than this is computed for each row: there is nothing to save. */
const shortestShared = 4

function layOut(
  rows: readonly TokenRow[],
  { layout, sharesStart, asks }: Collation,
): Pick<MicroBatch, 'shape' | 'starts' | 'sharedTokens'> {
  if (layout === 'padded') {
    const length = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 1)
    return { shape: [rows.length, length], starts: rows.map((_, b) => b * length), sharedTokens: 0 }
  }
  const common = sharesStart && rows.length > 1 ? commonStart(rows, asks) : 0
  const sharedTokens = common < shortestShared ? 0 : common
  let length = sharedTokens
  const starts = rows.map((row) => {
    const own = row.ids.length - sharedTokens
    length += own
    return length - own
  })
  return { shape: [1, Math.max(1, length)], starts, sharedTokens }
}

/**
 * Padding of a causal model needs no segments: no real token sees what stands behind it, and padding is not labelled.
 */
export function collate(rows: readonly TokenRow[], collation: Collation): MicroBatch {
  const { asks, layout, firstPosition, halves } = collation
  if (halves) return collatePairs(rows, halves, collation.lossChunks)
  const { shape, starts, sharedTokens } = layOut(rows, collation)
  const ids = new BigInt64Array(shape[0] * shape[1])
  const positions = new BigInt64Array(ids.length)
  const segments = new BigInt64Array(ids.length).fill(1n)
  const places: number[] = []
  const targets: number[] = []
  let tokens = 0
  for (let t = 0; t < sharedTokens; t += 1) {
    ids[t] = BigInt(rows[0]!.ids[t]!)
    positions[t] = BigInt(t + firstPosition)
    segments[t] = 0n
  }
  for (const [b, { ids: tokenIds, labels }] of rows.entries()) {
    // Where the row's first token would lie if none were shared.
    const start = starts[b]! - sharedTokens
    const end = layout === 'padded' ? start + shape[1] : start + tokenIds.length
    for (let place = starts[b]!; place < end; place += 1)
      positions[place] = BigInt(place - start + firstPosition)
    for (let t = sharedTokens; t < tokenIds.length; t += 1) {
      ids[start + t] = BigInt(tokenIds[t]!)
      segments[start + t] = layout === 'padded' ? 0n : BigInt(b + 1)
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
  return { feeds, shape, sharedTokens, starts, lengths, tokens, labelledTokens: places.length }
}

/**
 * Numbers of each row's tokens, [tokens,C] row by row, at their places in one float32 [B,S,C]; 0 on padding. What is
 * shared is the first row's.
 */
export function placeRows(
  { shape, starts, sharedTokens }: Pick<MicroBatch, 'shape' | 'starts' | 'sharedTokens'>,
  width: number,
  numbersOf: readonly Float32Array[],
): Tensor {
  const data = new Float32Array(shape[0] * shape[1] * width)
  const shared = sharedTokens * width
  data.set(numbersOf[0]?.subarray(0, shared) ?? [])
  for (const [b, numbers] of numbersOf.entries()) data.set(numbers.subarray(shared), starts[b]! * width)
  return { dtype: 'float32', shape: [...shape, width], data }
}

/** The other way round: [tokens,C] of one row, shared tokens included, out of what a graph gives for the batch. */
export function rowOf(
  { starts, lengths, sharedTokens }: Pick<MicroBatch, 'starts' | 'lengths' | 'sharedTokens'>,
  width: number,
  data: Float32Array,
  row: number,
): Float32Array {
  const numbers = new Float32Array(lengths[row]! * width)
  numbers.set(data.subarray(0, sharedTokens * width))
  const own = data.subarray(starts[row]! * width, (starts[row]! + lengths[row]! - sharedTokens) * width)
  numbers.set(own, sharedTokens * width)
  return numbers
}
