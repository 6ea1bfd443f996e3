// The options that ECharts gets for a chart of lines. What a person called a run goes in by a function: as text it would be a
// template there, in which "{c}" is a number. Pure.
import { keepInside, margin, marginOfLetters, placeLetters, type Rect, type Size } from './chart-letters.ts'
import {
  type ChartLine,
  type ChartView,
  endsAtBorder,
  hasPoints,
  isUpmost,
  markedLine,
  type ToPixel,
} from './line-chart-view.ts'

/** What of the page and of the drawing the options need. */
export interface Paint {
  /** A colour of theme.css by name. */
  readonly colour: (name: string) => string
  readonly size: () => Size
  /** Where a point is in the chart as it is drawn. */
  readonly toPixel: ToPixel
}

/** More room above, for a border's words. */
const borderTop = 18
const topOf = ({ border }: ChartView): number => margin.top + (border ? borderTop : 0)
const rightOf = ({ lines }: ChartView): number =>
  lines.some(({ isLetter, isFaint }) => isLetter && !isFaint) ? marginOfLetters : margin.right
const font = { fontFamily: 'Inter Variable', fontSize: 12 }
/** Where one line of a series ends and another begins. */
const gap = ['-', '-']
const plotOf = (view: ChartView) => ({ ...margin, top: topOf(view), right: rightOf(view) })

export function optionsOf(view: ChartView, paint: Paint) {
  return {
    animation: false,
    grid: plotOf(view),
    ...axes(view, paint),
    series: [
      ...faintSeries(
        view.lines.filter(({ isFaint }) => isFaint),
        paint,
      ),
      ...view.lines.filter(({ isFaint }) => !isFaint).map((line) => seriesOf(line, view, paint)),
    ],
  }
}

/** Pixels of the plot's corners, in a chart of this size. */
export function cornersOf(view: ChartView, { width, height }: Size) {
  const { left, top, right, bottom } = plotOf(view)
  return { left, top, right: width - right, bottom: height - bottom }
}

/** Lines over a chart that stands, on its axes: what is pointed at among ten thousand is there at once. */
export function optionsAbove(
  lines: readonly ChartLine[],
  view: ChartView,
  { low, high }: { readonly low: number; readonly high: number },
  paint: Paint,
) {
  const above = { ...view, lines, mark: null, border: null, band: null }
  return {
    animation: false,
    grid: plotOf(view),
    xAxis: { type: 'value', show: false, min: 0, max: view.lastX },
    yAxis: { type: 'value', show: false, min: low, max: high },
    series: lines.map((line) => seriesOf(line, above, paint)),
  }
}

function axes({ xTitle, lastX }: ChartView, { colour }: Paint) {
  const label = { ...font, color: colour('--c-third') }
  const line = { lineStyle: { color: colour('--c-line') } }
  return {
    xAxis: {
      type: 'value',
      name: xTitle,
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: label,
      axisLabel: label,
      axisLine: line,
      splitLine: { show: false },
      min: 0,
      max: lastX,
      minInterval: 1,
    },
    yAxis: {
      type: 'value',
      axisLabel: label,
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: line,
      scale: true,
      // From 0 unless that would press the lines together.
      min: ({ min, max }: { min: number; max: number }) => (min >= 0 && min < max / 2 ? 0 : null),
    },
  }
}

function markOf({ mark, border, lastX }: ChartView, { colour }: Paint) {
  const lineAt = ({ x, text }: { x: number; text: string }, type: 'dotted' | 'dashed', distance: number) => ({
    xAxis: x,
    lineStyle: { color: colour('--c-ink'), type },
    label: {
      ...font,
      formatter: () => text,
      color: colour('--c-ink'),
      fontWeight: 600,
      distance: [0, distance],
      // Beside the line's upper end, on the side where there is room.
      align: x > lastX / 2 ? 'right' : 'left',
    },
  })
  const data = [
    ...(mark === null ? [] : [lineAt(mark, 'dotted', 5)]),
    ...(border ? [lineAt(border, 'dashed', 5 + borderTop)] : []),
  ]
  return data.length === 0 ? {} : { markLine: { symbol: 'none', data } }
}

function bandOf({ band }: ChartView, { colour }: Paint) {
  if (!band) return {}
  return {
    markArea: {
      silent: true,
      itemStyle: { color: colour('--c-warning-soft'), opacity: 0.55 },
      data: [[{ xAxis: band.from }, { xAxis: band.to }]],
    },
  }
}

/** Points of the main line are rings; the one at the mark is full. Of a run among several the last bears its letter. */
function pointsOf(line: ChartLine, { mark }: ChartView, color: string, paint: Paint) {
  const { points, isMain, look } = line
  if (look) return hasPoints(line) ? withLetter(line, color, paint) : points
  if (!isMain || mark === null) return points
  return points.map((value) =>
    value[0] === mark.x ? { value, symbolSize: 11, itemStyle: { color, borderColor: color } } : value,
  )
}

const letterStyle = (color: string, { colour }: Paint) => ({
  ...font,
  fontSize: 11,
  color: colour('--c-ink'),
  fontWeight: 700,
  backgroundColor: colour('--c-panel'),
  borderColor: color,
  borderWidth: 1.5,
  borderRadius: 3,
  padding: [2, 3, 1],
})

function withLetter({ points, label = '' }: ChartLine, color: string, paint: Paint) {
  const shown = {
    ...letterStyle(color, paint),
    show: label !== '',
    formatter: () => label,
    position: 'right',
  }
  return points.map((value, at) => (at === points.length - 1 ? { value, label: shown } : value))
}

/** Where the letter of a line stands among the others, in the chart as it is now. */
function placeLetter(line: ChartLine, view: ChartView, { size, toPixel }: Paint) {
  const lettered = view.lines.filter(({ isLetter, isFaint }) => isLetter && !isFaint)
  const ends = lettered.map(({ points }) => {
    const [x, y] = toPixel(points.at(-1) ?? [0, 0])
    return { x: x + 9, y }
  })
  const places = placeLetters(ends, topOf(view), size().height - margin.bottom)
  return { ...places[lettered.indexOf(line)], align: 'left' as const, verticalAlign: 'middle' as const }
}

/** Very many lines as one series with gaps: a thousand series would take seconds. A line of one point is that point. */
function faintSeries(lines: readonly ChartLine[], { colour }: Paint) {
  if (lines.length === 0) return []
  const opacity = Math.max(0.04, Math.min(0.5, 25 / lines.length))
  const line = { type: 'line', silent: true }
  const single = lines.filter(({ points }) => points.length === 1)
  return [
    {
      ...line,
      data: lines.flatMap(({ points }) => [...points, gap]),
      showSymbol: false,
      lineStyle: { width: 1, color: colour('--c-third'), opacity },
    },
    {
      ...line,
      data: single.flatMap(({ points }) => [...points, gap]),
      showSymbol: true,
      symbol: 'circle',
      symbolSize: 4,
      lineStyle: { width: 0 },
      itemStyle: { color: colour('--c-third'), opacity: Math.max(0.25, opacity) },
    },
  ]
}

function seriesOf(line: ChartLine, view: ChartView, paint: Paint) {
  const { colour, size } = paint
  const { name, points, isMain, look, label = name } = line
  // The label of a line that has only begun stands beyond its end: before it, it would lie across the line.
  // One that comes to a border has the next line there, and none above it.
  const lastX = points.at(-1)?.[0] ?? 0
  const isBeforeBorder = endsAtBorder(points, view.border?.x ?? -1)
  const isShort = lastX < view.lastX / 3 && !isBeforeBorder
  const isAbove = isBeforeBorder || isUpmost(points, view.lines)
  const color = colour(look?.colour ?? (isMain ? '--c-accent' : '--c-third'))
  return {
    name,
    type: 'line',
    data: pointsOf(line, view, color, paint),
    showSymbol: hasPoints(line),
    symbol: 'circle',
    symbolSize: 7,
    lineStyle: {
      width: line.isPicked ? 4 : isMain ? 2.5 : 1.25,
      color,
      type: look?.dash ?? 'solid',
      opacity: look && !isMain && label === '' ? 0.6 : 1,
    },
    z: line.isPicked ? 4 : 2,
    itemStyle: look ? { color } : { color: colour('--c-panel'), borderColor: color, borderWidth: 2 },
    endLabel: {
      ...font,
      show: (look === undefined || !isMain) && points.length > 1 && label !== '',
      formatter: () => label,
      align: isShort ? 'left' : 'right',
      color,
      backgroundColor: colour('--c-panel'),
      padding: [0, 2],
      offset: isShort ? [6, isAbove ? -8 : 8] : [-6, isAbove ? -14 : 14],
      ...(line.isLetter && { ...letterStyle(color, paint), offset: [0, 0] }),
    },
    labelLayout: ({ labelRect }: { labelRect: Rect }) =>
      line.isLetter ? placeLetter(line, view, paint) : keepInside(labelRect, size(), topOf(view)),
    ...(line === markedLine(view.lines) ? { ...markOf(view, paint), ...bandOf(view, paint) } : {}),
  }
}
