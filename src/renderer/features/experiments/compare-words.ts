// The words of a comparison: settings by name, and what the chart draws. Pure but for the words.
import type { CallOutput } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { scenarioIds } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import type { ChartView } from '../../components/line-chart.ts'
import { nameForeign } from '../../foreign-text.ts'
import { type PlainKey, t } from '../../words/index.ts'
import { fieldWord, shownFields, wordValue } from '../wizard/recipe-form.ts'
import { formatRate } from './experiment-words.ts'
import { markOf } from './run-marks.ts'

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

/** Every curve twice: training thin, unseen rows strong with the run's letter at its end. */
export function chartOf(
  curves: CallOutput<'experiments.curves'>['curves'],
  ticked: readonly string[],
): ChartView {
  const lines = curves.flatMap(({ runId, name, train, validation }) => {
    const mark = markOf(ticked, runId)
    if (mark === null) return []
    const { letter, look } = mark
    return [
      {
        name: t('experiments.compare.trainLine', { letter, name }),
        points: train,
        isMain: false,
        look: { ...look, dash: 'solid' as const },
        label: '',
      },
      {
        name: t('experiments.compare.validationLine', { letter, name }),
        points: validation,
        isMain: true,
        look,
        label: letter,
      },
    ].filter(({ points }) => points.length > 0)
  })
  const lastX = Math.max(1, ...lines.map(({ points }) => points.at(-1)?.[0] ?? 1))
  return { lines, mark: null, xTitle: t('training.steps'), lastX }
}

/** The proofs of the compared runs by their metric: values of two metrics share no scale. */
export function provedByMetric(rows: readonly ExperimentRow[]): readonly {
  readonly metric: MetricName
  readonly intervals: readonly Interval[]
  readonly rows: readonly {
    readonly row: ExperimentRow
    readonly proof: NonNullable<ExperimentRow['proof']>
  }[]
}[] {
  const proved = rows.flatMap((row) => (row.proof === null ? [] : [{ row, proof: row.proof }]))
  return [...new Set(proved.map(({ proof }) => proof.metric))].map((metric) => {
    const found = proved.filter(({ proof }) => proof.metric === metric)
    return { metric, rows: found, intervals: found.flatMap(({ proof }) => [proof.base, proof.tuned]) }
  })
}
