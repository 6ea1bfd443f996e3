// The words of a comparison: settings by name, and what the chart draws. Pure but for the words.
import type { CallOutput } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { scenarioIds } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import type { ChartLine, ChartView } from '../../components/line-chart.ts'
import { nameForeign } from '../../foreign-text.ts'
import { namesClasses } from '../../metric-words.ts'
import { type PlainKey, t } from '../../words/index.ts'
import { fieldWord, shownFields, wordValue } from '../wizard/recipe-form.ts'
import type { CurveAxis } from './compared-runs.ts'
import { formatRate } from './experiment-words.ts'
import { markOf, type RunMark } from './run-marks.ts'

type Setting = CallOutput<'experiments.compare'>['settings'][number]

export interface SettingLine {
  readonly path: string
  readonly title: string
  readonly term: string
  readonly values: readonly string[]
  /** For each value whether it is other than the first run's. */
  readonly isOther: readonly boolean[]
}

const worded = new Set(shownFields.map(({ path }) => path))
const fields = new Map(recipeFields.map((field) => [field.path, field]))

/** Settings that the wizard asks for on another step than its fine settings. */
const asked: Readonly<Record<string, PlainKey>> = {
  scenario: 'experiments.compare.scenario',
  instruction: 'experiments.compare.instruction',
  'before.path': 'experiments.compare.before',
}
const titleOf = (path: string): string => {
  if (worded.has(path)) return fieldWord(path, 'title')
  const key = asked[path]
  return key === undefined ? path : t(key)
}

/** A setting in plain words; one that the wizard does not show by its path in the recipe. */
export function settingLine({ path, values }: Setting): SettingLine {
  const field = fields.get(path)
  const write = (value: Setting['values'][number]): string => {
    if (path.startsWith('before.') && value === null) return t('experiments.compare.noBefore')
    if (path.endsWith('.learningRate') && typeof value === 'number') return formatRate(value)
    if (field !== undefined && worded.has(path)) return wordValue(field, value)
    const scenario = path === 'scenario' ? scenarioIds.find((id) => id === value) : undefined
    if (scenario !== undefined) return t(`common.scenarios.${scenario}`)
    return typeof value === 'string' ? nameForeign(value, 200) : JSON.stringify(value)
  }
  const texts = values.map((value) => JSON.stringify(value))
  return {
    path,
    title: titleOf(path),
    term: worded.has(path) ? fieldWord(path, 'term') : '',
    values: values.map(write),
    isOther: texts.map((text) => text !== texts[0]),
  }
}

type Curve = CallOutput<'experiments.curves'>['curves'][number]

/**
 * The last step of the texts that a run read first: nothing is measured before it. null where it read none, and while no
 * measurement tells where its rows begin.
 */
const borderOf = ({ validation }: Curve, readsFirst: boolean): number | null =>
  readsFirst ? (validation[0]?.[0] ?? null) : null

/** Training losses of texts and of rows are two lines: they do not compare. */
function trainLines(curve: Curve, readsFirst: boolean, { letter, look }: RunMark): ChartLine[] {
  const { name, train } = curve
  const border = borderOf(curve, readsFirst)
  const rows = { isMain: false, look: { ...look, dash: 'solid' as const }, label: '' }
  const texts = {
    isMain: false,
    look: { ...look, dash: 'dotted' as const },
    label: t('experiments.compare.textsLabel', { letter }),
  }
  const line = (key: 'trainLine' | 'textsLine' | 'textsThenTrainLine', points: Curve['train']) => ({
    name: t(`experiments.compare.${key}`, { letter, name }),
    points,
  })
  if (!readsFirst) return [{ ...line('trainLine', train), ...rows }]
  if (border === null) return [{ ...line('textsThenTrainLine', train), ...texts }]
  return [
    {
      ...line(
        'textsLine',
        train.filter(([step]) => step <= border),
      ),
      ...texts,
    },
    {
      ...line(
        'trainLine',
        train.filter(([step]) => step > border),
      ),
      ...rows,
    },
  ]
}

/** Seconds in the unit that the longest curve is read in; steps and tokens as they are. */
function onAxis(curves: readonly Curve[], axis: CurveAxis): { curves: readonly Curve[]; xTitle: string } {
  if (axis !== 'time') return { curves, xTitle: t(`experiments.axes.${axis}Title`) }
  const longest = Math.max(0, ...curves.map(({ train }) => train.at(-1)?.[0] ?? 0))
  const unit = longest < 180 ? 'seconds' : longest < 10_800 ? 'minutes' : 'hours'
  const seconds = { seconds: 1, minutes: 60, hours: 3600 }[unit]
  const scaled = (points: Curve['train']): Curve['train'] => points.map(([x, y]) => [x / seconds, y])
  return {
    curves: curves.map((curve) => ({
      ...curve,
      train: scaled(curve.train),
      validation: scaled(curve.validation),
    })),
    xTitle: t(`experiments.axes.${unit}Title`),
  }
}

/**
 * Every curve twice: training thin, unseen rows strong with the run's letter at its end. Of a run that read texts of its
 * field first (`readFirst`: their ids) these are a line of their own.
 */
export function chartOf(
  measured: readonly Curve[],
  ticked: readonly string[],
  readFirst: ReadonlySet<string> = new Set(),
  axis: CurveAxis = 'step',
): ChartView {
  const { curves, xTitle } = onAxis(measured, axis)
  const lines = curves.flatMap((curve) => {
    const mark = markOf(ticked, curve.runId)
    if (mark === null) return []
    const { letter, look } = mark
    const { name, validation } = curve
    const measured = {
      name: t('experiments.compare.validationLine', { letter, name }),
      points: validation,
      isMain: true,
      look,
      label: letter,
    }
    return [...trainLines(curve, readFirst.has(curve.runId), mark), measured].filter(
      ({ points }) => points.length > 0,
    )
  })
  const lastX = Math.max(1, ...lines.map(({ points }) => points.at(-1)?.[0] ?? 1))
  // A label has no room at the end of a few steps; below the chart it is said all the same.
  const isShort = ({ isMain, points }: ChartLine): boolean => !isMain && (points.at(-1)?.[0] ?? 0) < lastX / 6
  return {
    lines: lines.map((line) => (isShort(line) ? { ...line, label: '' } : line)),
    mark: null,
    xTitle,
    lastX,
  }
}

/** What lines of one chart do not compare, in words: texts with rows, labels with words. Empty where all do. */
export function notComparable(
  curves: readonly Curve[],
  rows: readonly ExperimentRow[],
  ticked: readonly string[],
  axis: CurveAxis = 'step',
): string[] {
  const readFirst = rows.filter(readsFirst)
  const curveOf = new Map(curves.map((curve) => [curve.runId, curve]))
  const borders = readFirst.flatMap(({ id }) => {
    const curve = curveOf.get(id)
    const step = curve && borderOf(curve, true)
    return step && axis === 'step'
      ? [t('experiments.compare.textsUntil', { letter: markOf(ticked, id)?.letter ?? '', step })]
      : []
  })
  const isOfMixedKind = new Set(rows.map(({ method }) => namesClasses(method))).size > 1
  return [
    ...(readFirst.length > 0 ? [[t('experiments.compare.texts'), ...borders].join(' ')] : []),
    ...(isOfMixedKind ? [t('experiments.compare.otherLoss')] : []),
  ]
}

/** Whether a run read texts of its field before its rows. */
export const readsFirst = ({ beforeFingerprint }: Pick<ExperimentRow, 'beforeFingerprint'>): boolean =>
  beforeFingerprint !== null

/** Runs of one metric that were measured on the same rows, and whose figures are of one kind. */
export interface FigureGroup {
  readonly metric: MetricName
  readonly intervals: readonly Interval[]
  readonly rows: readonly { readonly row: ExperimentRow; readonly interval: Interval }[]
}

/** A loss of a new last layer is about labels, elsewhere it is about words. */
const lossMetrics: ReadonlySet<MetricName> = new Set(['lossNats', 'perplexity'])

/**
 * The figures of the runs, metric by metric; runs whose figures do not compare stand in groups of their own: other locked
 * rows, or losses of labels beside losses of words. `rows` are in the order of the comparison's values.
 */
export function figureGroups(
  rows: readonly ExperimentRow[],
  { metrics, lockedRows }: Pick<CallOutput<'experiments.compare'>, 'metrics' | 'lockedRows'>,
): FigureGroup[] {
  return metrics.flatMap(({ metric, values }) => {
    const groups = new Map<string, { row: ExperimentRow; interval: Interval }[]>()
    for (const [at, row] of rows.entries()) {
      const interval = values[at] ?? null
      if (interval === null) continue
      const key = `${lockedRows[at]} ${lossMetrics.has(metric) && namesClasses(row.method)}`
      groups.set(key, [...(groups.get(key) ?? []), { row, interval }])
    }
    return [...groups.values()].map((found) => ({
      metric,
      intervals: found.map(({ interval }) => interval),
      rows: found,
    }))
  })
}
