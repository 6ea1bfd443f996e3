// Three charts of a study as ECharts draws them: best so far, one setting at a time, quality and its cost. Pure but for the
// words.
import type { StudyView } from '#shared/contract/studies.ts'
import type { Dimension } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import {
  figureAxis,
  font,
  lossAxis,
  type Paint,
  placeOf,
  scatterOf,
  stepLine,
  tooltip,
  valueAxis,
} from './chart-parts.ts'
import {
  type BestAxis,
  bestRange,
  bestSoFar,
  frontPoints,
  frontRange,
  measuredRange,
  presetLoss,
  rankTrials,
  slicePoints,
  type TradeOff,
} from './chart-points.ts'
import { formatLoss } from './loss-words.ts'

const grid = { left: 48, right: 22, top: 22, bottom: 46 }

/** Where the plan stands that the search began from. */
const presetLine = (paint: Paint, preset: number) => ({
  symbol: 'none',
  silent: true,
  lineStyle: { color: paint('--c-ink'), type: 'dotted' },
  label: {
    ...font,
    color: paint('--c-ink'),
    position: 'insideEndTop',
    backgroundColor: paint('--c-panel'),
    padding: [0, 2],
    formatter: t('studies.chart.presetLine', { loss: formatLoss(preset) }),
  },
  data: [{ yAxis: preset }],
})

export function bestChart(view: StudyView, axis: BestAxis, paint: Paint) {
  const { points, line, lastX } = bestSoFar(view, axis)
  const preset = presetLoss(view.trials)
  const range = bestRange(view)
  return {
    animation: false,
    grid,
    tooltip: tooltip(paint),
    xAxis: {
      ...figureAxis(paint, t(`studies.chart.${axis}`)),
      min: 0,
      max: lastX || 1,
      ...(axis === 'trials' ? { minInterval: 1 } : {}),
    },
    yAxis: lossAxis(paint, range),
    series: [
      scatterOf(points, { ranks: rankTrials(view.trials), range, paint }),
      {
        ...stepLine(line, { width: 2.5, color: paint('--c-accent') }),
        ...(preset === null ? {} : { markLine: presetLine(paint, preset) }),
      },
    ],
  }
}

export function sliceChart(view: StudyView, dimension: Dimension, paint: Paint) {
  const points = slicePoints(view.trials, dimension.path)
  const range = measuredRange(view)
  const values = points.map(({ value }) => value)
  const dots = points.map((point) => ({ ...point, x: placeOf(dimension, point.value) }))
  return {
    animation: false,
    grid: { ...grid, bottom: 28, left: 42 },
    tooltip: tooltip(paint),
    xAxis: { ...valueAxis(dimension, values, paint), splitNumber: 3 },
    yAxis: lossAxis(paint, range),
    series: [scatterOf(dots, { ranks: rankTrials(view.trials), range, paint })],
  }
}

export function frontChart(view: StudyView, against: TradeOff, paint: Paint) {
  const points = frontPoints(view, against)
  const front = points.filter(({ isOnFront }) => isOnFront).sort((a, b) => a.cost - b.cost)
  const range = frontRange(view, against)
  const dots = points.map(({ cost, isOnFront, ...trial }) => ({ ...trial, x: cost, isRinged: isOnFront }))
  const line = front.map(({ cost, lossNats }) => [cost, lossNats] as const)
  return {
    animation: false,
    grid,
    tooltip: tooltip(paint),
    xAxis: { ...figureAxis(paint, t(`studies.fronts.axis.${against}`)), scale: true },
    yAxis: lossAxis(paint, range),
    series: [
      stepLine(line, { width: 1.5, color: paint('--c-accent'), type: 'dashed' }),
      scatterOf(dots, { ranks: rankTrials(view.trials), range, paint }),
    ],
  }
}
