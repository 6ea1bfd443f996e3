// Rows of random tokens of one length, as a measurement reads them: the same on every device.
import { counterRandom } from '#engine/index.ts'
import type { EncodedRow } from '#engine/train/collate.ts'
import { ignoredLabel } from '#shared/labels.ts'

export interface RowsShape {
  readonly rows: number
  readonly tokensPerRow: number
  /** The end of every row, as answers are. */
  readonly labelledShare: number
}

export function randomRows(
  { rows, tokensPerRow, labelledShare }: RowsShape,
  vocabulary: number,
): EncodedRow[] {
  const random = counterRandom(3, 'tokens')
  const unlabelled = tokensPerRow - Math.max(1, Math.round(tokensPerRow * labelledShare))
  return Array.from({ length: rows }, (_, row) => {
    const ids = Array.from({ length: tokensPerRow }, (_, t) =>
      Math.floor(random(row * tokensPerRow + t) * vocabulary),
    )
    return { rowId: String(row), ids, labels: ids.map((id, t) => (t < unlabelled ? ignoredLabel : id)) }
  })
}
