// The charts of a study as ECharts draws them: best so far, one setting at a time, quality and its cost. A trial that was given up is a triangle or a dashed line, so that colour says nothing alone. Pure but for the words.
import type { StudyView } from '#shared/contract/studies.ts'
import type { Dimension, StudiedValue } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import {
  type BestAxis,
  bestRange,
  bestSoFar,
  frontPoints,
  heldIn,
  lossRange,
  measuredTrials,
  presetLoss,
  type Rank,
  rankTrials,
  slicePoints,
  type TradeOff,
} from './chart-points.ts'
import { formatLoss } from './loss-words.ts'
import { settingValue, writeStudied } from './space-form.ts'
import { trialName } from './study-story.ts'

/** A colour of theme.css by its name, as it is now. */
export type Paint = (name: string) => string

export const font = { fontFamily: 'Inter Variable', fontSize: 12 }
const grid = { left: 48, right: 18, top: 22, bottom: 46 }

const label = (paint: Paint) => ({ ...font, color: paint('--c-third') })
export const axisLine = (paint: Paint) => ({ lineStyle: { color: paint('--c-line-strong') } })

export function lossAxis(paint: Paint, { low, high }: { low: number; high: number }) {
  const room = (high - low || Math.abs(high) || 1) * 0.06
  return {
    type: 'value',
    min: Math.max(0, low - room),
    max: high + room,
    axisLabel: {
      ...label(paint),
      formatter: (value: number) => formatLoss(value),
      // Where the plot ends is no figure to read.
      showMinLabel: false,
      showMaxLabel: false,
    },
    axisLine: { show: false },
    axisTick: { show: false },
    splitNumber: 4,
    splitLine: { lineStyle: { color: paint('--c-line') } },
  }
}

/** Words of the point under the mouse; the same stand in the table. */
export const tooltip = (paint: Paint) => ({
  trigger: 'item',
  renderMode: 'richText',
  confine: true,
  backgroundColor: paint('--c-panel'),
  borderColor: paint('--c-line-strong'),
  textStyle: { ...font, color: paint('--c-ink') },
  formatter: ({ name }: { name: string }) => name,
})
export const pointName = (number: number, lossNats: number): string =>
  t('studies.chart.trial', { trial: trialName(number), loss: formatLoss(lossNats) })

export const looks: Readonly<Record<Rank, { colour: string; width: number; opacity: number; z: number }>> = {
  best: { colour: '--c-subject-tuned', width: 2.75, opacity: 1, z: 4 },
  half: { colour: '--c-subject-few-shot', width: 1.5, opacity: 0.9, z: 3 },
  rest: { colour: '--c-subject-base', width: 1, opacity: 0.8, z: 2 },
  pruned: { colour: '--c-subject-base', width: 1, opacity: 0.6, z: 1 },
}

/** Of very many trials the lines and points are finer. */
const crowd = 200
export const isCrowd = (count: number): boolean => count > crowd

interface Dot {
  readonly rank: Rank
  readonly value: readonly unknown[]
  readonly name: string
  readonly isFine: boolean
}

function dot(paint: Paint, { rank, value, name, isFine }: Dot) {
  const { colour, opacity } = looks[rank]
  const color = paint(colour)
  return {
    name,
    value,
    symbol: rank === 'pruned' ? 'triangle' : 'circle',
    symbolSize: (rank === 'best' ? 9 : 7) - (isFine ? 3 : 0),
    itemStyle:
      rank === 'pruned'
        ? { color: 'transparent', borderColor: paint('--c-third'), borderWidth: 1.25 }
        : { color, opacity: isFine ? opacity * 0.7 : opacity },
  }
}

export function bestChart(view: StudyView, axis: BestAxis, paint: Paint) {
  const { points, line, lastX } = bestSoFar(view, axis)
  const ranks = rankTrials(view.trials)
  const preset = presetLoss(view.trials)
  const range = bestRange(view)
  const presetLine = {
    symbol: 'none',
    silent: true,
    lineStyle: { color: paint('--c-ink'), type: 'dotted' },
    label: {
      ...font,
      color: paint('--c-ink'),
      position: 'insideEndTop',
      backgroundColor: paint('--c-panel'),
      padding: [0, 2],
      formatter: t('studies.chart.presetLine', { loss: formatLoss(preset ?? 0) }),
    },
    data: [{ yAxis: preset }],
  }
  return {
    animation: false,
    grid,
    tooltip: tooltip(paint),
    xAxis: {
      type: 'value',
      min: 0,
      max: lastX || 1,
      name: t(`studies.chart.${axis}`),
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: label(paint),
      axisLabel: label(paint),
      axisLine: axisLine(paint),
      splitLine: { show: false },
      ...(axis === 'trials' ? { minInterval: 1 } : {}),
    },
    yAxis: lossAxis(paint, range),
    series: [
      {
        type: 'scatter',
        data: points.map(({ x, number, lossNats }) =>
          dot(paint, {
            rank: ranks.get(number) ?? 'rest',
            value: [x, heldIn(lossNats, range)],
            name: pointName(number, lossNats),
            isFine: isCrowd(points.length),
          }),
        ),
      },
      {
        type: 'line',
        step: 'end',
        data: line.map(([x, lossNats]) => [x, heldIn(lossNats, range)]),
        showSymbol: false,
        silent: true,
        lineStyle: { width: 2.5, color: paint('--c-accent') },
        ...(preset === null ? {} : { markLine: presetLine }),
      },
    ],
  }
}

/** Values of a dimension across: a category each, by factors, or plainly. */
export function valueAxis(dimension: Dimension, values: readonly StudiedValue[], paint: Paint) {
  if (dimension.kind === 'choice') {
    const names = dimension.values.map((value) => settingValue(dimension.path, value))
    return {
      type: 'category',
      data: names,
      axisLabel: { ...label(paint), hideOverlap: true },
      axisTick: { show: false },
    }
  }
  const figures = values.filter((value) => typeof value === 'number')
  return {
    type: dimension.isLog ? 'log' : 'value',
    min: Math.min(dimension.low, ...figures),
    max: Math.max(dimension.high, ...figures),
    axisLabel: { ...label(paint), hideOverlap: true, formatter: (value: number) => writeStudied(value) },
    splitLine: { show: false },
  }
}
export const placeOf = (dimension: Dimension, value: StudiedValue): string | number | null =>
  dimension.kind === 'choice' ? settingValue(dimension.path, value) : typeof value === 'number' ? value : null

export function sliceChart(view: StudyView, dimension: Dimension, paint: Paint) {
  const points = slicePoints(view.trials, dimension.path)
  const ranks = rankTrials(view.trials)
  const range = lossRange(measuredTrials(view.trials).map(({ lossNats }) => lossNats))
  const axis = valueAxis(
    dimension,
    points.map(({ value }) => value),
    paint,
  )
  return {
    animation: false,
    grid: { ...grid, bottom: 28, left: 42, right: 22 },
    tooltip: tooltip(paint),
    xAxis: { ...axis, axisLine: axisLine(paint), splitNumber: 3 },
    yAxis: lossAxis(paint, range),
    series: [
      {
        type: 'scatter',
        data: points.map(({ number, lossNats, value }) =>
          dot(paint, {
            rank: ranks.get(number) ?? 'rest',
            value: [placeOf(dimension, value), heldIn(lossNats, range)],
            name: pointName(number, lossNats),
            isFine: isCrowd(points.length),
          }),
        ),
      },
    ],
  }
}

export function frontChart(view: StudyView, against: TradeOff, paint: Paint) {
  const points = frontPoints(view, against)
  const ranks = rankTrials(view.trials)
  const front = points.filter(({ isOnFront }) => isOnFront).sort((a, b) => a.cost - b.cost)
  const range = lossRange(points.map(({ lossNats }) => lossNats))
  return {
    animation: false,
    grid,
    tooltip: tooltip(paint),
    xAxis: {
      type: 'value',
      scale: true,
      name: t(`studies.fronts.axis.${against}`),
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: label(paint),
      axisLabel: label(paint),
      axisLine: axisLine(paint),
      splitLine: { show: false },
    },
    yAxis: lossAxis(paint, range),
    series: [
      {
        type: 'line',
        step: 'end',
        silent: true,
        showSymbol: false,
        data: front.map(({ cost, lossNats }) => [cost, heldIn(lossNats, range)]),
        lineStyle: { width: 1.5, color: paint('--c-accent'), type: 'dashed' },
      },
      {
        type: 'scatter',
        data: points.map(({ number, cost, lossNats, isOnFront }) => {
          const drawn = dot(paint, {
            rank: ranks.get(number) ?? 'rest',
            value: [cost, heldIn(lossNats, range)],
            name: pointName(number, lossNats),
            isFine: isCrowd(points.length),
          })
          if (!isOnFront) return drawn
          const ring = { color: paint('--c-panel'), borderColor: paint('--c-accent'), borderWidth: 2.5 }
          return { ...drawn, symbolSize: 11, itemStyle: ring }
        }),
      },
    ],
  }
}
