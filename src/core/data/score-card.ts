// The health of a person's rows: one line for each thing that was looked for, with its number, an example and the repair
// that helps. Pure. A thing that was repaired says so, with the number of rows that it was.
import { excerptOf } from '#formats/table-types.ts'
import type { FixId, ScoreItem } from '#shared/contract/index.ts'
import { fewestTestRows } from '#shared/dataset.ts'
import type { DatasetRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import type { PreparedData } from './check-data.ts'
import type { DataReport } from './data-report.ts'
import type { DataWarning, WarningKind } from './data-warnings.ts'
import { listedLines } from './repeats.ts'
import { plural, type ScoreLine, scoreTexts } from './score-texts.ts'
import { excerptsApart } from './value-excerpt.ts'

export function scoreData(prepared: PreparedData, report: DataReport, scenario: Scenario): ScoreItem[] {
  const { rows } = prepared.read
  const { damaged, empty, languages, lengths, personal } = scoreTexts(rows, report, scenario)
  const lines: ScoreLine[] = [
    leaks(prepared, report, scenario),
    repeats(report, prepared),
    nearRepeats(prepared, scenario),
    ...labelSpellings(report),
    contradictions(report),
    personal,
    damaged,
    ...labels(report),
    lengths,
    empty,
    ...languages,
    ...testSize(report),
  ]
  return lines.map((line) => ({ ...line, ...repairedAs(line, prepared), lines: [...line.lines] }))
}

const takenOut = 'Each row that was taken out is in the list of rows left out.'
const repairedWords: Readonly<Record<FixId, readonly [title: string, detail: string]>> = {
  'keep-one-of-repeats': ['repeated rows taken out, one of each is kept', takenOut],
  'keep-one-of-near-repeats': [
    'nearly equal rows taken out, one of each is kept',
    `${takenOut} Rows that repeat another word for word have a line of their own.`,
  ],
  'merge-label-spellings': [
    'rows with another spelling of their label, merged',
    'Every label has its commonest spelling now.',
  ],
  'drop-contradictions': ['rows with contradicting answers taken out', takenOut],
  'mask-personal-data': [
    'rows with personal data, masked',
    'Each find is now a word in brackets, such as [e-mail].',
  ],
  'drop-damaged': ['rows with damaged letters taken out', takenOut],
}

/** What a repair did stands in its line; what it could not repair is still named there. */
function repairedAs(
  { fix, state, detail }: ScoreLine,
  { fixes }: PreparedData,
): Partial<ScoreItem> & Pick<ScoreItem, 'isFixed'> {
  const done = fixes.find(({ id }) => id === fix)
  if (done === undefined) return { isFixed: false }
  const [title, whole] = repairedWords[done.id]
  return {
    isFixed: true,
    state: 'good',
    count: done.rows,
    title,
    detail: state === 'good' ? whole : `What is left: ${detail}`,
  }
}

const warningOf = ({ warnings }: DataReport, kind: WarningKind): DataWarning | undefined =>
  warnings.find((warning) => warning.kind === kind)

/** Equal texts are one group and lie on one side, so only rows that are nearly the same can be parted. */
function leaks(
  { near, read }: PreparedData,
  { split, duplicateRows }: DataReport,
  scenario: Scenario,
): ScoreLine {
  const count = near.parted.length
  const sound =
    duplicateRows + near.rows === 0
      ? 'No text comes twice.'
      : 'Rows that say the same, or nearly, are kept on one side: no locked row was seen in training.'
  return {
    id: 'split-leaks',
    count,
    state: split === null || count > 0 ? 'look' : 'good',
    title: plural(count, 'pair on both sides of the split', 'pairs on both sides of the split'),
    detail:
      count > 0
        ? `The model learns from one of each pair and is judged on the other, so the score looks better than it is: ${pairOf(read.rows, near.parted[0]!, scenario)}`
        : split === null
          ? 'There is no split yet.'
          : sound,
    lines: linesOf(read.rows, near.parted),
    fix: count > 0 ? 'keep-one-of-near-repeats' : null,
  }
}

/** Once one of each is kept, only rows with another answer repeat a text still. */
function repeats(report: DataReport, { fixes }: PreparedData): ScoreLine {
  const { duplicateRows } = report
  const warning = warningOf(report, 'duplicates')
  return {
    id: 'repeats',
    count: duplicateRows,
    state: duplicateRows === 0 ? 'good' : duplicateRows > report.usableRows / 3 ? 'bad' : 'look',
    title: plural(duplicateRows, 'row repeats another word for word', 'rows repeat another word for word'),
    detail:
      duplicateRows > 0 && fixes.some(({ id }) => id === 'keep-one-of-repeats')
        ? `${duplicateRows} ${plural(duplicateRows, 'row has', 'rows have')} the text of another row, with another answer.`
        : (warning?.text ?? 'No text comes twice.'),
    lines: warning?.lines ?? [],
    fix: 'keep-one-of-repeats',
  }
}

function nearRepeats({ near, read }: PreparedData, scenario: Scenario): ScoreLine {
  const [first] = near.pairs
  const none = near.isComplete
    ? 'No two texts are nearly the same.'
    : 'There are too many rows to compare each with the others.'
  return {
    id: 'near-repeats',
    count: near.rows,
    state: near.rows > 0 || !near.isComplete ? 'look' : 'good',
    title: plural(near.rows, 'row is nearly the same as another', 'rows are nearly the same as another'),
    detail: first === undefined ? none : `For example ${pairOf(read.rows, first, scenario)}`,
    lines: linesOf(read.rows, near.pairs),
    fix: 'keep-one-of-near-repeats',
  }
}

const linesOf = (
  rows: readonly DatasetRow[],
  pairs: readonly (readonly [number, number])[],
): readonly number[] =>
  [...new Set(pairs.slice(0, listedLines).flatMap((pair) => pair.map((place) => rows[place]!.line)))].slice(
    0,
    listedLines,
  )

/** Both quoted where they differ. */
function pairOf(
  rows: readonly DatasetRow[],
  [a, b]: readonly [number, number],
  { identityRoles }: Scenario,
): string {
  const [first, second] = [rows[a]!.fields, rows[b]!.fields]
  const role = identityRoles.find((one) => first[one] !== second[one]) ?? ''
  const [one, other] = excerptsApart(first[role] ?? '', second[role] ?? '')
  return `“${one}” and “${other}”`
}

function contradictions(report: DataReport): ScoreLine {
  const count = report.contradictions.length
  const warning = warningOf(report, 'contradictions')
  const [first] = report.contradictions
  const answers = first?.answers.slice(0, 2).map(({ answer }) => `“${answer}”`) ?? []
  return {
    id: 'contradictions',
    count,
    state: count === 0 ? 'good' : report.labels === null ? 'look' : 'bad',
    title: plural(count, 'text with different answers', 'texts with different answers'),
    detail:
      first === undefined
        ? 'No text has two answers.'
        : `“${first.excerpt}” is answered by ${answers.join(' and ')}.`,
    lines: warning?.lines ?? [],
    fix: 'drop-contradictions',
  }
}

function labelSpellings(report: DataReport): ScoreLine[] {
  if (report.labels === null) return []
  const spellings = report.warnings.filter(({ kind }) => kind === 'label-spellings')
  return [
    {
      id: 'label-spellings',
      count: spellings.length,
      state: spellings.length === 0 ? 'good' : 'bad',
      title: plural(spellings.length, 'label spelled in several ways', 'labels spelled in several ways'),
      detail: spellings[0]?.text ?? 'Every label is spelled in one way.',
      lines: spellings[0]?.lines ?? [],
      fix: 'merge-label-spellings',
    },
  ]
}

function labels(report: DataReport): ScoreLine[] {
  const found = report.labels
  const rarest = found?.at(-1)
  if (!found || rarest === undefined) return []
  const few = warningOf(report, 'few-per-label') ?? warningOf(report, 'one-label-dominates')
  return [
    {
      id: 'labels',
      count: found.length,
      state: few === undefined ? 'good' : 'look',
      title: `labels; the rarest, “${excerptOf(rarest.label)}”, has ${rarest.rows} ${plural(rarest.rows, 'row', 'rows')}`,
      detail: few?.text ?? 'There are enough rows of each.',
      lines: [],
      fix: null,
    },
  ]
}

function testSize(report: DataReport): ScoreLine[] {
  if (report.split === null) return []
  const { test } = report.split
  const warning = warningOf(report, 'small-test-set')
  return [
    {
      id: 'test-size',
      count: test,
      state: warning === undefined ? 'good' : test < fewestTestRows ? 'bad' : 'look',
      title: plural(test, 'row locked away for the proof', 'rows locked away for the proof'),
      detail: warning?.text ?? 'Enough to see differences that matter.',
      lines: [],
      fix: null,
    },
  ]
}
