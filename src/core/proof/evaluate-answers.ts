// From measured answers to figures: every metric of a scenario for every way of answering, with its 95 % interval and its
// difference to the first way on the same rows. Lets other work in between; the same inputs give the same bits.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MetricName } from '#shared/metrics.ts'
import type { Interval } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { scenarioOf } from '../scenarios/scenarios.ts'
import { additiveMetric, type RowSums, withSwappedRow } from './additive-metric.ts'
import { defaultResamples, labelMetric, type PairedMetric, pairedBootstrapInTurns } from './bootstrap.ts'
import type { AskedRow, MeasuredAnswers, Subject } from './measured-answers.ts'
import { type DataFacts, factsOf } from './metric-facts.ts'
import { type MetricDefinition, metricTable } from './metric-table.ts'
import { macroF1Of } from './metrics/label-metrics.ts'

export interface EvaluationSpec {
  readonly scenario: ScenarioId
  /** Every label of the data set, as in its manifest. */
  readonly labels: readonly string[] | null
  /** The answers that were learnt from: for memorised spans, and for the kinds of entities. */
  readonly trainingTexts?: readonly string[]
  /** Decides which rows each resample draws. */
  readonly seed: number
  readonly resamples?: number
  /** Figures that mean different things for the subjects, so that they are not compared. */
  readonly without?: readonly MetricName[]
}

export interface MetricResult {
  readonly metric: MetricName
  /** Rows of the data that the metric says something about; the turns of a conversation are one. */
  readonly rows: number
  /** In the order of the subjects. */
  readonly values: readonly Interval[]
  /** Each subject minus the first; of the first itself it is 0. */
  readonly differences: readonly { readonly interval: Interval; readonly standardError: number }[]
}

export interface Evaluation {
  /** In the scenario's order; the first with a direction decides. Metrics that no row says anything about are not here. */
  readonly results: readonly MetricResult[]
  /** Of every subject and row: the scores that a row has by itself. */
  readonly scores: readonly (readonly Partial<Record<MetricName, number>>[])[]
  readonly facts: DataFacts
}

/** Longest time without letting other work in. */
const turnMs = 30

interface Pace {
  /** To be awaited now and then. */
  breathe(): Promise<void>
}

function keepPace(): Pace {
  let sinceMs = performance.now()
  return {
    async breathe() {
      if (performance.now() - sinceMs < turnMs) return
      await nextTurn()
      sinceMs = performance.now()
    },
  }
}

export async function evaluateAnswers(measured: MeasuredAnswers, spec: EvaluationSpec): Promise<Evaluation> {
  const { rows, subjects } = measured
  const { metrics } = scenarioOf(spec.scenario)
  const labels = metrics.includes('accuracy') ? spec.labels : null
  const facts = factsOf(spec.scenario, labels, rows, spec.trainingTexts ?? [])
  const scores = subjects.map(() => rows.map((): Partial<Record<MetricName, number>> => ({})))
  const pace = keepPace()
  const results: MetricResult[] = []
  for (const metric of metrics.filter((one) => !spec.without?.includes(one))) {
    const paired = await pairedMetrics(metric, measured, facts, pace, (subject, row, score) => {
      scores[subject]![row]![metric] = score
    })
    if (paired) results.push(await compareAll(metric, paired, spec, pace))
  }
  return { results, scores, facts }
}

/** The first way against each other one; alone it is only measured. */
async function compareAll(
  metric: MetricName,
  [alone, ...others]: readonly PairedMetric[],
  { seed, resamples = defaultResamples }: Pick<EvaluationSpec, 'seed' | 'resamples'>,
  pace: Pace,
): Promise<MetricResult> {
  const nothing = { value: 0, low: 0, high: 0 }
  const values: Interval[] = []
  const differences: MetricResult['differences'][number][] = [{ interval: nothing, standardError: 0 }]
  for (const one of others.length > 0 ? others : [alone!]) {
    const found = await pairedBootstrapInTurns(one, { seed, resamples }, pace.breathe)
    if (values.length === 0) values.push(found.base)
    if (others.length === 0) break
    values.push(found.tuned)
    differences.push({ interval: found.difference, standardError: found.differenceStandardError })
  }
  return { metric, rows: alone!.rows, values, differences }
}

type OnScore = (subject: number, row: number, score: number) => void

/** The first subject against each; null where no row counts. */
async function pairedMetrics(
  metric: MetricName,
  { rows, subjects }: Pick<MeasuredAnswers, 'rows' | 'subjects'>,
  facts: DataFacts,
  pace: Pace,
  onScore: OnScore,
): Promise<PairedMetric[] | null> {
  if (metric === 'macroF1') return macroF1Metrics(rows, subjects, facts.labels ?? [])
  const definition = metricTable[metric]
  const columns: (ArrayLike<number> | null)[][] = []
  for (const [at, { answers }] of subjects.entries()) {
    const column: (ArrayLike<number> | null)[] = []
    for (const sums of definition.columns(rows, answers, facts)) {
      if (sums && definition.hasRowScore) onScore(at, column.length, definition.finish(sums))
      column.push(sums)
      await pace.breathe()
    }
    columns.push(column)
  }
  const counted = rows.flatMap((_, row) => (columns.every((column) => column[row]) ? [row] : []))
  if (counted.length === 0) return null
  const groups = groupsOf(counted.map((row) => rows[row]!))
  const { width, pseudo } = definition
  const ideal = pseudo === null || pseudo === 'swapped' ? null : idealSums(pseudo, groups, width)
  const sums = columns.map((column): RowSums => {
    const own = counted.map((row) => column[row]!)
    const finish = (totals: Float64Array): number => definition.finish(totals)
    return { rows: groups.count, width, values: addUp(own, groups, width), pseudo: ideal, finish }
  })
  return sums.map((one) => {
    const pair = pseudo === 'swapped' ? withSwappedRow(sums[0]!, one) : ([sums[0]!, one] as const)
    return additiveMetric(...pair)
  })
}

interface Groups {
  readonly count: number
  readonly rows: readonly AskedRow[]
  /** The group of every row. */
  readonly of: readonly number[]
}

function groupsOf(rows: readonly AskedRow[]): Groups {
  const indices = new Map<string, number>()
  const of = rows.map(({ group }) => {
    const index = indices.get(group) ?? indices.size
    indices.set(group, index)
    return index
  })
  return { count: indices.size, rows, of }
}

function addUp(sums: readonly ArrayLike<number>[], groups: Groups, width: number): Float64Array {
  const totals = new Float64Array(groups.count * width)
  for (const [row, own] of sums.entries())
    for (let index = 0; index < width; index += 1) totals[groups.of[row]! * width + index]! += own[index]!
  return totals
}

function idealSums(
  { right, wrong }: Exclude<MetricDefinition['pseudo'], 'swapped' | null>,
  groups: Groups,
  width: number,
): NonNullable<RowSums['pseudo']> {
  const all = (one: (row: AskedRow) => ArrayLike<number>) => addUp(groups.rows.map(one), groups, width)
  return { right: all(right), wrong: all(wrong) }
}

function macroF1Metrics(
  rows: readonly AskedRow[],
  subjects: readonly Subject[],
  labels: readonly string[],
): PairedMetric[] {
  const expected = labelColumn(
    rows.map((row) => row.expected),
    labels,
  )
  const columns = subjects.map(({ answers }) =>
    labelColumn(
      answers.map((answer) => answer.text),
      labels,
    ),
  )
  return columns.map((column) => labelMetric(expected, columns[0]!, column, labels.length, macroF1Of))
}

/** Indices into the labels. */
export function labelColumn(texts: readonly (string | null)[], labels: readonly string[]): number[] {
  const indexOf = new Map(labels.map((label, index) => [label, index]))
  return texts.map((text) => {
    const index = indexOf.get(text ?? '')
    if (index === undefined) throw new Error(`an answer is the unknown label ${text}`)
    return index
  })
}

/** One metric on some of the rows, for a part of the test set that is looked at by itself. */
export async function evaluatePart(
  metric: MetricName,
  part: Pick<MeasuredAnswers, 'rows' | 'subjects'>,
  facts: DataFacts,
  seed: number,
): Promise<MetricResult | null> {
  const pace = keepPace()
  const paired = await pairedMetrics(metric, part, facts, pace, () => {})
  return paired && compareAll(metric, paired, { seed }, pace)
}
