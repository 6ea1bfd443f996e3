// A small line plot in characters: two loss curves over steps, readable in any terminal and in a log file.

export interface PlotSeries {
  readonly name: string
  readonly mark: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface PlotOptions {
  readonly widthColumns: number
  readonly heightRows: number
  readonly xTitle: string
  readonly yTitle: string
}

/** Rows of text. Series later in the list are drawn over earlier ones; a point marks the cell it falls into. */
export function plotSeries(series: readonly PlotSeries[], options: PlotOptions): string[] {
  const all = series.flatMap((one) => one.points).filter((point) => Number.isFinite(point.y))
  if (all.length === 0) return ['(nothing measured yet)']
  const x = range(all.map((point) => point.x))
  const y = range(all.map((point) => point.y))
  const cells = Array.from({ length: options.heightRows }, () =>
    new Array<string>(options.widthColumns).fill(' '),
  )
  for (const one of series)
    for (const point of one.points) {
      if (!Number.isFinite(point.y)) continue
      const column = Math.round(((point.x - x.low) / x.span) * (options.widthColumns - 1))
      const row = Math.round(((y.high - point.y) / y.span) * (options.heightRows - 1))
      cells[row][column] = one.mark
    }
  return frame(cells, x, y, series, options)
}

interface Range {
  readonly low: number
  readonly high: number
  readonly span: number
}

function range(values: readonly number[]): Range {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  return { low, high, span: high > low ? high - low : 1 }
}

function frame(
  cells: readonly string[][],
  x: Range,
  y: Range,
  series: readonly PlotSeries[],
  options: PlotOptions,
): string[] {
  const labels = cells.map((_, row) => {
    const value = y.high - (row / Math.max(1, cells.length - 1)) * y.span
    const isLabelled = row === 0 || row === cells.length - 1 || row === Math.floor(cells.length / 2)
    return (isLabelled ? value.toFixed(2) : '').padStart(7)
  })
  const left = String(x.low)
  const right = String(x.high)
  const gap = Math.max(1, options.widthColumns - left.length - right.length)
  return [
    `${options.yTitle}   ${series.map((one) => `${one.mark} ${one.name}`).join('   ')}`,
    ...cells.map((row, index) => `${labels[index]} │${row.join('')}`.trimEnd()),
    `${' '.repeat(7)} └${'─'.repeat(options.widthColumns)}`,
    `${' '.repeat(9)}${left}${' '.repeat(gap)}${right}  ${options.xTitle}`,
  ]
}
