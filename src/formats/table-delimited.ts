// Delimited text as a table: heading or numbered columns, rows of the right width. A row with cells too many or broken
// quoting is left out with its reason.
import { DelimitedParser, type DelimitedRecord } from './delimited.ts'
import { type DelimitedGuess, detectDelimited, type Sample } from './table-detect.ts'
import {
  type Delimiter,
  dropStrayMarks,
  excerptOf,
  type RowFormat,
  type TableEvent,
  type TableOptions,
  tableLimits,
} from './table-types.ts'
import type { EncodingFound } from './text-encoding.ts'

/** `sample` is the text after a line that says the separator; `hasSeparatorLine` tells whether there is one. */
export function delimitedTable(
  sample: Sample,
  hasSeparatorLine: boolean,
  found: EncodingFound,
  options: TableOptions,
): RowFormat {
  const guess = detectDelimited(sample, options)
  const makeParser = (): DelimitedParser =>
    new DelimitedParser({
      name: sample.name,
      delimiter: guess.delimiter,
      hasQuotes: guess.hasQuotes,
      recordCharacters: options.recordCharacters ?? tableLimits.recordCharacters,
      columns: tableLimits.columns,
    })
  let columns = guess.hasHeader ? headerOf(sample, makeParser()) : []
  return {
    shape: { format: 'csv', encoding: found.encoding, encodingFrom: found.from, ...guess, listName: null },
    columns: () => columns,
    startReading() {
      const parser = makeParser()
      let index = 0
      let isSeparatorDue = hasSeparatorLine
      let isHeaderDue = guess.hasHeader
      const eventsOf = (record: DelimitedRecord): TableEvent[] => {
        if (isSeparatorDue) {
          isSeparatorDue = false
          return []
        }
        if (isHeaderDue) {
          isHeaderDue = false
          columns = nameColumns(record.cells)
          return []
        }
        // Without a heading the first sound record says how many columns there are.
        if (columns.length === 0 && record.fault === null)
          columns = record.cells.map((_, i) => `column ${i + 1}`)
        index += 1
        return rowEvents(record, index, columns, guess)
      }
      return {
        take: (text) => parser.push(text).flatMap(eventsOf),
        finish: () => parser.finish().flatMap(eventsOf),
      }
    },
  }
}

function headerOf(sample: Sample, parser: DelimitedParser): readonly string[] {
  const records = parser.push(sample.text)
  const first = records[0] ?? (sample.isWhole ? parser.finish()[0] : undefined)
  return first === undefined ? [] : nameColumns(first.cells)
}

/** Heading cells as names: white space collapsed, a stray byte order mark dropped, empty and repeated ones numbered. */
function nameColumns(cells: readonly string[]): string[] {
  const names: string[] = []
  const seen = new Set<string>()
  for (const [i, cell] of cells.entries()) {
    const name = cell.replace(/[\s\p{Cc}\uFEFF]+/gu, ' ').trim() || `column ${i + 1}`
    let unique = name
    for (let count = 2; seen.has(unique); count += 1) unique = `${name} (${count})`
    seen.add(unique)
    names.push(unique)
  }
  return names
}

function rowEvents(
  record: DelimitedRecord,
  index: number,
  columns: readonly string[],
  guess: DelimitedGuess,
): TableEvent[] {
  const { line, cells } = record
  const extra = cells.slice(columns.length).filter((cell) => cell.trim() !== '').length
  const fault =
    record.fault ??
    (extra > 0
      ? surplusCells(cells.length, columns.length, guess)
      : cells.some((cell) => cell.includes('\0'))
        ? 'A cell holds a zero byte, which no text has.'
        : null)
  if (fault !== null) {
    const range = record.endLine > line ? ` (lines ${line} to ${record.endLine})` : ''
    return [
      {
        kind: 'left-out',
        line,
        index,
        reason: fault + range,
        excerpt: excerptOf(cells.join(guess.delimiter)),
      },
    ]
  }
  const values = new Map<string, string>()
  for (const [i, column] of columns.entries()) values.set(column, cells[i] ?? '')
  return [{ kind: 'record', line, index, values }, ...dropStrayMarks(values, line)]
}

const delimiterNames: Readonly<Record<Delimiter, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'bar',
}

function surplusCells(cells: number, columns: number, guess: DelimitedGuess): string {
  const delimiter = `the delimiter (${delimiterNames[guess.delimiter]})`
  const remedy = guess.hasQuotes
    ? `If a text contains ${delimiter}, it must be saved with quotation marks.`
    : `If a text contains ${delimiter}, put a space in its place.`
  return `The line has ${cells} cells, the ${guess.hasHeader ? 'heading' : 'first row'} has ${columns}. ${remedy}`
}
