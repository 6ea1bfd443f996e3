// How many rows of a large weight in 8 bits are made float32 at once, for the backend that cuts it and for the plan of a
// run's memory.

/** A slice stays below this as float32. */
const sliceLimitBytes = 16_000_000

/** Rows of a slice, all slices but the last alike; null for a weight that is made float32 whole. */
export function rowsOfSlice(rows: number, width: number): number | null {
  const slices = Math.ceil((4 * rows * width) / sliceLimitBytes)
  return slices > 1 ? Math.ceil(rows / slices) : null
}
