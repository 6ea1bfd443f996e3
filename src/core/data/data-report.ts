// What a person should know about their rows before training, counted and in plain words. Changes nothing.
import type { Result } from '#shared/result.ts'
import type { DatasetRow, LeftOutRow, SplitName } from '#shared/rows.ts'
import { byCodeUnits } from '../scenarios/scenario.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import {
  type DataWarning,
  warnOfLabels,
  warnOfNoSplit,
  warnOfReading,
  warnOfRepeats,
  warnOfSize,
} from './data-warnings.ts'
import type { ReadRows } from './read-rows.ts'
import type { Contradiction, Repeats } from './repeats.ts'
import { countParts } from './split.ts'

/** Lengths in characters (UTF-16 code units). */
export interface Lengths {
  readonly shortest: number
  readonly median: number
  readonly p95: number
  readonly longest: number
}

export interface DataReport {
  readonly source: ReadRows['source']
  readonly format: ReadRows['shape']
  readonly columnsFound: readonly string[]
  readonly columns: Readonly<Record<string, string>>
  readonly columnsGuessed: readonly string[]
  readonly usableRows: number
  readonly leftOutRows: number
  readonly leftOut: readonly LeftOutRow[]
  readonly notes: ReadRows['notes']
  readonly noteCount: number
  readonly inputLengths: Lengths
  readonly answerLengths: Lengths
  /** Rows whose input occurs in an earlier row too. */
  readonly duplicateRows: number
  /** Inputs that occur with more than one answer. */
  readonly contradictions: readonly Contradiction[]
  /** How often each label occurs, commonest first; null where answers are free text. */
  readonly labels: readonly { readonly label: string; readonly rows: number }[] | null
  /** Rows of each part; null where they are too few to be split. */
  readonly split: Readonly<Record<SplitName, number>> | null
  readonly warnings: readonly DataWarning[]
}

export function reportOn(
  read: ReadRows,
  scenario: Scenario,
  repeats: Repeats,
  planned: Result<readonly SplitName[]>,
): DataReport {
  const labels = countLabels(read.rows, scenario)
  const split = planned.ok ? countParts(planned.value) : null
  const inputOf = (row: DatasetRow): number =>
    scenario.inputRoles.reduce((sum, role) => sum + (row.fields[role]?.length ?? 0), 0)
  return {
    source: read.source,
    format: read.shape,
    columnsFound: read.columnsFound,
    columns: read.match.columns,
    columnsGuessed: read.match.guessed,
    usableRows: read.rows.length,
    leftOutRows: read.leftOutCount,
    leftOut: read.leftOut,
    notes: read.notes,
    noteCount: read.noteCount,
    inputLengths: measureLengths(read.rows.map(inputOf)),
    answerLengths: measureLengths(read.rows.map((row) => row.fields[scenario.answerRole]?.length ?? 0)),
    duplicateRows: repeats.duplicateRows,
    contradictions: repeats.contradictions,
    labels,
    split,
    warnings: [
      ...warnOfReading(read),
      ...warnOfRepeats(read.rows.length, repeats, labels !== null),
      ...(labels === null ? [] : warnOfLabels(read.rows, labels, scenario.answerRole)),
      ...(planned.ok
        ? warnOfSize(read.rows.length, planned.value, scenario.metrics[0]!)
        : [warnOfNoSplit(planned.problem)]),
    ],
  }
}

function countLabels(
  rows: readonly DatasetRow[],
  scenario: Scenario,
): readonly { label: string; rows: number }[] | null {
  if (scenario.labelsOf(rows) === null) return null
  const counts = new Map<string, number>()
  for (const { fields } of rows) {
    const label = fields[scenario.answerRole] ?? ''
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return [...counts]
    .map(([label, count]) => ({ label, rows: count }))
    .sort((a, b) => b.rows - a.rows || byCodeUnits(a.label, b.label))
}

function measureLengths(lengths: number[]): Lengths {
  lengths.sort((a, b) => a - b)
  const at = (share: number): number => lengths[Math.floor((lengths.length - 1) * share)] ?? 0
  return { shortest: at(0), median: at(0.5), p95: at(0.95), longest: at(1) }
}
