// Where the middle of many lines runs: the median, and the quartiles between which half of them are, at places spread over
// the axis. Pure.

type Points = readonly (readonly [x: number, y: number])[]

export interface Spread {
  readonly low: Points
  readonly middle: Points
  readonly high: Points
  /** Of so many lines, and where fewest of them come so far, of so many. */
  readonly count: number
  readonly least: number
}

const places = 60
/** Of fewer lines a middle says nothing. */
const leastLines = 5

/** Heights of lines at each of the places from left to right; a line has none before its first point and behind its last. */
function heightsAt(lines: readonly Points[], xs: readonly number[]): Float64Array[] {
  const found = xs.map((): number[] => [])
  for (const points of lines) {
    let behind = 0
    for (const [at, x] of xs.entries()) {
      while ((points[behind]?.[0] ?? x) < x) behind += 1
      const [low, high] = [points[behind - 1], points[behind]]
      if (high?.[0] === x) found[at]?.push(high[1])
      else if (low && high) found[at]?.push(low[1] + ((x - low[0]) / (high[0] - low[0])) * (high[1] - low[1]))
    }
  }
  return found.map((heights) => Float64Array.from(heights).sort())
}

/** By straight lines between ordered values (Hyndman & Fan 1996, type 7). */
function quantile(ordered: Float64Array, share: number): number {
  const at = share * (ordered.length - 1)
  const low = ordered[Math.floor(at)] as number
  return low + (at - Math.floor(at)) * ((ordered[Math.ceil(at)] as number) - low)
}

/**
 * At each place of the lines that come so far, and only while half of them do: of those that are left where the worse ones
 * were given up the median falls, and looks like learning. null where nowhere enough of them come.
 */
export function spreadOf(lines: readonly Points[]): Spread | null {
  const firstX = lines.reduce(
    (least, points) => Math.min(least, points[0]?.[0] ?? least),
    Number.POSITIVE_INFINITY,
  )
  const lastX = lines.reduce(
    (most, points) => Math.max(most, points.at(-1)?.[0] ?? most),
    Number.NEGATIVE_INFINITY,
  )
  if (!(lastX > firstX)) return null
  const xs = Array.from({ length: places + 1 }, (_, n) => firstX + (n / places) * (lastX - firstX))
  const all = heightsAt(lines, xs).map((ordered, at) => ({ x: xs[at] as number, ordered }))
  const isEnough = ({ ordered: { length } }: (typeof all)[number]): boolean =>
    length >= leastLines && 2 * length >= lines.length
  const from = Math.max(0, all.findIndex(isEnough))
  const end = all.findIndex((place, at) => at > from && !isEnough(place))
  const found = all.slice(from, end < 0 ? all.length : end).filter(isEnough)
  if (found.length < 2) return null
  const at = (share: number): Points => found.map(({ x, ordered }) => [x, quantile(ordered, share)] as const)
  const least = Math.min(...found.map(({ ordered }) => ordered.length))
  return { low: at(0.25), middle: at(0.5), high: at(0.75), count: lines.length, least }
}
