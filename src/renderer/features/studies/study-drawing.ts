// The drawing behind StudyChart.vue, with only the parts of ECharts that a study's charts need. Loaded with the first one.
import { LineChart, ParallelChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent, ParallelComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { Paint } from './chart-parts.ts'

use([
  LineChart,
  ScatterChart,
  ParallelChart,
  GridComponent,
  ParallelComponent,
  MarkLineComponent,
  TooltipComponent,
  CanvasRenderer,
])

export interface Drawing {
  draw(build: (paint: Paint) => Record<string, unknown>): void
  resize(): void
  dispose(): void
}

export function openDrawing(place: HTMLElement): Drawing {
  const chart = init(place)
  const paint: Paint = (name) => getComputedStyle(place).getPropertyValue(name).trim()
  return {
    draw: (build) => chart.setOption(build(paint), { notMerge: true }),
    resize: () => chart.resize(),
    dispose: () => chart.dispose(),
  }
}
