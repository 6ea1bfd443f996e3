// How many queries of an attention are computed at once, for the backend that cuts them and for the plan of a run's memory.
// The backend counts of a window only the keys in it, so its blocks can be longer there than the plan takes them for.

/**
 * Rows of one product, queries times heads that share a key head: enough to be worth the copies of the keys that each
 * block makes, and few, so that little is computed that causality hides. Measured: docs/backends.md.
 */
const rowsOfProduct = 384
const mostQueriesOfBlock = 128
export const fewestQueries = 32
/** The scores of a block, of all rows and heads, stay below this where its queries can be made fewer. */
export const scoresLimitBytes = 16_000_000

/** Queries of a block, where its scores do not ask for fewer. */
export function mostQueries(heads: number, kvHeads: number, causal: boolean): number {
  if (!causal) return mostQueriesOfBlock
  const queries = Math.round((rowsOfProduct * kvHeads) / heads)
  return Math.max(fewestQueries, Math.min(mostQueriesOfBlock, queries))
}

export interface AttentionSizes {
  readonly rows: number
  readonly queries: number
  readonly keys: number
  readonly heads: number
  readonly kvHeads: number
  readonly causal: boolean
}

/** A short causal row is cut in two: in one block all that is hidden would be computed. */
export function queriesOfBlock({ rows, queries, keys, heads, kvHeads, causal }: AttentionSizes): number {
  const fitting = Math.floor(scoresLimitBytes / (4 * rows * keys * heads))
  const half = causal ? Math.floor(queries / 2) : queries
  const limit = Math.min(fitting, half, mostQueries(heads, kvHeads, causal))
  return Math.min(queries, Math.max(fewestQueries, limit))
}
