// How many rows of a large weight in 8 bits are made float32 at once, for the backend that cuts it and for the plan of a
// run's memory.

/** A slice stays below this as float32. */
const sliceLimitBytes = 16_000_000

/**
 * Up to this a weight is made float32 whole, once for all of the loss. Slices are made anew for every product: with the
 * starter's table of 113 MB in slices an epoch takes 1.43 of the float base's time, whole 1.10 (docs/backends.md).
 */
const wholeUpToBytes = 120_000_000

/** Rows of a slice, all slices but the last alike; null for a weight that is made float32 whole. */
export function rowsOfSlice(rows: number, width: number): number | null {
  const bytes = 4 * rows * width
  if (bytes <= wholeUpToBytes) return null
  return Math.ceil(rows / Math.ceil(bytes / sliceLimitBytes))
}
