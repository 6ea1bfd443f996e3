// Where the labels of a chart stand: inside its plot, and the letters of several runs beside their lines' ends without
// lying on each other. Pure.

export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Pixels around the plot: the axes' numbers stand left and below, the mark's words above. */
export const margin = { left: 52, right: 16, top: 28, bottom: 52 }
/** Letters stand behind the ends of their lines. */
export const marginOfLetters = 34

const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high))

/** Where a label goes so that it stands inside the plot of a chart of this size, as near as it can to where it was put. */
export function keepInside(label: Rect, chart: Size, top: number = margin.top) {
  return {
    align: 'left' as const,
    verticalAlign: 'top' as const,
    x: within(label.x, margin.left, chart.width - margin.right - label.width),
    y: within(label.y, top, chart.height - margin.bottom - label.height),
  }
}

const letterSize = { width: 20, height: 16 }

export interface Place {
  readonly x: number
  readonly y: number
}

/**
 * Where the letters of lines that end here stand, one for each: behind the end, and where others end close by, above and
 * below each other in the order of the ends. `top` to `bottom` is the plot.
 */
export function placeLetters(ends: readonly Place[], top: number, bottom: number): Place[] {
  const placed = ends.map((end) => end)
  for (const group of closeBy(ends)) {
    const step = Math.min(letterSize.height, (bottom - top) / Math.max(1, group.length - 1))
    const ys = apart(
      group.map((at) => ends[at]?.y ?? 0),
      step,
    )
    for (const [rank, at] of group.entries()) {
      // Not beyond the plot, and still apart.
      const lowest = bottom - (group.length - 1 - rank) * step
      const highest = top + rank * step
      placed[at] = { x: placed[at]?.x ?? 0, y: within(ys[rank] ?? 0, highest, lowest) }
    }
  }
  return placed
}

/** Places of ends whose letters would lie on each other sideways, from the upmost down. */
function closeBy(ends: readonly Place[]): number[][] {
  const groups: number[][] = []
  let lastX = Number.NEGATIVE_INFINITY
  for (const at of [...ends.keys()].toSorted((a, b) => (ends[a]?.x ?? 0) - (ends[b]?.x ?? 0))) {
    const x = ends[at]?.x ?? 0
    if (x - lastX >= letterSize.width || groups.length === 0) groups.push([])
    groups.at(-1)?.push(at)
    lastX = x
  }
  return groups.map((group) => group.toSorted((a, b) => (ends[a]?.y ?? 0) - (ends[b]?.y ?? 0)))
}

/** Moved as little as they can be: those that touch become a block around the middle of where they were. */
function apart(ys: readonly number[], step: number): number[] {
  const blocks: { readonly wanted: number[] }[] = []
  const startOf = ({ wanted }: { readonly wanted: readonly number[] }): number =>
    wanted.reduce((sum, y, rank) => sum + y - rank * step, 0) / wanted.length
  for (const y of ys) {
    let block = { wanted: [y] }
    for (
      let last = blocks.at(-1);
      last && startOf(last) + last.wanted.length * step > startOf(block);
      last = blocks.at(-1)
    ) {
      blocks.pop()
      block = { wanted: [...last.wanted, ...block.wanted] }
    }
    blocks.push(block)
  }
  return blocks.flatMap((block) => block.wanted.map((_, rank) => startOf(block) + rank * step))
}
