// Where the middle of many lines runs: the median, and the quartiles between which half of them are, at places spread over
// the axis. Pure.

import { firstFrom } from '../../components/line-chart-view.ts'

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

/** The height of a line at a place; null before its first point and behind its last one. */
function heightAt(points: Points, x: number): number | null {
  const behind = firstFrom(points.length, (at) => (points[at]?.[0] ?? 0) >= x)
  const high = points[behind]
  if (high === undefined) return null
  if (high[0] === x) return high[1]
  const low = points[behind - 1]
  if (low === undefined) return null
  return low[1] + ((x - low[0]) / (high[0] - low[0])) * (high[1] - low[1])
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
  const all = Array.from({ length: places + 1 }, (_, n) => {
    const x = firstX + (n / places) * (lastX - firstX)
    return { x, ordered: Float64Array.from(lines.flatMap((points) => heightAt(points, x) ?? [])).sort() }
  })
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
