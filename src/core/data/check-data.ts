// "Is my file any good?": reads it as a scenario would and reports, without keeping anything.
import type { DataFacts } from '#shared/dataset.ts'
import { recipeDraft, type ScenarioId } from '#shared/recipe.ts'
import { attemptAsync, type Problem, ProblemError, type Result } from '#shared/result.ts'
import type { SplitName } from '#shared/rows.ts'
import { factsOf, scenarioOf } from '../scenarios/scenarios.ts'
import { type DataReport, reportOn } from './data-report.ts'
import { groupRows } from './groups.ts'
import { type ReadRows, readRows } from './read-rows.ts'
import { findRepeats, type Repeats } from './repeats.ts'
import { type SplitSettings, splitRows } from './split.ts'

export interface CheckOptions {
  readonly scenario: ScenarioId
  /** Column for each role; roles left out, or null, are guessed. */
  readonly columns?: Readonly<Record<string, string>> | null
  readonly validationShare?: number
  readonly testShare?: number
  readonly splitSeed?: number
}

/** Everything known about a file read for a scenario, its split planned where that is possible. */
export interface PreparedData {
  readonly read: ReadRows
  readonly repeats: Repeats
  /** Every label, sorted; null where answers are free text. */
  readonly labels: readonly string[] | null
  /** What the scenario's own instruction is written from. */
  readonly facts: DataFacts
  readonly split: Result<SplitName[]>
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
  const read = await readRows(path, scenario, options.columns ?? null)
  const repeats = findRepeats(read.rows, scenario)
  const labels = scenario.labelsOf(read.rows)
  if (labels !== null && labels.length === 1) throw new ProblemError(oneLabel(read, labels[0]!))
  const fault = scenario.faultOf?.(read.rows) ?? null
  if (fault !== null) throw new ProblemError(noUse(read, fault))
  const facts = factsOf(scenario, read.rows, read.match.columns)
  const groups = groupRows(read.rows, repeats.keys)
  const items = read.rows.map((row, i) => ({
    key: groups[i]!,
    stratum: labels === null ? '' : (row.fields[scenario.answerRole] ?? ''),
  }))
  return { read, repeats, labels, facts, split: splitRows(items, settings, read.source.name), settings }
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
