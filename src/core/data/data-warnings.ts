// What a person should be warned of before training, in plain sentences with the numbers and lines in them.
import { excerptOf } from '#formats/table-types.ts'
import { fewestTestRows } from '#shared/dataset.ts'
import { type MetricName, metricFacts } from '#shared/metrics.ts'
import type { Problem } from '#shared/result.ts'
import type { DatasetRow, SplitName } from '#shared/rows.ts'
import { isDamagedText } from './damaged-text.ts'
import type { ReadRows } from './read-rows.ts'
import { listedLines, type Repeats } from './repeats.ts'
import { foldLabel } from './same-text.ts'
import { countParts } from './split.ts'

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

function percent(part: number, whole: number): string {
  const points = (100 * part) / Math.max(1, whole)
  return points > 0 && points < 1 ? 'under 1 %' : `${Math.round(points)} %`
}

export function warnOfReading(read: ReadRows): DataWarning[] {
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
  const damaged = read.rows.filter(({ fields }) => Object.values(fields).some(isDamagedText))
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

export function warnOfRepeats(rows: number, repeats: Repeats, hasLabels: boolean): DataWarning[] {
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

export function warnOfLabels(
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

export const warnOfNoSplit = ({ message, remedy }: Problem): DataWarning => ({
  kind: 'too-few-rows',
  text: `${message} ${remedy}`,
  lines: [],
})

/** `decides` is the metric of the verdict: only of a share can be said by how many points it is uncertain. */
export function warnOfSize(rows: number, parts: readonly SplitName[], decides: MetricName): DataWarning[] {
  const warnings: DataWarning[] = []
  const split = countParts(parts)
  if (rows < 100)
    warnings.push({
      kind: 'few-rows',
      text: `There are only ${rows} usable rows. Some hundreds teach a model far more reliably.`,
      lines: [],
    })
  if (split.test > 0 && split.test < 200)
    warnings.push({ kind: 'small-test-set', text: smallTestSet(split.test, decides), lines: [] })
  return warnings
}

function smallTestSet(test: number, decides: MetricName): string {
  const has = `The test set has ${test} ${test === 1 ? 'row' : 'rows'}`
  if (test < fewestTestRows)
    return `${has}: too few to prove anything. Bring more rows, or lock more of them.`
  if (metricFacts[decides].unit !== 'share')
    return `${has}. On so few, only a large improvement can be told from chance.`
  // Half width of a 95 % interval for a share of one half, in points: 1.96 x sqrt(0.25 / n) x 100.
  const points = Math.ceil(98 / Math.sqrt(test))
  return `${has}. A score measured on them is uncertain by up to ${points} points either way, so only a large improvement can be proved.`
}

const firstLines = (rows: readonly { line: number }[]): number[] =>
  rows.slice(0, listedLines).map(({ line }) => line)
