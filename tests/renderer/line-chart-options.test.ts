// What ECharts draws of a chart of lines, drawn without a page.
import { LineChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { SVGRenderer } from 'echarts/renderers'
import { describe, expect, it } from 'vitest'
import { cornersOf, optionsAbove, optionsOf } from '#renderer/components/line-chart-options.ts'
import type { ChartLine, ChartView } from '#renderer/components/line-chart-view.ts'

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, LabelLayout, SVGRenderer])
const size = { width: 600, height: 330 }
const paint = {
  colour: (name: string): string => ({ '--c-third': '#777777', '--c-accent': '#0000aa' })[name] ?? '#000000',
  size: () => size,
  toPixel: ([x, y]: readonly [number, number]) => [x, y] as const,
}
function drawn(option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
const viewOf = (lines: readonly ChartLine[]): ChartView => ({ lines, mark: null, xTitle: 'steps', lastX: 9 })
const faint = (...points: (readonly [number, number])[]): ChartLine => ({
  ...{ name: '', points, isMain: false, isFaint: true, label: '' },
  look: { colour: '--c-third', dash: 'solid' },
})

describe('a chart of lines', () => {
  // Bug: "Tokens {c} of {a}" was drawn as "Tokens 3,4 of x".
  it.each([
    [
      'a picked line',
      { isMain: true, isPicked: true, look: { colour: '--c-accent', dash: 'solid' as const } },
    ],
    ['a grey line', { isMain: false }],
  ])('has the name of %s as it is, whatever braces are in it', (_what, how) => {
    const points = [
      [1, 3],
      [3, 4],
    ] as const
    const line: ChartLine = { name: 'x', points, label: 'Tokens {c} of {a}', ...how }
    expect(drawn(optionsOf(viewOf([line]), paint))).toContain('Tokens {c} of {a}')
  })

  it('has the words of a mark and of a border as they are', () => {
    const line: ChartLine = {
      name: 'x',
      points: [
        [1, 3],
        [3, 4],
      ],
      isMain: true,
    }
    const svg = drawn(
      optionsOf(
        { ...viewOf([line]), mark: { x: 2, text: 'kept {c}' }, border: { x: 1, text: 'from {b}' } },
        paint,
      ),
    )
    expect(svg).toContain('kept {c}')
    expect(svg).toContain('from {b}')
  })

  // Bug: among very many a run with one measurement was nowhere.
  it('has very many as two series, and those of one point as that point', () => {
    const many = [faint([1, 1], [9, 2]), faint([4, 1.5]), faint([1, 2], [9, 1])]
    const { series } = optionsOf(viewOf(many), paint)
    expect(series).toHaveLength(2)
    const fills = (lines: readonly ChartLine[]): number =>
      [...drawn(optionsOf(viewOf(lines), paint)).matchAll(/fill="#777777"/g)].length
    expect(fills(many) - fills([many[0]!, many[2]!])).toBe(1)
  })

  it('has lines above it on its own axes', () => {
    const view = viewOf([faint([1, 1], [9, 2])])
    const above: ChartLine = {
      name: 'x',
      points: [
        [1, 1],
        [9, 2],
      ],
      isMain: true,
      label: 'A',
      look: { colour: '--c-accent', dash: 'solid' },
    }
    const options = optionsAbove([above], view, { low: 0, high: 4 }, paint)
    expect(options).toMatchObject({
      xAxis: { min: 0, max: 9 },
      yAxis: { min: 0, max: 4 },
      grid: optionsOf(view, paint).grid,
    })
    expect(drawn(options)).toContain('>A<')
    expect(cornersOf(view, size)).toEqual({ left: 52, top: 28, right: 584, bottom: 278 })
  })
})
