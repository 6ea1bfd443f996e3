// From rows of answers behind one prompt to the feeds of a scoring graph with `sharesStart`, and from the losses of any
// scoring graph back to rows and answers.
import type { BranchedRow } from '#core/proof/label-layout.ts'
import type { Tensor } from '#engine/index.ts'
import { lossChunkFeeds, lossesOf } from '#engine/train/loss-chunks.ts'

/**
 * 'ids', 'positions', 'segments' [B,S] and the chunks of rows whose prompts are of one length. Padding on the right is a
 * document behind all answers.
 */
export function branchFeeds(rows: readonly BranchedRow[], lossChunks: number): Map<string, Tensor> {
  const length = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 1)
  const mostAnswers = rows.reduce((most, row) => Math.max(most, row.answerTokens.length), 0)
  const grid = (numbersOf: (row: BranchedRow) => Int32Array, filling: number): Tensor => {
    const data = new BigInt64Array(rows.length * length).fill(BigInt(filling))
    for (const [b, row] of rows.entries())
      for (const [at, value] of numbersOf(row).entries()) data[b * length + at] = BigInt(value)
    return { dtype: 'int64', shape: [rows.length, length], data }
  }
  const places = rows.flatMap(({ targets }, b) => targets.map(({ place }) => b * length + place))
  const asked = rows.flatMap(({ targets }) => targets.map(({ target }) => target))
  return new Map([
    ['ids', grid((row) => row.ids, 0)],
    ['positions', grid((row) => row.positions, 0)],
    ['segments', grid((row) => row.segments, mostAnswers + 1)],
    ...lossChunkFeeds(places, asked, lossChunks),
  ])
}

/** Sum of nats for every row and answer of a batch, in float64; losses come row by row, answer by answer. */
export function sumByAnswer(
  rows: readonly { readonly answerTokens: readonly number[] }[],
  outputs: ReadonlyMap<string, Tensor>,
  lossChunks: number,
): number[][] {
  const losses = lossesOf(outputs, lossChunks)
  const sumOf = (tokens: number): number => {
    let sum = 0
    for (let t = 0; t < tokens; t += 1) sum += losses.next().value ?? Number.NaN
    return sum
  }
  return rows.map(({ answerTokens }) => answerTokens.map(sumOf))
}
