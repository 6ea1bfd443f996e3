// Statistics that a few odd values do not move: medians, the noise of a curve about its own course, the slope of Theil and
// Sen. Pure.

/** 0 for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]!
  return sorted.length === 0 ? 0 : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Standard deviation of normally distributed values, from their absolute deviations. */
export const deviationOf = (distances: readonly number[]): number => 1.4826 * median(distances)

/**
 * Standard deviation of a curve's points about its course, from each point and the middle of its two neighbours: a curve
 * that falls evenly has none. 0 for fewer than three points.
 */
export function noiseOf(values: readonly number[]): number {
  const distances: number[] = []
  for (let i = 1; i < values.length - 1; i += 1)
    distances.push(Math.abs(values[i]! - (values[i - 1]! + values[i + 1]!) / 2))
  // The variance of such a distance is 1.5 times that of a point.
  return deviationOf(distances) / Math.sqrt(1.5)
}

/** Median of the slopes between all pairs of points (Theil 1950, Sen 1968). 0 for fewer than two places. */
export function theilSen(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = []
  points.forEach(([x, y], i) => {
    for (const [otherX, otherY] of points.slice(i + 1))
      if (otherX !== x) slopes.push((otherY - y) / (otherX - x))
  })
  return median(slopes)
}
