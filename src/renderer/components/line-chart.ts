// The drawing behind LineChart.vue, with only the parts of ECharts that lines need. Loaded when the first chart is shown.
import { LineChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer } from 'echarts/renderers'

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, LabelLayout, CanvasRenderer])

/** How a line is told from several others: a colour of theme.css by name, and its dashes. */
export interface LineLook {
  readonly colour: string
  readonly dash: 'solid' | 'dashed' | 'dotted'
}

export interface ChartLine {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** The main line is thick, in the accent colour and has its points marked. */
  readonly isMain: boolean
  /** Of several runs in one chart; without it the main line has the accent colour and the others are grey. */
  readonly look?: LineLook
  /**
   * What the line is called in the drawing: its name unless told, nothing where it is empty. It stands at the line's end; of
   * several runs' main lines, which end close together, at one of their points.
   */
  readonly label?: string
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

/** Pixels around the plot: the axes' numbers stand left and below, the mark's words above. */
const margin = { left: 52, right: 16, top: 28, bottom: 52 }
/** More room above, for a border's words. */
const borderTop = 18
const topOf = ({ border }: ChartView): number => margin.top + (border ? borderTop : 0)
const font = { fontFamily: 'Inter Variable', fontSize: 12 }

interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Where a label goes so that it stands inside the plot of a chart of this size, as near as it can to where it was put. */
export function keepInside(
  label: Rect,
  chart: { readonly width: number; readonly height: number },
  top: number = margin.top,
) {
  const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high))
  return {
    align: 'left' as const,
    verticalAlign: 'top' as const,
    x: within(label.x, margin.left, chart.width - margin.right - label.width),
    y: within(label.y, top, chart.height - margin.bottom - label.height),
  }
}

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

/** The line that mark, border and band are drawn with. */
export const markedLine = (lines: readonly ChartLine[]): ChartLine | undefined =>
  lines.find(({ isMain }) => isMain) ?? lines[0]

/** The point of a line that bears its label: of all lines that have one they are spread over the chart. */
export function labelledPoint(line: ChartLine, lines: readonly ChartLine[]): number {
  const labelled = lines.filter(({ isMain, label }) => isMain && label !== undefined && label !== '')
  const share = (labelled.indexOf(line) + 1) / (labelled.length + 1)
  return Math.round(share * (line.points.length - 1))
}

export function openChart(place: HTMLElement): ChartHandle {
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

  /** Points of the main line are rings; the one at the mark is full. Of several runs one point bears the label. */
  function pointsOf(line: ChartLine, { mark, lines }: ChartView, color: string) {
    const { points, isMain, look } = line
    if (look) return isMain ? withLabel(line, labelledPoint(line, lines)) : points
    if (!isMain || mark === null) return points
    return points.map((value) =>
      value[0] === mark.x ? { value, symbolSize: 11, itemStyle: { color, borderColor: color } } : value,
    )
  }

  function withLabel({ points, label = '' }: ChartLine, at: number) {
    if (label === '') return points
    const ink = {
      color: colour('--c-ink'),
      fontWeight: 700,
      backgroundColor: colour('--c-panel'),
      padding: [0, 2],
    }
    const shown = { ...font, ...ink, show: true, formatter: label, position: 'top' }
    return points.map((value, index) => (index === at ? { value, label: shown } : value))
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
      showSymbol: isMain,
      symbol: 'circle',
      symbolSize: 7,
      lineStyle: {
        width: isMain ? 2.5 : 1.25,
        color,
        type: look?.dash ?? 'solid',
        opacity: look && !isMain && label === '' ? 0.6 : 1,
      },
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
      },
      labelLayout: ({ labelRect }: { labelRect: Rect }) => keepInside(labelRect, size(), topOf(view)),
      ...(line === markedLine(view.lines) ? { ...markOf(view), ...bandOf(view) } : {}),
    }
  }

  return {
    draw: (view) =>
      chart.setOption(
        {
          animation: false,
          grid: { ...margin, top: topOf(view) },
          ...axes(view),
          series: view.lines.map((line) => seriesOf(line, view)),
        },
        { notMerge: true },
      ),
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  }
}
