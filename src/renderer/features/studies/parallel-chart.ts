// All trials of a study at once as ECharts draws them: a line from setting to setting to its loss, the best end up. One that
// was given up is dashed, so that colour says nothing alone. Pure but for the words.
import type { StudyView } from '#shared/contract/studies.ts'
import type { StudyTrial } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import { heldIn, type LossRange, lossRange, measuredTrials, type Rank, rankTrials } from './chart-points.ts'
import { settingTitle } from './space-form.ts'
import {
  axisLine,
  font,
  isCrowd,
  looks,
  lossAxis,
  type Paint,
  placeOf,
  pointName,
  tooltip,
  valueAxis,
} from './study-charts.ts'

/** Axes closer together cannot be told apart. */
export const pixelsPerAxis = 106

/** Characters that stand above an axis before its neighbour's begin. */
const nameWidth = 16

/** A long name over several lines, each as full as it can be. */
export function brokenName(name: string): string {
  const lines: string[] = []
  for (const word of name.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= nameWidth)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

const axisLook = (paint: Paint) => ({
  nameTextStyle: { ...font, color: paint('--c-second'), lineHeight: 15 },
  nameLocation: 'end',
  axisLine: axisLine(paint),
  axisTick: { show: false },
  // Its figures stand before the lines.
  z: 5,
})

function settingAxes(view: StudyView, paint: Paint) {
  const measured = measuredTrials(view.trials)
  return view.space.map((dimension, dim) => {
    const values = measured.map(({ settings }) => settings[dimension.path] ?? null)
    const axis = valueAxis(dimension, values, paint)
    const label = { ...axis.axisLabel, backgroundColor: paint('--c-panel'), padding: [0, 2] }
    return {
      ...axis,
      ...axisLook(paint),
      axisLabel: label,
      dim,
      name: brokenName(settingTitle(dimension.path)),
    }
  })
}

interface Lines {
  readonly range: LossRange
  readonly ranks: ReadonlyMap<number, Rank>
  readonly isFine: boolean
}

function lineOf(
  view: StudyView,
  { number, settings, lossNats }: StudyTrial & { readonly lossNats: number },
  { range, ranks, isFine }: Lines,
  paint: Paint,
) {
  const rank = ranks.get(number) ?? 'rest'
  const { colour, width, opacity } = looks[rank]
  const values = view.space.map((dimension) => {
    const value = settings[dimension.path]
    return value === undefined ? '-' : (placeOf(dimension, value) ?? '-')
  })
  return {
    name: pointName(number, lossNats),
    value: [...values, heldIn(lossNats, range)],
    lineStyle: {
      color: paint(colour),
      width: isFine ? width / 2 : width,
      opacity: isFine ? opacity / 2 : opacity,
      type: rank === 'pruned' ? 'dashed' : 'solid',
    },
  }
}

export function parallelChart(view: StudyView, paint: Paint) {
  const measured = measuredTrials(view.trials)
  const ranks = rankTrials(view.trials)
  const range = lossRange(measured.map(({ lossNats }) => lossNats))
  const lines = { range, ranks, isFine: isCrowd(measured.length) }
  const depth = (number: number): number => looks[ranks.get(number) ?? 'rest'].z
  const axes = settingAxes(view, paint)
  const loss = {
    ...lossAxis(paint, range),
    ...axisLook(paint),
    dim: axes.length,
    name: t('studies.chart.loss'),
    inverse: true,
    // With the axis turned round its end is below.
    nameLocation: 'start',
  }
  return {
    animation: false,
    tooltip: tooltip(paint),
    parallel: { left: 50, right: 46, top: 58, bottom: 18, axisExpandable: false },
    parallelAxis: [...axes, loss],
    series: [
      {
        type: 'parallel',
        smooth: false,
        inactiveOpacity: 0.06,
        lineStyle: { width: 1 },
        data: [...measured]
          .sort((a, b) => depth(a.number) - depth(b.number))
          .map((trial) => lineOf(view, trial, lines, paint)),
      },
    ],
  }
}
