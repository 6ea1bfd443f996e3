// What a share measured on so many rows can mean: Wilson's score interval (1927), which stays within 0 and 1.

const z = 1.959964

/** 95 % interval of a share between 0 and 1 measured on `rows` rows; the whole scale where there are none. */
export function wilsonInterval(share: number, rows: number): { low: number; high: number } {
  if (rows <= 0) return { low: 0, high: 1 }
  const spread = z ** 2 / rows
  const middle = (share + spread / 2) / (1 + spread)
  const half = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / rows + spread / (4 * rows))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}
