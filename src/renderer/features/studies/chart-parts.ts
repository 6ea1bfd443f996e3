// What the charts of a study are made of, as ECharts takes it: axes, marks, lines and words under the mouse. A trial that was
// given up is a triangle or a dashed line, so that colour says nothing alone; trials whose marks lie upon one another are one
// mark that says how many. Pure but for the words.
import type { Dimension, StudiedValue } from '#shared/study.ts'
import { t } from '../../words/index.ts'
import { heldIn, isAbove, type LossRange, type Rank, roomOf } from './chart-points.ts'
import { formatLoss } from './loss-words.ts'
import { settingValue, writeStudied } from './space-form.ts'
import { trialName } from './study-story.ts'

/** A colour of theme.css by its name, as it is now. */
export type Paint = (name: string) => string

export const font = { fontFamily: 'Inter Variable', fontSize: 12 }
const label = (paint: Paint) => ({ ...font, color: paint('--c-third') })
export const axisLine = (paint: Paint) => ({ lineStyle: { color: paint('--c-line-strong') } })

/** Figures across, with their name below. */
export const figureAxis = (paint: Paint, name: string) => ({
  type: 'value',
  name,
  nameLocation: 'middle',
  nameGap: 28,
  nameTextStyle: label(paint),
  axisLabel: label(paint),
  axisLine: axisLine(paint),
  splitLine: { show: false },
})

export function lossAxis(paint: Paint, { low, high }: { low: number; high: number }) {
  const room = roomOf({ low, high })
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

/** Values of a dimension across: a category each, by factors, or plainly. */
export function valueAxis(dimension: Dimension, values: readonly StudiedValue[], paint: Paint) {
  const looks = { axisLabel: { ...label(paint), hideOverlap: true }, axisLine: axisLine(paint) }
  if (dimension.kind === 'choice') {
    const names = dimension.values.map((value) => settingValue(dimension.path, value))
    return { ...looks, type: 'category', data: names, axisTick: { show: false } }
  }
  const figures = values.filter((value) => typeof value === 'number')
  return {
    ...looks,
    type: dimension.isLog ? 'log' : 'value',
    min: Math.min(dimension.low, ...figures),
    max: Math.max(dimension.high, ...figures),
    axisLabel: { ...looks.axisLabel, formatter: (value: number) => writeStudied(value) },
    splitLine: { show: false },
  }
}
export const placeOf = (dimension: Dimension, value: StudiedValue): string | number | null =>
  dimension.kind === 'choice' ? settingValue(dimension.path, value) : typeof value === 'number' ? value : null

/** Words of what is under the mouse; the same stand in the table. */
export const tooltip = (paint: Paint) => ({
  trigger: 'item',
  renderMode: 'richText',
  confine: true,
  backgroundColor: paint('--c-panel'),
  borderColor: paint('--c-line-strong'),
  textStyle: { ...font, color: paint('--c-ink') },
  formatter: ({ name }: { name: string }) => name,
})

export interface NamedTrial {
  readonly number: number
  readonly lossNats: number
}
const pointName = ({ number, lossNats }: NamedTrial, range: LossRange): string =>
  t(isAbove(lossNats, range) ? 'studies.chart.trialAbove' : 'studies.chart.trial', {
    trial: trialName(number),
    loss: formatLoss(lossNats),
  })

/** More trials of one mark are counted and not named. */
const mostNamed = 6
/** What a mark says of its trials, a line each. */
export function markName(trials: readonly NamedTrial[], range: LossRange): string {
  const more = trials.length - mostNamed
  const named = trials.slice(0, mostNamed).map((trial) => pointName(trial, range))
  return [...named, ...(more > 0 ? [t('studies.chart.more', { count: more })] : [])].join('\n')
}

export const looks: Readonly<Record<Rank, { colour: string; width: number; opacity: number; z: number }>> = {
  best: { colour: '--c-subject-tuned', width: 2.75, opacity: 1, z: 4 },
  half: { colour: '--c-subject-few-shot', width: 1.5, opacity: 0.9, z: 3 },
  rest: { colour: '--c-subject-base', width: 1, opacity: 0.8, z: 2 },
  pruned: { colour: '--c-subject-base', width: 1, opacity: 0.6, z: 1 },
}

/** Of very many trials the lines and points are finer. */
const crowd = 200
export const isCrowd = (count: number): boolean => count > crowd

/** What lies at one place, in the order of the first of each. */
export function byPlace<T>(
  items: readonly T[],
  placeOfItem: (item: T) => unknown,
): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<string, [T, ...T[]]>()
  for (const item of items) {
    const place = JSON.stringify(placeOfItem(item))
    const group = groups.get(place)
    if (group === undefined) groups.set(place, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

/** Of trials at one place the mark is that of the best. */
export const rankOf = (trials: readonly NamedTrial[], ranks: ReadonlyMap<number, Rank>): Rank =>
  trials
    .map(({ number }) => ranks.get(number) ?? 'rest')
    .reduce((best, rank) => (looks[rank].z > looks[best].z ? rank : best))

export interface Dot extends NamedTrial {
  readonly x: string | number | null
  /** No other trial is better in both. */
  readonly isRinged?: boolean
}

interface DotView {
  readonly ranks: ReadonlyMap<number, Rank>
  readonly range: LossRange
  readonly paint: Paint
}

/**
 * Trials as points over their losses; those that lie upon one another are one point with their number beside it. What lies
 * above the chart is a hollow arrow at its edge.
 */
export function scatterOf(dots: readonly Dot[], { ranks, range, paint }: DotView) {
  const isFine = isCrowd(dots.length)
  const data = byPlace(dots, ({ x, lossNats }) => [x, heldIn(lossNats, range)]).map((trials) => {
    const [{ x, lossNats }] = trials
    return {
      name: markName(trials, range),
      value: [x, heldIn(lossNats, range)],
      ...dotLook(rankOf(trials, ranks), isFine, paint),
      ...(trials.some(({ isRinged }) => isRinged) ? ringLook(paint) : {}),
      ...(isAbove(lossNats, range) ? aboveLook(paint) : {}),
      ...(trials.length > 1 ? { label: countLabel(trials.length, paint) } : {}),
    }
  })
  return { type: 'scatter', data }
}

function dotLook(rank: Rank, isFine: boolean, paint: Paint) {
  const { colour, opacity } = looks[rank]
  return {
    symbol: rank === 'pruned' ? 'triangle' : 'circle',
    symbolSize: (rank === 'best' ? 9 : 7) - (isFine ? 3 : 0),
    itemStyle:
      rank === 'pruned'
        ? { color: 'transparent', borderColor: paint('--c-third'), borderWidth: 1.25 }
        : { color: paint(colour), opacity: isFine ? opacity * 0.7 : opacity },
  }
}

const ringLook = (paint: Paint) => ({
  symbolSize: 11,
  itemStyle: { color: paint('--c-panel'), borderColor: paint('--c-accent'), borderWidth: 2.5 },
})

const aboveLook = (paint: Paint) => ({
  symbol: 'arrow',
  symbolSize: 11,
  itemStyle: { color: paint('--c-panel'), borderColor: paint('--c-second'), borderWidth: 1.5 },
})

const countLabel = (count: number, paint: Paint) => ({
  ...font,
  show: true,
  position: 'right',
  distance: 3,
  color: paint('--c-second'),
  formatter: t('studies.chart.times', { number: count }),
})

/** The steps of a rising or falling line over losses; where it lies above the chart it is not drawn. */
export const stepLine = (
  points: readonly (readonly [x: number, lossNats: number])[],
  lineStyle: Readonly<Record<string, unknown>>,
) => ({
  type: 'line',
  step: 'end',
  silent: true,
  showSymbol: false,
  clip: true,
  data: points.map(([x, lossNats]) => [x, lossNats]),
  lineStyle,
})
