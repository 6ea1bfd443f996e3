// What the chart of compared runs draws. A few have both lines each; of more there is a line each, and of very many that
// line is thin and grey until a person points at it. Pure but for the words.
import type { OverlayCurve as Curve } from '#shared/contract/comparison.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { ChartLine, ChartView, LineLook } from '../../components/line-chart-view.ts'
import { nameForeign } from '../../foreign-text.ts'
import { namesClasses } from '../../metric-words.ts'
import { t } from '../../words/index.ts'
import { readsFirst } from './compare-words.ts'
import type { CurveAxis } from './compared-known.ts'
import { endApart } from './label-end.ts'
import { type MarkOf, mostInFull, type RunMark } from './run-marks.ts'
import type { Spread } from './spread-lines.ts'

/**
 * The last step of the texts that a run read first: nothing is measured before it. null where it read none, and while no
 * measurement tells where its rows begin.
 */
const borderOf = ({ validation }: Curve, isAfterTexts: boolean): number | null =>
  isAfterTexts ? (validation[0]?.[0] ?? null) : null

/** A run's curve with how it is told from the others. */
interface DrawnRun {
  readonly curve: Curve
  readonly letter: string
  readonly look: LineLook
  readonly isAfterTexts: boolean
}

/** Training losses of texts and of rows are two lines: they do not compare. */
function trainLines({ curve, letter, look, isAfterTexts }: DrawnRun): ChartLine[] {
  const { name, train, runId: id } = curve
  const border = borderOf(curve, isAfterTexts)
  const rows = { id, isMain: false, look: { ...look, dash: 'solid' as const }, label: '' }
  const label = t('experiments.compare.textsLabel', { letter })
  const texts = { id, isMain: false, look: { ...look, dash: 'dotted' as const }, label }
  const line = (key: 'trainLine' | 'textsLine' | 'textsThenTrainLine', points: Curve['train']) => ({
    name: t(`experiments.compare.${key}`, { letter, name }),
    points,
  })
  if (!isAfterTexts) return [{ ...line('trainLine', train), ...rows }]
  if (border === null) return [{ ...line('textsThenTrainLine', train), ...texts }]
  const [before, behind] = [train.filter(([step]) => step <= border), train.filter(([step]) => step > border)]
  return [
    { ...line('textsLine', before), ...texts },
    { ...line('trainLine', behind), ...rows },
  ]
}

function measuredLine({ curve, letter, look }: DrawnRun): ChartLine {
  const { name, validation: points, runId: id } = curve
  const named = t('experiments.compare.validationLine', { letter, name })
  return { id, name: named, points, isMain: true, look, label: letter, isLetter: true }
}

/** Where nothing was measured yet the line of training rows bears the run's letter. */
function unmeasured(run: DrawnRun): ChartLine[] {
  const lines = trainLines(run)
  return lines.map((line) => (line.label === '' ? { ...line, label: run.letter, isLetter: true } : line))
}

/** Training thin, unseen rows strong. */
function inFull(run: DrawnRun): ChartLine[] {
  const measured = measuredLine(run)
  return measured.points.length > 0 ? [...trainLines(run), measured] : unmeasured(run)
}

/** The line that says most: of unseen rows, and of training rows where nothing was measured yet. */
function oneLine(run: DrawnRun): ChartLine[] {
  const measured = measuredLine(run)
  return measured.points.length > 0 ? [measured] : unmeasured(run)
}

/** The same of one among very many; ten thousand names are put into words where they are read only. */
function faintLine(run: DrawnRun): ChartLine {
  const { runId: id, validation, train } = run.curve
  return {
    id,
    get name() {
      return oneLine(run)[0]?.name ?? ''
    },
    points: validation.length > 0 ? validation : train,
    isMain: false,
    look: run.look,
    label: '',
    isFaint: true,
  }
}

/** Seconds in the unit that the longest curve is read in; steps and tokens as they are. `unit`: so many of them. */
function axisOf(curves: readonly Curve[], axis: CurveAxis) {
  if (axis !== 'time') return { xTitle: t(`experiments.axes.${axis}Title`), unit: 1 }
  const longest = curves.reduce((most, { train }) => Math.max(most, train.at(-1)?.[0] ?? 0), 0)
  const name = longest < 180 ? 'seconds' : longest < 10_800 ? 'minutes' : 'hours'
  const unit = { seconds: 1, minutes: 60, hours: 3600 }[name]
  return { xTitle: t(`experiments.axes.${name}Title`), unit }
}

const scaled = (curve: Curve, unit: number): Curve => {
  const inUnit = (points: Curve['train']): Curve['train'] => points.map(([x, y]) => [x / unit, y])
  return unit === 1 ? curve : { ...curve, train: inUnit(curve.train), validation: inUnit(curve.validation) }
}

export interface ChartQuestion {
  readonly markOf: MarkOf
  /** Ids of runs that read texts of their field first: these are a line of their own. */
  readonly readFirst?: ReadonlySet<string>
  readonly axis?: CurveAxis
  /** The run that a person points at or has picked. */
  readonly picked?: string | null
  /** The middle of very many, where their losses compare. */
  readonly spread?: Spread | null
}

const pickedLook: LineLook = { colour: '--c-accent', dash: 'solid' }
const plainLook: LineLook = { colour: '--c-third', dash: 'solid' }

/** None of them is a run. */
function spreadLines(spread: Spread, unit: number): ChartLine[] {
  const line = (key: 'low' | 'middle' | 'high'): ChartLine => ({
    name: t(`experiments.compare.spread.${key}`),
    points: spread[key].map(([x, y]) => [x / unit, y] as const),
    isMain: false,
    look: { colour: '--c-ink', dash: key === 'middle' ? 'solid' : 'dashed' },
    label: key === 'middle' ? t('experiments.compare.spread.label') : '',
  })
  return [line('low'), line('middle'), line('high')]
}

/** Whether there are so many that all are thin and grey; the picked one is then drawn over them. */
export const isFaintChart = (curves: readonly Curve[], markOf: MarkOf): boolean =>
  curves.length > mostInFull && markOf(curves[0]?.runId ?? '')?.look === null

const drawnRun = (
  curve: Curve,
  { letter, look }: RunMark,
  { readFirst }: ChartQuestion,
  plain: LineLook,
) => ({
  ...{ curve, letter, look: look ?? plain },
  isAfterTexts: readFirst?.has(curve.runId) ?? false,
})

/** A name at its line: of a long one its beginning and its end. */
const longestAtLine = 40
function nameAtLine(name: string): string {
  if (name.length <= longestAtLine) return nameForeign(name, longestAtLine)
  const { beginning, end } = endApart(name)
  return `${nameForeign(beginning, longestAtLine / 2)} ${nameForeign(end, longestAtLine / 2)}`
}

/** Of a picked one among many both lines are strong, with its letter and name. */
const pickedLines = (run: DrawnRun): ChartLine[] =>
  inFull(run).map((line) =>
    line.isMain
      ? { ...line, isPicked: true, isLetter: false, label: `${run.letter} ${nameAtLine(run.curve.name)}` }
      : line,
  )

/** A label has no room at the end of a few steps; below the chart it is said all the same. */
const withoutShort = (lines: readonly ChartLine[], lastX: number): ChartLine[] =>
  lines.map((line) => {
    const { isMain, isLetter, isFaint, points } = line
    const isShort = !isMain && !isLetter && !isFaint && (points.at(-1)?.[0] ?? 0) < lastX / 6
    return isShort ? { ...line, label: '' } : line
  })

export function chartOf(measured: readonly Curve[], question: ChartQuestion): ChartView {
  const { markOf, axis = 'step', picked = null, spread = null } = question
  const { xTitle, unit } = axisOf(measured, axis)
  const isMany = measured.length > mostInFull
  const isFaint = isFaintChart(measured, markOf)
  const linesOf = (run: DrawnRun): ChartLine[] => {
    if (isFaint) return [faintLine(run)]
    if (!isMany) return inFull(run)
    return run.curve.runId === picked ? pickedLines(run) : oneLine(run)
  }
  const drawn = measured
    .flatMap((curve) => {
      const mark = markOf(curve.runId)
      return mark === null ? [] : linesOf(drawnRun(scaled(curve, unit), mark, question, plainLook))
    })
    .filter(({ points }) => points.length > 0)
  const lines = [...drawn, ...(spread === null ? [] : spreadLines(spread, unit))]
  const lastX = measured.reduce(
    (last, { train, validation }) =>
      Math.max(last, (train.at(-1)?.[0] ?? 0) / unit, (validation.at(-1)?.[0] ?? 0) / unit),
    1,
  )
  return { lines: withoutShort(lines, lastX), mark: null, xTitle, lastX }
}

/** Lines of the picked one over the chart of very many; none where it stands strongly in the chart itself. */
export function linesAbove(
  measured: readonly Curve[],
  question: ChartQuestion,
  { lastX }: Pick<ChartView, 'lastX'>,
): ChartLine[] {
  const { markOf, axis = 'step', picked } = question
  const curve = measured.find(({ runId }) => runId === picked)
  const mark = curve && markOf(curve.runId)
  if (!curve || !mark || !isFaintChart(measured, markOf)) return []
  const { unit } = axisOf(measured, axis)
  const lines = pickedLines(drawnRun(scaled(curve, unit), mark, question, pickedLook))
  return withoutShort(
    lines.filter(({ points }) => points.length > 0),
    lastX,
  )
}

/** What lines of one chart do not compare, in words: texts with rows, labels with words. Empty where all do. */
export function notComparable(
  curves: readonly Curve[],
  rows: readonly ExperimentRow[],
  { markOf, axis = 'step' }: Pick<ChartQuestion, 'markOf' | 'axis'>,
): string[] {
  const readFirst = rows.filter(readsFirst)
  const curveOf = new Map(curves.map((curve) => [curve.runId, curve]))
  const borders = readFirst.flatMap(({ id }) => {
    const curve = curveOf.get(id)
    const step = curve && borderOf(curve, true)
    return step && axis === 'step'
      ? [t('experiments.compare.textsUntil', { letter: markOf(id)?.letter ?? '', step })]
      : []
  })
  const isOfMixedKind = new Set(rows.map(({ method }) => namesClasses(method))).size > 1
  const shownBorders = borders.length > mostInFull ? [] : borders
  return [
    ...(readFirst.length > 0 ? [[t('experiments.compare.texts'), ...shownBorders].join(' ')] : []),
    ...(isOfMixedKind ? [t('experiments.compare.otherLoss')] : []),
  ]
}
