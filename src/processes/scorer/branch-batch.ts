// From laid-out rows to the feeds of a scoring graph with a mask, and from its losses back to rows and branches.
import { type BranchedRow, sees } from '#core/proof/label-layout.ts'
import type { Tensor } from '#engine/index.ts'
import { lossChunkFeeds, lossesOf } from '#engine/train/loss-chunks.ts'

/** Added to the score of a place that must not be seen: exp of it is 0 in float32, and sums of it stay finite. */
const hidden = -1e9

/** Pads on the right to the longest row. A padding place sees itself only and is never predicted from. */
export function makeBranchBatch(rows: readonly BranchedRow[], lossChunks: number) {
  const length = rows.reduce((longest, row) => Math.max(longest, row.ids.length), 1)
  const ids = new BigInt64Array(rows.length * length)
  const positions = new BigInt64Array(rows.length * length)
  const mask = new Float32Array(rows.length * length * length).fill(hidden)
  const places: number[] = []
  const targets: number[] = []
  const owners: { row: number; branch: number }[] = []
  for (const [b, row] of rows.entries()) {
    for (let q = 0; q < length; q += 1) {
      const at = (b * length + q) * length
      mask[at + q] = 0
      if (q >= row.ids.length) continue
      ids[b * length + q] = BigInt(row.ids[q]!)
      positions[b * length + q] = BigInt(row.positions[q]!)
      for (let k = 0; k < q; k += 1) if (sees(row, q, k)) mask[at + k] = 0
    }
    for (const { place, target, branch } of row.targets) {
      places.push(b * length + place)
      targets.push(target)
      owners.push({ row: b, branch })
    }
  }
  const shape = [rows.length, length]
  const feeds = new Map<string, Tensor>([
    ['ids', { dtype: 'int64', shape, data: ids }],
    ['positions', { dtype: 'int64', shape, data: positions }],
    ['mask', { dtype: 'float32', shape: [rows.length, length, length], data: mask }],
    ...lossChunkFeeds(places, targets, lossChunks),
  ])
  return { feeds, owners }
}

/** Sum of nats for every row and branch of the batch, in float64. */
export function sumByBranch(
  batch: { readonly owners: readonly { readonly row: number; readonly branch: number }[] },
  rows: readonly Pick<BranchedRow, 'answerTokens'>[],
  outputs: ReadonlyMap<string, Tensor>,
  lossChunks: number,
): number[][] {
  const sums = rows.map((row) => row.answerTokens.map(() => 0))
  let owner = 0
  for (const loss of lossesOf(outputs, lossChunks)) {
    const to = batch.owners[owner]
    if (!to) break
    sums[to.row]![to.branch]! += loss
    owner += 1
  }
  return sums
}
