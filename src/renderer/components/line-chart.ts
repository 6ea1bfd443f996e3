// The drawing behind LineChart.vue, with only the parts of ECharts that lines need. Loaded when the first chart is shown.
import { LineChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import { type EChartsType, init, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer } from 'echarts/renderers'
import { cornersOf, optionsAbove, optionsOf } from './line-chart-options.ts'
import { type ChartLine, type ChartView, nearestLine, type Pixel } from './line-chart-view.ts'

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, LabelLayout, CanvasRenderer])

export interface ChartHandle {
  draw(view: ChartView): void
  /** Lines over those that stand, which are not drawn anew. */
  drawAbove(lines: readonly ChartLine[]): void
  resize(): void
  dispose(): void
}

/** `onPoint` hears which line is pointed at, and which was pressed. */
export function openChart(
  place: HTMLElement,
  onPoint: (id: string | null, isPressed: boolean) => void = () => {},
): ChartHandle {
  const chart = init(place)
  const colour = (name: string): string => getComputedStyle(place).getPropertyValue(name).trim()
  const size = () => ({ width: chart.getWidth(), height: chart.getHeight() })
  const toPixel = (point: readonly [number, number]): Pixel => {
    const [x = 0, y = 0] = chart.convertToPixel({ gridIndex: 0 }, [...point])
    return [x, y]
  }
  const paint = { colour, size, toPixel }

  let drawn: ChartView | null = null
  let above: { readonly chart: EChartsType; lines: readonly ChartLine[] } | null = null
  function openAbove() {
    const layer = place.ownerDocument.createElement('div')
    Object.assign(layer.style, { position: 'absolute', inset: '0', pointerEvents: 'none' })
    place.append(layer)
    return { chart: init(layer), lines: [] }
  }
  function drawAbove(): void {
    above?.chart.clear()
    if (above === null || drawn === null || above.lines.length === 0) return
    const { left, top, bottom } = cornersOf(drawn, size())
    const heightAt = (y: number): number => chart.convertFromPixel({ gridIndex: 0 }, [left, y])[1] ?? 0
    const heights = { low: heightAt(bottom), high: heightAt(top) }
    above.chart.setOption(optionsAbove(above.lines, drawn, heights, paint))
  }

  let pointed: string | null = null
  function lineAt({ offsetX, offsetY }: { offsetX: number; offsetY: number }): string | null {
    const inPlot = chart.containPixel({ gridIndex: 0 }, [offsetX, offsetY])
    if (drawn === null || !inPlot) return null
    const [[left, top], [right, bottom]] = [toPixel([0, 0]), toPixel([1, 1])]
    const quickToPixel = ([x, y]: readonly [number, number]): Pixel => [
      left + x * (right - left),
      top + y * (bottom - top),
    ]
    return nearestLine(drawn.lines, [offsetX, offsetY], quickToPixel)
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
      chart.setOption(optionsOf(view, paint), { notMerge: true })
      drawAbove()
    },
    drawAbove(lines) {
      if (above === null && lines.length === 0) return
      above ??= openAbove()
      above.lines = lines
      drawAbove()
    },
    resize() {
      chart.resize()
      above?.chart.resize()
      drawAbove()
    },
    dispose() {
      above?.chart.dispose()
      chart.dispose()
    },
  }
}
