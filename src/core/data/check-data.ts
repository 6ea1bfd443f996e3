// "Is my file any good?": reads it as a scenario would and reports, without keeping anything.
import type { FixId } from '#shared/data-fixes.ts'
import type { DataFacts } from '#shared/dataset.ts'
import { recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, type Problem, ProblemError, type Result } from '#shared/result.ts'
import type { SplitName } from '#shared/rows.ts'
import { factsOf, type Scenario, scenarioOf } from '../scenarios/scenarios.ts'
import { type DataReport, reportOn } from './data-report.ts'
import { applyFixes, type FixReport } from './fixes.ts'
import { planSplit, type SplitPlan } from './plan-split.ts'
import { readFiles } from './read-files.ts'
import type { ReadRows } from './read-rows.ts'
import { findRepeats, type Repeats } from './repeats.ts'
import type { SplitSettings } from './split.ts'

export interface CheckOptions {
  readonly scenario: ScenarioId
  /** Column for each role; roles left out, or null, are guessed. */
  readonly columns?: Readonly<Record<string, string>> | null
  readonly validationShare?: number
  readonly testShare?: number
  readonly splitSeed?: number
  /** Further files with the same columns. */
  readonly morePaths?: readonly string[]
  readonly fixes?: readonly FixId[]
  readonly groupColumn?: string | null
}

/** Everything known about a file read for a scenario, its split planned where that is possible. */
export interface PreparedData {
  /** With the repairs done: what they took out is among the rows left out. */
  readonly read: ReadRows
  readonly fixes: readonly FixReport[]
  readonly groupColumn: string | null
  readonly repeats: Repeats
  /** Every label, sorted; null where answers are free text. */
  readonly labels: readonly string[] | null
  /** What the scenario's own instruction is written from. */
  readonly facts: DataFacts
  readonly split: Result<SplitName[]>
  /** Rows that nearly repeat another, and how groups of rows were kept together. */
  readonly near: SplitPlan['near']
  readonly settings: SplitSettings
}

/** Reads `path` and reports on it. A file that cannot be read as a table, or whose columns are unclear, is a Problem. */
export function checkData(path: string, options: CheckOptions): Promise<Result<DataReport>> {
  return attemptAsync(async () => {
    const prepared = await prepareData(path, options)
    const { read, repeats, split } = prepared
    if (!split.ok && split.problem.code !== 'data.too-few-rows') throw new ProblemError(split.problem)
    return reportOn(read, scenarioOf(options.scenario), repeats, split)
  })
}

/** Throws a ProblemError where the file cannot be read; a split that cannot be made is a Result inside. */
export async function prepareData(path: string, options: CheckOptions): Promise<PreparedData> {
  const scenario = scenarioOf(options.scenario)
  const defaults = recipeDraft.shape.data.parse({ path })
  const settings: SplitSettings = {
    seed: options.splitSeed ?? defaults.splitSeed,
    validationShare: options.validationShare ?? defaults.validationShare,
    testShare: options.testShare ?? defaults.testShare,
  }
  const paths = [path, ...(options.morePaths ?? [])] as const
  const groupColumn = options.groupColumn ?? null
  const found = await readFiles(paths, scenario, options.columns ?? null, groupColumn)
  const { read, fixes } = repaired(found, scenario, options.fixes ?? [])
  const repeats = findRepeats(read.rows, scenario)
  const labels = scenario.labelsOf(read.rows)
  if (labels !== null && labels.length === 1) throw new ProblemError(oneLabel(read, labels[0]!))
  const fault = scenario.faultOf?.(read.rows) ?? null
  if (fault !== null) throw new ProblemError(noUse(read, fault))
  const facts = factsOf(scenario, read.rows, read.match.columns)
  const strata = read.rows.map((row) => (labels === null ? '' : (row.fields[scenario.answerRole] ?? '')))
  const plan = planSplit(read, repeats.keys, strata, settings)
  return { read, fixes, groupColumn, repeats, labels, facts, split: plan.split, near: plan.near, settings }
}

function repaired(
  read: ReadRows,
  scenario: Scenario,
  fixes: readonly FixId[],
): Pick<PreparedData, 'read' | 'fixes'> {
  if (fixes.length === 0) return { read, fixes: [] }
  const { rows, places, removed, reports } = applyFixes(read.rows, scenario, fixes)
  return {
    fixes: reports,
    read: {
      ...read,
      rows,
      groups: read.groups === null ? null : places.map((place) => read.groups![place]!),
      leftOut: [...read.leftOut, ...removed],
      leftOutCount: read.leftOutCount + removed.length,
    },
  }
}

/** Rows with other labels may be among those left out, and a Problem comes without the list of them. */
function leftOutNote({ leftOut: [first], leftOutCount }: ReadRows): string {
  if (first === undefined) return ''
  const rows = leftOutCount === 1 ? 'One row was' : `${leftOutCount} rows were`
  return ` ${rows} left out; the first, on line ${first.line}: ${first.reason}`
}

const noUse = (read: ReadRows, { message, remedy }: { message: string; remedy: string }): Problem => ({
  code: 'data.too-few-rows',
  message: `${message}${leftOutNote(read)}`,
  where: read.source.name,
  remedy,
})

const oneLabel = (read: ReadRows, label: string): Problem => ({
  code: 'data.too-few-rows',
  message: `Every row has the same label, "${label}", so there is nothing to tell apart.${leftOutNote(read)}`,
  where: read.source.name,
  remedy: 'Choose the right label column, or bring rows with at least two labels.',
})
