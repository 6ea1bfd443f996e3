// The health of a person's rows: one line for each thing that was looked for, with its number and an example. Pure.
import { excerptOf } from '#formats/table-types.ts'
import type { ScoreItem } from '#shared/contract/index.ts'
import type { DatasetRow } from '#shared/rows.ts'
import type { DataReport } from './data-report.ts'
import type { DataWarning, WarningKind } from './data-warnings.ts'
import { findPersonal } from './personal-data.ts'
import { listedLines } from './repeats.ts'

type Item = Omit<ScoreItem, 'fix' | 'isFixed'>

const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many)

export function scoreData(report: DataReport, rows: readonly DatasetRow[]): ScoreItem[] {
  const items: Item[] = [
    leaks(report),
    fromWarning(report, 'repeats', 'duplicates', report.duplicateRows, {
      good: 'rows that say the same as another',
      some: plural(report.duplicateRows, 'row says the same as another', 'rows say the same as others'),
    }),
    fromWarning(report, 'contradictions', 'contradictions', report.contradictions.length, {
      good: 'same text, different answer',
      some: 'same text, different answer',
    }),
    empty(report),
    personal(rows),
    fromWarning(report, 'damaged-characters', 'damaged-characters', damagedRows(report), {
      good: 'rows with damaged letters',
      some: 'rows with damaged letters',
    }),
    ...labelItems(report),
    lengths(report),
    ...testSize(report),
  ]
  return items.map((item) => ({ ...item, fix: null, isFixed: false }))
}

const warningOf = ({ warnings }: DataReport, kind: WarningKind): DataWarning | undefined =>
  warnings.find((warning) => warning.kind === kind)

function fromWarning(
  report: DataReport,
  id: ScoreItem['id'],
  kind: WarningKind,
  count: number,
  titles: { readonly good: string; readonly some: string },
): Item {
  const warning = warningOf(report, kind)
  return {
    id,
    count,
    state: count === 0 ? 'good' : 'look',
    title: count === 0 ? titles.good : titles.some,
    detail: warning?.text ?? 'Nothing was found.',
    lines: [...(warning?.lines ?? [])].slice(0, listedLines),
  }
}

/** Equal texts are one group, and a group lies on one side: there is nothing to count but zero. */
function leaks({ split, duplicateRows }: DataReport): Item {
  return {
    id: 'split-leaks',
    count: 0,
    state: split === null ? 'look' : 'good',
    title: 'on both sides of the split',
    detail:
      duplicateRows === 0
        ? 'No text occurs twice.'
        : 'Rows with the same text are kept on one side, so none was seen in training.',
    lines: [],
  }
}

function empty({ leftOutRows, leftOut }: DataReport): Item {
  return {
    id: 'empty',
    count: leftOutRows,
    state: leftOutRows === 0 ? 'good' : 'look',
    title: plural(leftOutRows, 'row cannot be used', 'rows cannot be used'),
    detail: leftOut[0] === undefined ? 'Every row can be used.' : leftOut[0].reason,
    lines: leftOut.slice(0, listedLines).map(({ line }) => line),
  }
}

function personal(rows: readonly DatasetRow[]): Item {
  const found = rows.flatMap((row) => {
    const find = findPersonal(Object.values(row.fields).join('\n'))
    return find === null ? [] : [{ line: row.line, ...find }]
  })
  const [first] = found
  return {
    id: 'personal-data',
    count: found.length,
    state: found.length === 0 ? 'good' : 'look',
    title: plural(found.length, 'row with personal data', 'rows with personal data'),
    detail:
      first === undefined
        ? 'No e-mail address, telephone number, bank account or card number was found.'
        : `For example a ${first.kind}: ${excerptOf(first.text)}`,
    lines: found.slice(0, listedLines).map(({ line }) => line),
  }
}

const damagedRows = (report: DataReport): number =>
  Number(/^\d+/.exec(warningOf(report, 'damaged-characters')?.text ?? '')?.[0] ?? 0)

function labelItems(report: DataReport): Item[] {
  const { labels } = report
  if (labels === null) return []
  const spellings = report.warnings.filter(({ kind }) => kind === 'label-spellings')
  const rarest = labels.at(-1)
  const few = warningOf(report, 'few-per-label') ?? warningOf(report, 'one-label-dominates')
  return [
    {
      id: 'label-spellings',
      count: spellings.length,
      state: spellings.length === 0 ? 'good' : 'look',
      title: plural(spellings.length, 'label spelled in several ways', 'labels spelled in several ways'),
      detail: spellings[0]?.text ?? 'Every label is spelled in one way.',
      lines: [...(spellings[0]?.lines ?? [])],
    },
    {
      id: 'labels',
      count: labels.length,
      state: few === undefined ? 'good' : 'look',
      title: rarest ? `labels, the rarest has ${rarest.rows} rows` : 'labels',
      detail: few?.text ?? 'Enough rows for each.',
      lines: [],
    },
  ]
}

function lengths({ inputLengths, answerLengths }: DataReport): Item {
  return {
    id: 'lengths',
    count: inputLengths.longest,
    state: 'good',
    title: 'characters in the longest text',
    detail: `Half of the texts are shorter than ${inputLengths.median} characters, half of the answers shorter than ${answerLengths.median}.`,
    lines: [],
  }
}

function testSize(report: DataReport): Item[] {
  if (report.split === null) return []
  const warning = warningOf(report, 'small-test-set') ?? warningOf(report, 'few-rows')
  return [
    {
      id: 'test-size',
      count: report.split.test,
      state: warning === undefined ? 'good' : 'look',
      title: 'rows locked away for the proof',
      detail: warning?.text ?? 'Enough to see differences that matter.',
      lines: [],
    },
  ]
}
