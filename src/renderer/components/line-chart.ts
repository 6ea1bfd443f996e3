// The drawing behind LineChart.vue, with only the parts of ECharts that lines need. Loaded when the first chart is shown.
import { LineChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([LineChart, GridComponent, MarkLineComponent, CanvasRenderer])

export interface ChartLine {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** The main line is thick, in the accent colour and has its points marked. */
  readonly isMain: boolean
}

export interface ChartHandle {
  draw(
    lines: readonly ChartLine[],
    mark: { readonly x: number; readonly text: string } | null,
    xAxis: { readonly title: string; readonly last: number },
  ): void
  resize(): void
  dispose(): void
}

export function openChart(place: HTMLElement): ChartHandle {
  const chart = init(place)
  const colour = (name: string): string => getComputedStyle(place).getPropertyValue(name).trim()

  return {
    draw(lines, mark, xAxis) {
      const [ink, third, line, accent] = ['--c-ink', '--c-third', '--c-line', '--c-accent'].map(colour)
      const label = { color: third, fontFamily: 'Inter Variable', fontSize: 12 }
      chart.setOption(
        {
          animation: false,
          grid: { left: 44, right: 24, top: 24, bottom: 40 },
          xAxis: {
            type: 'value',
            name: xAxis.title,
            nameLocation: 'end',
            nameTextStyle: label,
            axisLabel: label,
            axisLine: { lineStyle: { color: line } },
            splitLine: { show: false },
            min: 0,
            max: xAxis.last,
            minInterval: 1,
          },
          yAxis: {
            type: 'value',
            axisLabel: label,
            axisLine: { show: false },
            splitLine: { lineStyle: { color: line } },
            scale: true,
          },
          series: lines.map(({ name, points, isMain }) => ({
            name,
            type: 'line',
            data: points,
            showSymbol: isMain,
            symbol: 'circle',
            symbolSize: 7,
            lineStyle: { width: isMain ? 2.5 : 1.25, color: isMain ? accent : third },
            itemStyle: { color: isMain ? accent : third },
            endLabel: {
              show: points.length > 1,
              formatter: name,
              align: 'right',
              fontFamily: label.fontFamily,
              color: isMain ? accent : third,
              offset: [-6, isMain ? -14 : 14],
            },
            ...(isMain && mark !== null
              ? {
                  markLine: {
                    symbol: 'none',
                    data: [{ xAxis: mark.x }],
                    lineStyle: { color: ink, type: 'dotted' },
                    label: {
                      formatter: mark.text,
                      color: ink,
                      fontWeight: 600,
                      fontFamily: label.fontFamily,
                    },
                  },
                }
              : {}),
          })),
        },
        { notMerge: true },
      )
    },
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  }
}
