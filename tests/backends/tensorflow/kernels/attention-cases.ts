// What attention.test.ts tries: every way of hiding keys, groups, widths, and lengths around a block of queries.
import type { AttentionCase } from './attention-case.ts'

const small = { heads: 6, keyHeads: 2, width: 32 }

/** Documents of such lengths again and again until the row is full; what is left is the padding. */
const packed =
  (length: number, ...documents: readonly number[]) =>
  (row: number): readonly number[] => {
    const found: number[] = []
    for (let left = length, i = row; left > 0; i += 1) {
      found.push(Math.min(left, documents[i % documents.length]!))
      left -= found.at(-1)!
    }
    return found
  }

const lengths: readonly AttentionCase[] = [1, 2, 17, 35, 36, 37, 130, 300].flatMap((length) => [
  { ...small, length, rows: 2 },
  { ...small, length, rows: 2, causal: false },
])

const shapes: readonly AttentionCase[] = [
  ...[16, 32, 48, 64, 80, 96, 128, 256].map((width) => ({ heads: 3, keyHeads: 1, width, length: 67 })),
  ...[1, 3, 4, 7, 50].map((heads) => ({ heads, keyHeads: 1, width: 16, length: 67, causal: false })),
  { heads: 4, keyHeads: 4, width: 64, length: 130 },
  { heads: 9, keyHeads: 3, width: 64, length: 130, rows: 3 },
]

const windows: readonly AttentionCase[] = [1, 5, 36, 129, 1000, 2 ** 31 - 1].flatMap((window) => [
  { ...small, length: 130, window },
  { ...small, length: 130, window, causal: false },
])

const documents: readonly AttentionCase[] = [
  { ...small, length: 130, rows: 3, documents: packed(130, 60, 1, 17) },
  { ...small, length: 130, rows: 3, documents: packed(130, 60, 1, 17), causal: false },
  { ...small, length: 300, rows: 2, documents: packed(300, 150, 40), window: 20 },
  { ...small, length: 300, rows: 2, documents: packed(300, 150, 40), window: 20, causal: false },
  { ...small, length: 130, documents: () => Array<number>(130).fill(1) },
  { ...small, length: 130, documents: () => [130] },
]

const withStart: readonly AttentionCase[] = [
  { ...small, length: 130, rows: 2, documents: (row) => [20, 30, 5, 40 + row, 35 - row] },
  { ...small, length: 400, documents: () => [150, 130, 1, 119] },
  { ...small, length: 37, documents: () => [37] },
  { ...small, length: 37, documents: () => [1, 36] },
]
const sharedStarts = withStart.map((one) => ({ ...one, sharesStart: true }))

/** Scores hundreds apart: most weights are 0. */
const sharp: readonly AttentionCase[] = [{ ...small, length: 300, factor: 60 }]

export const attentionCases = [...lengths, ...shapes, ...windows, ...documents, ...sharedStarts, ...sharp]

/** Few rows and key heads, so that gradients of keys are sums of several parts, and more. */
export const casesForBits: readonly AttentionCase[] = [
  { heads: 9, keyHeads: 3, width: 64, length: 500 },
  { heads: 3, keyHeads: 1, width: 64, length: 500, causal: false, rows: 2 },
  { heads: 3, keyHeads: 1, width: 32, length: 700, documents: packed(700, 60, 200, 3) },
  { heads: 3, keyHeads: 1, width: 32, length: 400, documents: () => [150, 130, 1, 119], sharesStart: true },
]

export function nameOf(one: AttentionCase): string {
  const { rows = 1, length, heads, keyHeads, width, causal = true, window, sharesStart, factor } = one
  const parts = [
    `${rows}x${length}, ${heads}/${keyHeads} heads of ${width}`,
    causal ? 'causal' : 'both ways',
    window === undefined ? '' : `window ${window}`,
    one.documents ? `documents ${[...new Set(one.documents(0))].slice(0, 4).join(' ')}` : '',
    sharesStart ? 'shared start' : '',
    factor === undefined ? '' : 'sharp',
  ]
  return parts.filter((part) => part !== '').join(', ')
}
