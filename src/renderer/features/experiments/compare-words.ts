// The words of a comparison: settings by name, and figures that stand together. Pure but for the words.
import type { ExperimentRow } from '#shared/contract/results.ts'
import { settingsTried } from '#shared/measuring-settings.ts'
import type { MetricName } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import { scenarioIds } from '#shared/recipe.ts'
import { recipeFields } from '#shared/recipe-fields.ts'
import { nameForeign } from '../../foreign-text.ts'
import { namesClasses } from '../../metric-words.ts'
import { type PlainKey, t } from '../../words/index.ts'
import { fieldWord, shownFields, wordValue } from '../wizard/recipe-form.ts'
import { formatRate } from './experiment-words.ts'
import type { ComparedFacts, ComparedSetting } from './run-facts.ts'

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

/**
 * A setting in plain words; one that the wizard does not show by its path in the recipe. Of a run of which nothing is there
 * yet no value is told: "none" would be one.
 */
export function settingLine(
  { path, values }: ComparedSetting,
  isThere: readonly boolean[] = [],
): SettingLine {
  const field = fields.get(path)
  const write = (value: ComparedSetting['values'][number]): string => {
    if (path.startsWith('before.') && value === null) return t('experiments.compare.noBefore')
    if (path.endsWith('.learningRate') && typeof value === 'number') return formatRate(value)
    if (field !== undefined && worded.has(path)) return wordValue(field, value)
    const scenario = path === 'scenario' ? scenarioIds.find((id) => id === value) : undefined
    if (scenario !== undefined) return t(`common.scenarios.${scenario}`)
    return typeof value === 'string' ? nameForeign(value, 200) : JSON.stringify(value)
  }
  const texts = values.map((value) => JSON.stringify(value))
  // Ten thousand runs have few values.
  const written = new Map<string, string>()
  const textOf = (value: ComparedSetting['values'][number], at: number): string => {
    const text = written.get(texts[at] ?? '') ?? write(value)
    written.set(texts[at] ?? '', text)
    return text
  }
  const isKnown = (at: number): boolean => isThere[at] ?? true
  return {
    path,
    title: titleOf(path),
    term: worded.has(path) ? fieldWord(path, 'term') : '',
    values: values.map((value, at) => (isKnown(at) ? textOf(value, at) : '…')),
    isOther: texts.map((text, at) => isKnown(0) && isKnown(at) && text !== texts[0]),
  }
}

/** Settings beside each other; what is the same is said once of every run everything is there. */
export function settingsBeside({ settings, isThere }: Pick<ComparedFacts, 'settings' | 'isThere'>) {
  const { tried: different, isMeasuredOtherwise } = settingsTried(settings)
  const isWhole = isThere.every((one) => one)
  const noDifference: PlainKey = isMeasuredOtherwise
    ? 'experiments.compare.noOtherDifference'
    : 'experiments.compare.noDifference'
  return {
    different,
    /** Those that are the same, and how a search measures. */
    others: settings.filter((one) => !different.includes(one)),
    isMeasuredOtherwise,
    noDifference: isWhole && different.length === 0 ? noDifference : null,
    same: isWhole ? settings.filter(({ isDifferent }) => !isDifferent).length : 0,
  }
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
  { metrics, lockedRows }: Pick<ComparedFacts, 'metrics' | 'lockedRows'>,
): FigureGroup[] {
  return metrics.flatMap(({ metric, values }) => {
    const groups = new Map<string, { row: ExperimentRow; interval: Interval }[]>()
    for (const [at, row] of rows.entries()) {
      const interval = values[at] ?? null
      if (interval === null) continue
      const key = `${lockedRows[at]} ${lossMetrics.has(metric) && namesClasses(row.method)}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [{ row, interval }])
      else group.push({ row, interval })
    }
    return [...groups.values()].map((found) => ({
      metric,
      intervals: found.map(({ interval }) => interval),
      rows: found,
    }))
  })
}
