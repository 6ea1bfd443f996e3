// The drawing behind LineChart.vue, with only the parts of ECharts that lines need. Loaded when the first chart is shown.
import { LineChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer } from 'echarts/renderers'
import { keepInside, margin, marginOfLetters, placeLetters, type Rect } from './chart-letters.ts'

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, LabelLayout, CanvasRenderer])

/** How a line is told from several others: a colour of theme.css by name, and its dashes. */
export interface LineLook {
  readonly colour: string
  readonly dash: 'solid' | 'dashed' | 'dotted'
}

export interface ChartLine {
  /** What a person points at with it; lines without one cannot be pointed at. */
  readonly id?: string
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** The main line is thick, in the accent colour and has its points marked. */
  readonly isMain: boolean
  /** Of several runs in one chart; without it the main line has the accent colour and the others are grey. */
  readonly look?: LineLook
  /** What the line is called in the drawing, at its end: its name unless told, nothing where it is empty. */
  readonly label?: string
  /** The label is the letter of a run among several: in a box of the line's colour, and never on another letter. */
  readonly isLetter?: boolean
  /** One of very many, thin and grey without a label. */
  readonly isFaint?: boolean
  /** The one among many that a person points at: stronger than all others. */
  readonly isPicked?: boolean
}

export interface ChartView {
  readonly lines: readonly ChartLine[]
  /** Where a mark stands, and what it says. */
  readonly mark: { readonly x: number; readonly text: string } | null
  /** Where other rows begin: a line across the plot, with its words above those of the mark. */
  readonly border?: { readonly x: number; readonly text: string } | null
  /** A stretch that is tinted as a warning. */
  readonly band?: { readonly from: number; readonly to: number } | null
  readonly xTitle: string
  /** Where the axis ends, so that it stands still while points come. */
  readonly lastX: number
}

export interface ChartHandle {
  draw(view: ChartView): void
  resize(): void
  dispose(): void
}

/** More room above, for a border's words. */
const borderTop = 18
const topOf = ({ border }: ChartView): number => margin.top + (border ? borderTop : 0)
const rightOf = ({ lines }: ChartView): number =>
  lines.some(({ isLetter, isFaint }) => isLetter && !isFaint) ? marginOfLetters : margin.right
const font = { fontFamily: 'Inter Variable', fontSize: 12 }

const lastY = (points: ChartLine['points']): number => points.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY

/** Whether a line ends above all others: its label then stands above its end, those of the others below theirs. */
export const isUpmost = (points: ChartLine['points'], lines: readonly ChartLine[]): boolean =>
  lines.every((other) => other.points === points || lastY(other.points) < lastY(points))

/** Whether a line comes to a border from before it, or is near it. */
export function endsAtBorder(points: ChartLine['points'], borderX: number): boolean {
  const firstX = points[0]?.[0] ?? borderX
  const lastX = points.at(-1)?.[0] ?? borderX
  return firstX < borderX && lastX <= borderX && lastX > (2 / 3) * borderX
}

type Pixel = readonly [x: number, y: number]

/** How far a line passes below or above a place, in pixels; from its nearer end where it does not come so far. */
function distanceTo(points: readonly Pixel[], [x, y]: Pixel): number {
  const behind = points.findIndex(([px]) => px >= x)
  const [low, high] = [points[behind - 1], points[behind]]
  if (low === undefined || high === undefined) {
    const [px, py] = (high ?? points.at(-1)) as Pixel
    return Math.hypot(px - x, py - y)
  }
  const share = (x - low[0]) / Math.max(1e-9, high[0] - low[0])
  return Math.abs(low[1] + share * (high[1] - low[1]) - y)
}

/** Which line a person points at: the nearest within `reach` pixels; null where there is none. */
export function nearestLine(
  lines: readonly ChartLine[],
  place: Pixel,
  toPixel: (point: readonly [x: number, y: number]) => Pixel,
  reach = 14,
): string | null {
  let found: { readonly id: string; readonly distance: number } | null = null
  for (const { id, points } of lines) {
    if (id === undefined || points.length === 0) continue
    const distance = distanceTo(points.map(toPixel), place)
    if (distance <= reach && (found === null || distance < found.distance)) found = { id, distance }
  }
  return found?.id ?? null
}

/** The line that mark, border and band are drawn with. */
export const markedLine = (lines: readonly ChartLine[]): ChartLine | undefined =>
  lines.find(({ isMain }) => isMain) ?? lines[0]

/** A line of one point is nothing without it. */
const hasPoints = ({ isMain, points }: ChartLine): boolean => isMain || points.length === 1

/** `onPoint` hears which line is pointed at, and which was pressed. */
export function openChart(
  place: HTMLElement,
  onPoint: (id: string | null, isPressed: boolean) => void = () => {},
): ChartHandle {
  const chart = init(place)
  const colour = (name: string): string => getComputedStyle(place).getPropertyValue(name).trim()
  const size = () => ({ width: chart.getWidth(), height: chart.getHeight() })

  function axes({ xTitle, lastX }: ChartView) {
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

  function markOf({ mark, border, lastX }: ChartView) {
    const lineAt = (
      { x, text }: { x: number; text: string },
      type: 'dotted' | 'dashed',
      distance: number,
    ) => ({
      xAxis: x,
      lineStyle: { color: colour('--c-ink'), type },
      label: {
        ...font,
        formatter: text,
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

  function bandOf({ band }: ChartView) {
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
  function pointsOf(line: ChartLine, { mark }: ChartView, color: string) {
    const { points, isMain, look } = line
    if (look) return hasPoints(line) ? withLetter(line, color) : points
    if (!isMain || mark === null) return points
    return points.map((value) =>
      value[0] === mark.x ? { value, symbolSize: 11, itemStyle: { color, borderColor: color } } : value,
    )
  }

  const letterStyle = (color: string) => ({
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

  function withLetter({ points, label = '' }: ChartLine, color: string) {
    const shown = { ...letterStyle(color), show: label !== '', formatter: label, position: 'right' }
    return points.map((value, at) => (at === points.length - 1 ? { value, label: shown } : value))
  }

  const toPixel = (point: readonly [number, number]): Pixel => {
    const [x = 0, y = 0] = chart.convertToPixel({ gridIndex: 0 }, [...point])
    return [x, y]
  }

  /** Where the letter of a line stands among the others, in the chart as it is now. */
  function placeLetter(line: ChartLine, view: ChartView) {
    const lettered = view.lines.filter(({ isLetter, isFaint }) => isLetter && !isFaint)
    const ends = lettered.map(({ points }) => {
      const [x, y] = toPixel(points.at(-1) ?? [0, 0])
      return { x: x + 9, y }
    })
    const places = placeLetters(ends, topOf(view), size().height - margin.bottom)
    return { ...places[lettered.indexOf(line)], align: 'left' as const, verticalAlign: 'middle' as const }
  }

  /** Very many lines as one series with gaps: a thousand series would take seconds. */
  function faintSeries(lines: readonly ChartLine[]) {
    return {
      type: 'line',
      silent: true,
      data: lines.flatMap(({ points }) => [...points, ['-', '-']]),
      showSymbol: false,
      lineStyle: {
        width: 1,
        color: colour('--c-third'),
        opacity: Math.max(0.04, Math.min(0.5, 25 / lines.length)),
      },
    }
  }

  function seriesOf(line: ChartLine, view: ChartView) {
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
      data: pointsOf(line, view, color),
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
        formatter: label,
        align: isShort ? 'left' : 'right',
        color,
        backgroundColor: colour('--c-panel'),
        padding: [0, 2],
        offset: isShort ? [6, isAbove ? -8 : 8] : [-6, isAbove ? -14 : 14],
        ...(line.isLetter && { ...letterStyle(color), offset: [0, 0] }),
      },
      labelLayout: ({ labelRect }: { labelRect: Rect }) =>
        line.isLetter ? placeLetter(line, view) : keepInside(labelRect, size(), topOf(view)),
      ...(line === markedLine(view.lines) ? { ...markOf(view), ...bandOf(view) } : {}),
    }
  }

  let drawn: ChartView | null = null
  let pointed: string | null = null
  function lineAt({ offsetX, offsetY }: { offsetX: number; offsetY: number }): string | null {
    const inPlot = chart.containPixel({ gridIndex: 0 }, [offsetX, offsetY])
    if (drawn === null || !inPlot) return null
    const [[left = 0, top = 0], [right = 0, bottom = 0]] = [[0, 0] as const, [1, 1] as const].map((corner) =>
      chart.convertToPixel({ gridIndex: 0 }, [...corner]),
    ) as [number[], number[]]
    const toPixel = ([x, y]: readonly [number, number]): Pixel => [
      left + x * (right - left),
      top + y * (bottom - top),
    ]
    return nearestLine(drawn.lines, [offsetX, offsetY], toPixel)
  }
  function point(id: string | null): void {
    if (id === pointed) return
    pointed = id
    onPoint(id, false)
  }
  const pointer = chart.getZr()
  pointer.on('mousemove', (event) => point(lineAt(event)))
  pointer.on('globalout', () => point(null))
  pointer.on('click', (event) => {
    const id = lineAt(event)
    if (id !== null) onPoint(id, true)
  })

  return {
    draw(view) {
      drawn = view
      const faint = view.lines.filter(({ isFaint }) => isFaint)
      chart.setOption(
        {
          animation: false,
          grid: { ...margin, top: topOf(view), right: rightOf(view) },
          ...axes(view),
          series: [
            ...(faint.length > 0 ? [faintSeries(faint)] : []),
            ...view.lines.filter(({ isFaint }) => !isFaint).map((line) => seriesOf(line, view)),
          ],
        },
        { notMerge: true },
      )
    },
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  }
}
