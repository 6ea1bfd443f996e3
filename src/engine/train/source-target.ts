// Rows of a sequence-to-sequence model: a source that the encoder reads and behind it, from the first label on, a target
// that the decoder writes. As feeds they are two grids of their own, each padded on the right.
import { ignoredLabel } from '#shared/labels.ts'
import type { Tensor } from '../backend-port.ts'
import type { ModelConfig, RelativePositions } from '../models/config.ts'
import { relativeBuckets } from '../models/relative-positions.ts'
import { lossChunkFeeds } from './loss-chunks.ts'

/** What of a model decides how its two halves are fed. */
export interface TwoHalves {
  /** The token that the decoder's input begins with. */
  readonly startToken: number
  readonly relativePositions: RelativePositions
}

/** Null of a model of one stack. */
export function twoHalvesOf({
  decoderStart,
  relativePositions,
}: Pick<ModelConfig, 'decoderStart' | 'relativePositions'>): TwoHalves | null {
  if (decoderStart === null || relativePositions === null) return null
  return { startToken: decoderStart, relativePositions }
}

interface Tokens {
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

/** Where the answer begins: the first labelled position; the row's length where none is labelled. */
export function firstLabelled({ labels }: Pick<Tokens, 'labels'>): number {
  let t = 0
  while (t < labels.length && labels[t] === ignoredLabel) t += 1
  return t
}

const grid = (rows: readonly ArrayLike<number>[], filling: bigint): Tensor => {
  const width = rows.reduce((longest, row) => Math.max(longest, row.length), 1)
  const data = new BigInt64Array(rows.length * width).fill(filling)
  for (const [b, row] of rows.entries())
    for (let at = 0; at < row.length; at += 1) data[b * width + at] = BigInt(row[at]!)
  return { dtype: 'int64', shape: [rows.length, width], data }
}

const square = (positions: RelativePositions, side: 'encoder' | 'decoder', length: number): Tensor => ({
  dtype: 'int64',
  shape: [length, length],
  data: relativeBuckets(positions, side, length),
})

/** int64 [B,S]: 0, and 1 on padding. */
export const segmentsOf = (sources: readonly ArrayLike<number>[]): Tensor =>
  grid(
    sources.map(({ length }) => new Int32Array(length)),
    1n,
  )

/** 'ids', 'segments' [B,S] (1 on padding) and 'buckets' [S,S] of the encoder. */
export function sourceFeeds(
  sources: readonly ArrayLike<number>[],
  { relativePositions }: TwoHalves,
): Map<string, Tensor> {
  const ids = grid(sources, 0n)
  return new Map([
    ['ids', ids],
    ['segments', segmentsOf(sources)],
    ['buckets', square(relativePositions, 'encoder', ids.shape[1]!)],
  ])
}

/**
 * 'decoder.ids', 'decoder.segments' [B,T] and 'decoder.buckets' [T,T] of what stands behind the start token. Padding is of
 * the text's own segment: nothing sees what stands behind it, and it must see something itself.
 */
export function targetFeeds(
  targets: readonly (readonly number[])[],
  { relativePositions, startToken }: TwoHalves,
): Map<string, Tensor> {
  const ids = grid(
    targets.map((target) => [startToken, ...target]),
    0n,
  )
  const { shape, data } = ids
  return new Map<string, Tensor>([
    ['decoder.ids', ids],
    ['decoder.segments', { dtype: 'int64', shape, data: new BigInt64Array(data.length) }],
    ['decoder.buckets', square(relativePositions, 'decoder', shape[1]!)],
  ])
}

/** A micro-batch: the decoder reads the target one place later, and predicts at each place the token that stands there. */
export function collatePairs(rows: readonly Tokens[], halves: TwoHalves, lossChunks: number) {
  const sources: number[][] = []
  const read: number[][] = []
  const labelled: { readonly row: number; readonly at: number; readonly target: number }[] = []
  let tokens = 0
  for (const [row, { ids, labels }] of rows.entries()) {
    const source = firstLabelled({ labels })
    const all = Array.from(ids)
    sources.push(all.slice(0, source))
    read.push(all.slice(source, -1))
    tokens += all.length
    for (let t = source; t < labels.length; t += 1)
      if (labels[t] !== ignoredLabel) labelled.push({ row, at: t - source, target: labels[t]! })
  }
  const encoder = sourceFeeds(sources, halves)
  const decoder = targetFeeds(read, halves)
  const positions = encoder.get('ids')!.shape[1]!
  const width = decoder.get('decoder.ids')!.shape[1]!
  const places = labelled.map(({ row, at }) => row * width + at)
  const targets = labelled.map(({ target }) => target)
  return {
    feeds: new Map([...encoder, ...decoder, ...lossChunkFeeds(places, targets, lossChunks)]),
    shape: [rows.length, positions] as const,
    sharedTokens: 0,
    starts: rows.map((_, row) => row * positions),
    lengths: sources.map(({ length }) => length),
    tokens,
    labelledTokens: labelled.length,
  }
}

/** A source with answers that are asked of it; an answer's last token is predicted only. */
export interface SharedSource {
  readonly source: ArrayLike<number>
  readonly answers: readonly (readonly number[])[]
}

/**
 * Rows for a graph with `isPacked`: each source once, its answers one behind the other, each behind a start token of its
 * own and seeing itself only; distances within it are those of the answer alone. Losses come by rows, answers and tokens.
 */
export function collateSharedSources(
  rows: readonly SharedSource[],
  halves: TwoHalves,
  lossChunks: number,
): Map<string, Tensor> {
  const read = rows.map(({ answers }) => answers.map((answer) => [halves.startToken, ...answer.slice(0, -1)]))
  const mostAnswers = read.reduce((most, { length }) => Math.max(most, length), 0)
  const documents = grid(
    read.map((answers) => answers.flatMap((answer, n) => answer.map(() => n))),
    // What pads is a document behind all others.
    BigInt(mostAnswers),
  )
  const width = documents.shape[1]!
  const places = read.flatMap((answers, row) => {
    let next = row * width
    return answers.flatMap((answer, n) => {
      const start = next
      next += answer.length
      return rows[row]!.answers[n]!.map((_, at) => start + at)
    })
  })
  return new Map([
    ...sourceFeeds(
      rows.map(({ source }) => source),
      halves,
    ),
    ...targetFeeds(
      read.map((answers) => answers.flat().slice(1)),
      halves,
    ),
    ['decoder.documents', documents],
    ...lossChunkFeeds(
      places,
      rows.flatMap(({ answers }) => answers.flat()),
      lossChunks,
    ),
  ])
}
