// What a person should know about their rows before training, counted and in plain words. Changes nothing.

import { excerptOf } from '#formats/table-types.ts'
import type { Problem, Result } from '#shared/result.ts'
import type { DatasetRow, LeftOutRow, SplitName } from '#shared/rows.ts'
import { byCodeUnits } from '../scenarios/scenario.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import type { ReadRows } from './read-rows.ts'
import { foldLabel, foldText } from './same-text.ts'

export type WarningKind =
  | 'encoding-guessed'
  | 'no-heading'
  | 'damaged-characters'
  | 'many-left-out'
  | 'duplicates'
  | 'contradictions'
  | 'label-spellings'
  | 'few-per-label'
  | 'one-label-dominates'
  | 'too-few-rows'
  | 'few-rows'
  | 'small-test-set'

export interface DataWarning {
  readonly kind: WarningKind
  /** One or two plain sentences with the numbers in them. */
  readonly text: string
  /** Lines of the file that show it, at most ten. */
  readonly lines: readonly number[]
}

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

export interface Contradiction {
  readonly excerpt: string
  readonly answers: readonly { readonly answer: string; readonly line: number }[]
}

/** Rows are duplicates where this key is equal: their inputs, folded. */
const duplicateKey = (row: DatasetRow, scenario: Scenario): string =>
  scenario.inputRoles.map((role) => foldText(row.fields[role] ?? '')).join('\u0000')

/** Lines that one warning names at most. */
const listedLines = 10

export interface Repeats {
  readonly keys: readonly string[]
  readonly duplicateRows: number
  /** Lines of the first repeated texts, each with the line that it repeats; at most ten, ascending. */
  readonly duplicateLines: readonly number[]
  readonly contradictions: readonly Contradiction[]
}

export function findRepeats(rows: readonly DatasetRow[], scenario: Scenario): Repeats {
  const keys = rows.map((row) => duplicateKey(row, scenario))
  const firstOf = new Map<string, number>()
  const clashes = new Map<string, Map<string, { answer: string; line: number }>>()
  let duplicateRows = 0
  const duplicateLines = new Set<number>()
  const answerOf = (row: DatasetRow): string => row.fields[scenario.answerRole] ?? ''
  for (const [i, row] of rows.entries()) {
    const key = keys[i]!
    const first = firstOf.get(key)
    if (first === undefined) {
      firstOf.set(key, i)
      continue
    }
    duplicateRows += 1
    if (duplicateLines.size < listedLines) duplicateLines.add(rows[first]!.line).add(row.line)
    for (const other of [rows[first]!, row]) {
      const answers = clashes.get(key) ?? new Map<string, { answer: string; line: number }>()
      const folded = foldText(answerOf(other))
      if (!answers.has(folded)) answers.set(folded, { answer: excerptOf(answerOf(other)), line: other.line })
      clashes.set(key, answers)
    }
  }
  const contradictions = [...clashes]
    .filter(([, answers]) => answers.size > 1)
    .map(([key, answers]) => ({
      excerpt: excerptOf(rows[firstOf.get(key)!]!.fields[scenario.inputRoles[0]!] ?? ''),
      answers: [...answers.values()],
    }))
  const lines = [...duplicateLines].slice(0, listedLines).toSorted((a, b) => a - b)
  return { keys, duplicateRows, duplicateLines: lines, contradictions }
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
      ...(planned.ok ? warnOfSize(read.rows.length, planned.value) : [warnOfNoSplit(planned.problem)]),
    ],
  }
}

export function countParts(parts: readonly SplitName[]): Record<SplitName, number> {
  const counts = { train: 0, validation: 0, test: 0 }
  for (const part of parts) counts[part] += 1
  return counts
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

function percent(part: number, whole: number): string {
  const points = (100 * part) / Math.max(1, whole)
  return points > 0 && points < 1 ? 'under 1 %' : `${Math.round(points)} %`
}

function warnOfReading(read: ReadRows): DataWarning[] {
  const warnings: DataWarning[] = []
  if (read.shape.encodingFrom === 'guess')
    warnings.push({
      kind: 'encoding-guessed',
      text: `The file does not say how its letters are stored; it was read as ${read.shape.encoding}. Check that accents and special letters look right.`,
      lines: [],
    })
  if (!read.shape.hasHeader) {
    const names = read.columnsFound.slice(0, 3).map((name) => `"${name}"`)
    const rest = read.columnsFound.length > 3 ? ', ...' : ''
    warnings.push({
      kind: 'no-heading',
      text: `The file seems to have no heading: its first line was read as a row, and the columns are called ${names.join(', ')}${rest}. If that line is a heading, give every column a name of its own that is no number and does not come again below it.`,
      lines: [Math.min(...[read.rows[0], read.leftOut[0]].flatMap((row) => row?.line ?? []))],
    })
  }
  const damaged = read.rows.filter(({ fields }) =>
    Object.values(fields).some((value) => /\uFFFD|Ã[\u0080-\u00BF]|â€[\u0080-\u00BF™œ“”˜]/.test(value)),
  )
  if (damaged.length > 0)
    warnings.push({
      kind: 'damaged-characters',
      text: `${damaged.length} ${damaged.length === 1 ? 'row has' : 'rows have'} damaged characters such as \uFFFD or Ã©: an earlier program read the text in the wrong encoding. The model would learn them.`,
      lines: firstLines(damaged),
    })
  const all = read.rows.length + read.leftOutCount
  if (read.leftOutCount * 20 > all)
    warnings.push({
      kind: 'many-left-out',
      text: `${read.leftOutCount} of ${all} rows (${percent(read.leftOutCount, all)}) cannot be used. The list says why for each.`,
      lines: firstLines(read.leftOut),
    })
  return warnings
}

function warnOfRepeats(rows: number, repeats: Repeats, hasLabels: boolean): DataWarning[] {
  const warnings: DataWarning[] = []
  const { duplicateRows, contradictions } = repeats
  if (duplicateRows > 0)
    warnings.push({
      kind: 'duplicates',
      text: `${duplicateRows} of ${rows} rows (${percent(duplicateRows, rows)}) repeat the text of another row. They are kept on one side of the split, so that no test row was seen in training.`,
      lines: repeats.duplicateLines,
    })
  if (contradictions.length > 0)
    warnings.push({
      kind: 'contradictions',
      text: hasLabels
        ? `${contradictions.length === 1 ? 'One text occurs' : `${contradictions.length} texts occur`} with different labels. The model cannot get both right: decide which label is meant.`
        : `${contradictions.length === 1 ? 'One question occurs' : `${contradictions.length} questions occur`} with different answers. If only one is right, remove the others.`,
      lines: contradictions.slice(0, 5).flatMap(({ answers }) => answers.slice(0, 2).map(({ line }) => line)),
    })
  return warnings
}

function warnOfLabels(
  rows: readonly DatasetRow[],
  labels: readonly { label: string; rows: number }[],
  answerRole: string,
): DataWarning[] {
  const warnings: DataWarning[] = []
  const spellings = new Map<string, string[]>()
  for (const { label } of labels) {
    const folded = foldLabel(label)
    spellings.set(folded, [...(spellings.get(folded) ?? []), label])
  }
  const alike = [...spellings.values()].filter((list) => list.length > 1)
  const linesOf = alike.length === 0 ? new Map<string, number[]>() : firstLinesByLabel(rows, answerRole)
  for (const list of alike) {
    const rarer = list.slice(1)
    const places = rarer.map((label) => `"${label}" is on ${nameLines(linesOf.get(label) ?? [])}`)
    warnings.push({
      kind: 'label-spellings',
      text: `The labels ${list.map((label) => `"${label}"`).join(' and ')} look like one label spelled in ${list.length} ways; ${places.join(', ')}. They are treated as different labels until you make them equal.`,
      lines: rarer
        .flatMap((label) => linesOf.get(label) ?? [])
        .toSorted((a, b) => a - b)
        .slice(0, listedLines),
    })
  }
  const rare = labels.filter((entry) => entry.rows < 10)
  if (rare.length > 0)
    warnings.push({
      kind: 'few-per-label',
      text: `${rare.length === 1 ? 'One label has' : `${rare.length} labels have`} fewer than 10 rows (${rare
        .slice(0, 5)
        .map((entry) => `"${excerptOf(entry.label)}": ${entry.rows}`)
        .join(
          ', ',
        )}${rare.length > 5 ? ', ...' : ''}). The model will hardly learn them and they can hardly be measured.`,
      lines: [],
    })
  const [most] = labels
  if (most !== undefined && labels.length > 1 && most.rows > 0.8 * rows.length)
    warnings.push({
      kind: 'one-label-dominates',
      text: `${percent(most.rows, rows.length)} of the rows have the label "${excerptOf(most.label)}". A model that always says so would be right that often: judge it by macro F1, not by accuracy.`,
      lines: [],
    })
  return warnings
}

/** The first lines of each label, one more than are named, so that it shows where there are more. */
function firstLinesByLabel(rows: readonly DatasetRow[], answerRole: string): Map<string, number[]> {
  const linesOf = new Map<string, number[]>()
  for (const { line, fields } of rows) {
    const label = fields[answerRole] ?? ''
    const lines = linesOf.get(label)
    if (lines === undefined) linesOf.set(label, [line])
    else if (lines.length <= listedLines) lines.push(line)
  }
  return linesOf
}

/** "line 4", "lines 4 and 9", "lines 4, 9, 12 and others". */
function nameLines(lines: readonly number[]): string {
  if (lines.length === 1) return `line ${lines[0]}`
  if (lines.length > 3) return `lines ${lines.slice(0, 3).join(', ')} and others`
  return `lines ${lines.slice(0, -1).join(', ')} and ${lines.at(-1)}`
}

const warnOfNoSplit = ({ message, remedy }: Problem): DataWarning => ({
  kind: 'too-few-rows',
  text: `${message} ${remedy}`,
  lines: [],
})

function warnOfSize(rows: number, parts: readonly SplitName[]): DataWarning[] {
  const warnings: DataWarning[] = []
  const split = countParts(parts)
  if (rows < 100)
    warnings.push({
      kind: 'few-rows',
      text: `There are only ${rows} usable rows. Some hundreds teach a model far more reliably.`,
      lines: [],
    })
  if (split.test > 0 && split.test < 200) {
    // Half width of a 95 % interval for a share of one half, in points: 1.96 x sqrt(0.25 / n) x 100.
    const points = Math.ceil(98 / Math.sqrt(split.test))
    warnings.push({
      kind: 'small-test-set',
      text: `The test set has ${split.test} rows. A score measured on them is uncertain by up to ${points} points either way, so only a large improvement can be proved.`,
      lines: [],
    })
  }
  return warnings
}

const firstLines = (rows: readonly { line: number }[]): number[] =>
  rows.slice(0, listedLines).map(({ line }) => line)
