// A dimension as an axis from 0 to 1: what value lies at a place, and which place a value has. Whole numbers and choices
// are cells of the axis; a range by factors is even in its logarithm. Values are rounded to what a person reads.
import type { Dimension, StudiedSettings, StudiedValue } from '#shared/study.ts'

/** Where a value lies: its place, and for cells their two ends (else both are the place). */
export interface Place {
  readonly at: number
  readonly from: number
  readonly to: number
}

export interface Axis {
  readonly dimension: Dimension
  /** A single value: nothing to search. */
  readonly isFixed: boolean
  /** Number of cells; null where the axis is continuous. */
  readonly cells: number | null
  /** @param at from 0 to 1 */
  valueAt(at: number): StudiedValue
  /** Null where the value is not of this dimension. */
  placeOf(value: StudiedValue | undefined): Place | null
}

/** A condition on what is not searched is taken as met: the base decides there, alike for all trials. */
export function axesOf(space: readonly Dimension[]): Axis[] {
  const paths = new Set(space.map(({ path }) => path))
  return space.map((dimension) => {
    const isOpen = dimension.onlyWhen !== null && !paths.has(dimension.onlyWhen.path)
    return axisOf(isOpen ? { ...dimension, onlyWhen: null } : dimension)
  })
}

function axisOf(dimension: Dimension): Axis {
  if (dimension.kind === 'choice') return choiceAxis(dimension)
  return dimension.kind === 'whole' ? wholeAxis(dimension) : numberAxis(dimension)
}

/** Whether this dimension counts beside these values; the values of what it depends on are already among them. */
export const isActive = ({ onlyWhen }: Dimension, settings: StudiedSettings): boolean =>
  onlyWhen === null ||
  (Object.hasOwn(settings, onlyWhen.path) && onlyWhen.values.includes(settings[onlyWhen.path] ?? null))

/** The same point has the same key, in whatever order its settings were written. */
export const keyOf = (settings: StudiedSettings): string =>
  JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)))

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

function choiceAxis(dimension: Extract<Dimension, { kind: 'choice' }>): Axis {
  const { values } = dimension
  const cells = values.length
  return {
    dimension,
    isFixed: cells === 1,
    cells,
    valueAt: (at) => values[clamp(Math.floor(at * cells), 0, cells - 1)] ?? null,
    placeOf: (value) => {
      const cell = value === undefined ? -1 : values.indexOf(value)
      return cell < 0 ? null : { at: (cell + 0.5) / cells, from: cell / cells, to: (cell + 1) / cells }
    },
  }
}

/** Each whole number has the cell from half below it to half above it. */
function wholeAxis(dimension: Extract<Dimension, { kind: 'whole' }>): Axis {
  const { low, high, isLog } = dimension
  const [toScale, fromScale] = isLog ? [Math.log, Math.exp] : [same, same]
  const start = toScale(low - 0.5)
  const width = toScale(high + 0.5) - start
  const placeAt = (value: number): number => clamp((toScale(value) - start) / width, 0, 1)
  return {
    dimension,
    isFixed: low === high,
    cells: high - low + 1,
    valueAt: (at) => clamp(Math.round(fromScale(start + at * width)), low, high),
    placeOf: (value) =>
      typeof value === 'number' && value >= low && value <= high
        ? { at: placeAt(value), from: placeAt(value - 0.5), to: placeAt(value + 0.5) }
        : null,
  }
}

function numberAxis(dimension: Extract<Dimension, { kind: 'number' }>): Axis {
  const { low, high, isLog } = dimension
  const [toScale, fromScale] = isLog ? [Math.log, Math.exp] : [same, same]
  const start = toScale(low)
  const width = toScale(high) - start
  const isFixed = !(width > 0)
  const round = isLog ? significantRounding(width) : stepRounding(width)
  return {
    dimension,
    isFixed,
    cells: isFixed ? 1 : null,
    valueAt: (at) => (isFixed ? low : clamp(round(fromScale(start + at * width)), low, high)),
    placeOf: (value) => {
      if (typeof value !== 'number' || !(value >= low && value <= high)) return null
      const at = isFixed ? 0.5 : clamp((toScale(value) - start) / width, 0, 1)
      return { at, from: at, to: at }
    },
  }
}

const same = (value: number): number => value

/** Three significant digits, or so many more that the range still has over a hundred values. */
function significantRounding(logWidth: number): (value: number) => number {
  const digits = clamp(Math.max(3, 1 + Math.ceil(-Math.log10(logWidth / 50))), 3, 15)
  return (value) => Number(value.toPrecision(digits))
}

/** To a power of ten that is at most a thousandth of the range. */
function stepRounding(width: number): (value: number) => number {
  const decimals = Math.ceil(3 - Math.log10(width))
  if (decimals > 15) return same
  if (decimals >= 0) return (value) => Number(value.toFixed(decimals))
  const step = 10 ** -decimals
  return (value) => Math.round(value / step) * step
}
