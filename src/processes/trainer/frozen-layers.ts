// What the frozen blocks below the trained ones make of rows: computed once and kept on disk (core/training/frozen-cache),
// so that later passes and later runs read it. Rows that the disk does not keep are computed each time.
import type { FrozenCache } from '#core/training/frozen-cache.ts'
import type { Session, Tensor } from '#engine/index.ts'
import {
  type Collation,
  collate,
  type EncodedRow,
  type MicroBatch,
  placeRows,
  rowOf,
} from '#engine/train/collate.ts'
import { isReduced } from './labelled-rows.ts'
import type { ReuseTally } from './reuse-tally.ts'

export interface FrozenLayers {
  /** 'hidden' float32 [B,S,C] of the rows as they lie in the batch. */
  hiddenStates(rows: readonly EncodedRow[], batch: MicroBatch): Promise<Tensor>
  /** Rows that were read and rows that were computed. */
  readonly counts: { read: number; computed: number }
}

export interface FrozenLayersParts {
  /** Runs a graph of `buildPrefixGraph` that takes packed rows. */
  readonly session: Pick<Session, 'run'>
  readonly cache: FrozenCache
  /** C */
  readonly width: number
  /** How training is fed; the frozen blocks are fed the same tokens, packed. */
  readonly collation: Collation
  /** Where it is counted what was found; left out, nowhere. */
  readonly tally?: ReuseTally
}

const wholeOf = (row: EncodedRow): EncodedRow => (isReduced(row) ? row.whole : row)

/** Of a reduced row fewer numbers are kept than of the whole one, under a key that no whole one has. */
const keyOf = (row: EncodedRow): ArrayLike<number> =>
  isReduced(row) ? [...Array.from(row.whole.ids), ...row.mark] : row.ids

export function createFrozenLayers({
  session,
  cache,
  width,
  collation,
  tally,
}: FrozenLayersParts): FrozenLayers {
  const counts = { read: 0, computed: 0 }

  async function compute(rows: readonly EncodedRow[]): Promise<Float32Array[]> {
    const batch = collate(rows.map(wholeOf), {
      ...collation,
      layout: 'packed',
      hasSegments: true,
    })
    const hidden = (await session.run(batch.feeds)).get('hidden')?.data
    if (!(hidden instanceof Float32Array)) throw new Error('the graph returned no hidden')
    return rows.map((row, index) => {
      const states = rowOf(batch, width, hidden, index)
      return isReduced(row) ? row.reduce(states, width) : states
    })
  }

  /** Of each row only the first time says whether an earlier run computed it. */
  function count(rows: readonly EncodedRow[], isMissing: (row: number) => boolean): void {
    if (tally === undefined) return
    for (const [index, row] of rows.entries()) {
      if (tally.metRows.has(row)) continue
      tally.metRows.add(row)
      if (isMissing(index)) tally.frozenRowsComputed += 1
      else tally.frozenRowsReused += 1
    }
  }

  return {
    counts,
    async hiddenStates(rows, batch) {
      const keys = rows.map(keyOf)
      const read = (row: number): Float32Array | null => cache.read(keys[row]!, rows[row]!.labels.length)
      const numbers = rows.map((_, row) => read(row))
      const missing = rows.map((_, row) => row).filter((row) => numbers[row] === null)
      counts.read += rows.length - missing.length
      counts.computed += missing.length
      count(rows, (row) => missing.includes(row))
      if (missing.length > 0) {
        const startMs = performance.now()
        const computed = await compute(missing.map((row) => rows[row]!))
        for (const [index, row] of missing.entries()) {
          cache.write(keys[row]!, computed[index]!)
          // What is kept is what later passes see: the first pass sees it too, so that all passes are alike.
          numbers[row] = read(row) ?? computed[index]!
        }
        if (tally) tally.frozenMs += performance.now() - startMs
      }
      return placeRows(batch, width, numbers as Float32Array[])
    },
  }
}
