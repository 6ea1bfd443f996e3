// All trials of a study at once as ECharts draws them: a line from setting to setting to its loss, the best end up. One that
// was given up is dashed, so that colour says nothing alone; one that stands for several trials is wider. Pure but for the
// words.
import type { StudyView } from '#shared/contract/studies.ts'
import type { StudyTrial } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import {
  axisLine,
  byPlace,
  font,
  isCrowd,
  looks,
  lossAxis,
  markName,
  type Paint,
  placeOf,
  rankOf,
  tooltip,
  valueAxis,
} from './chart-parts.ts'
import { heldIn, isAbove, type LossRange, measuredRange, measuredTrials, rankTrials } from './chart-points.ts'
import { settingTitle } from './space-form.ts'

/** Axes closer together cannot be told apart. */
const pixelsPerAxis = 106
/** Room left of the first axis and right of the last for their names. */
const sides = { left: 50, right: 46 }

/** The narrowest that the chart can be read at. */
export const leastWidth = (axes: number): number => sides.left + sides.right + (axes - 1) * pixelsPerAxis

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

/** Figures stand on the panel's ground, so that lines that pass behind them leave them readable. */
const onGround = <L extends object>(axisLabel: L, paint: Paint) => ({
  ...axisLabel,
  color: paint('--c-ink'),
  backgroundColor: paint('--c-panel'),
  padding: [3, 4],
  borderRadius: 3,
})

function settingAxes(view: StudyView, paint: Paint) {
  const measured = measuredTrials(view.trials)
  return view.space.map((dimension, dim) => {
    const values = measured.map(({ settings }) => settings[dimension.path] ?? null)
    const axis = valueAxis(dimension, values, paint)
    const name = brokenName(settingTitle(dimension.path))
    return { ...axis, ...axisLook(paint), axisLabel: onGround(axis.axisLabel, paint), dim, name }
  })
}

type Measured = StudyTrial & { readonly lossNats: number }

/** Where a trial's line crosses each axis; '-' where it has no value. */
function placesOf({ space }: StudyView, { settings, lossNats }: Measured, range: LossRange) {
  const places = space.map((dimension) => {
    const value = settings[dimension.path]
    return value === undefined ? '-' : (placeOf(dimension, value) ?? '-')
  })
  return [...places, heldIn(lossNats, range)]
}

/** Trials whose lines would lie upon one another are one. */
function linesOf(view: StudyView) {
  const range = measuredRange(view)
  return byPlace(measuredTrials(view.trials), (trial) => placesOf(view, trial, range))
}

/** Lines that stand for more than one trial. */
export const sharedLines = (view: StudyView): number =>
  linesOf(view).filter(({ length }) => length > 1).length

/** Each further trial makes its line so much wider, up to a limit. */
const widerBy = 1.25
const mostWider = 5

export function parallelChart(view: StudyView, paint: Paint) {
  const measured = measuredTrials(view.trials)
  const ranks = rankTrials(view.trials)
  const range = measuredRange(view)
  const thin = isCrowd(measured.length) ? 0.5 : 1
  const axes = settingAxes(view, paint)
  const ofLoss = lossAxis(paint, range)
  const loss = {
    ...ofLoss,
    ...axisLook(paint),
    axisLabel: onGround(ofLoss.axisLabel, paint),
    dim: axes.length,
    name: t('studies.chart.loss'),
    inverse: true,
    // With the axis turned round its end is below.
    nameLocation: 'start',
  }
  const lines = linesOf(view).map((trials) => {
    const rank = rankOf(trials, ranks)
    const { colour, width, opacity, z } = looks[rank]
    const wider = Math.min(mostWider, widerBy * (trials.length - 1))
    const lineStyle = {
      color: paint(colour),
      width: thin * width + wider,
      opacity: thin * opacity,
      type: isAbove(trials[0].lossNats, range) ? 'dotted' : rank === 'pruned' ? 'dashed' : 'solid',
    }
    return { z, line: { name: markName(trials, range), value: placesOf(view, trials[0], range), lineStyle } }
  })
  return {
    animation: false,
    tooltip: tooltip(paint),
    parallel: { ...sides, top: 58, bottom: 18, axisExpandable: false },
    parallelAxis: [...axes, loss],
    series: [
      {
        type: 'parallel',
        smooth: false,
        inactiveOpacity: 0.06,
        lineStyle: { width: 1 },
        data: lines.sort((a, b) => a.z - b.z).map(({ line }) => line),
      },
    ],
  }
}
