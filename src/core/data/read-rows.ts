// A person's file as rows of a scenario: usable ones, and the others with line and reason. Changes no text but for
// white space around labels, and what a scenario reads into one form (marks, conversations, passages). Holds the rows in memory, up to a stated limit.
import { type OpenTable, openTable, type TableEvent, type TableShape } from '#formats/table.ts'
import { excerptOf, ownText } from '#formats/table-types.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { DatasetRow, LeftOutRow } from '#shared/rows.ts'
import type { RecordReading, Scenario } from '../scenarios/scenarios.ts'
import { type ColumnMatch, matchColumns } from './columns.ts'
import { openWatchedFile } from './watched-file.ts'

export interface ReadRows {
  readonly source: { readonly name: string; readonly sizeBytes: number; readonly sha256: string }
  /** SHA-256 of each file. */
  readonly fileSums: readonly string[]
  readonly shape: TableShape
  readonly columnsFound: readonly string[]
  readonly match: ColumnMatch
  readonly rows: readonly DatasetRow[]
  /** For each row its value in the group column, '' where it is empty; null where no such column was named. */
  readonly groups: readonly string[] | null
  /** The first of the rows left out; `leftOutCount` counts them all. */
  readonly leftOut: readonly LeftOutRow[]
  readonly leftOutCount: number
  /** Remarks on rows that are used; `noteCount` counts them all. */
  readonly notes: readonly { readonly line: number; readonly text: string }[]
  readonly noteCount: number
}

/** Limits of one data set. */
const dataLimits = {
  textCharacters: 512 * 1024 * 1024,
  /** So many short rows take 1.4 GB of memory with all that is kept of each to split them. */
  rows: 2_000_000,
  /** Rows left out or remarked on that are kept with their reason; the others are only counted. */
  listed: 10_000,
  /** Rows looked at to guess columns by content. */
  sampleRows: 1000,
} as const

/** Reads the whole file. Throws a ProblemError: the callers in this folder turn it into a Result. */
export async function readRows(
  path: string,
  scenario: Scenario,
  given: Readonly<Record<string, string>> | null,
  groupColumn: string | null = null,
): Promise<ReadRows> {
  const file = await openWatchedFile(path)
  try {
    const { name, sizeBytes } = file.source
    const table = unwrap(await openTable(file.source, { textAs: scenario.textAs }))
    const reader = new RowReader(name, scenario, given, table, groupColumn)
    for await (const batch of table.batches()) reader.take(unwrap(batch))
    const read = reader.finish()
    if (groupColumn !== null) requireColumn(name, table.columns(), groupColumn)
    await file.confirmUnchanged()
    return {
      source: { name, sizeBytes, sha256: file.sha256 },
      fileSums: [file.sha256],
      shape: { ...table.shape },
      columnsFound: table.columns(),
      ...read,
    }
  } finally {
    await file.close()
  }
}

/** Holds the first records back until the columns are known, then takes each row as it comes. */
class RowReader {
  readonly #name: string
  readonly #scenario: Scenario
  readonly #given: Readonly<Record<string, string>> | null
  readonly #table: OpenTable
  readonly #groupColumn: string | null
  readonly #rows: DatasetRow[] = []
  readonly #groups: string[] = []
  readonly #leftOut: LeftOutRow[] = []
  readonly #notes: { line: number; text: string }[] = []
  readonly #waiting: TableEvent[] = []
  #match: ColumnMatch | null = null
  #leftOutCount = 0
  #noteCount = 0
  #textCharacters = 0

  constructor(
    name: string,
    scenario: Scenario,
    given: Readonly<Record<string, string>> | null,
    table: OpenTable,
    groupColumn: string | null,
  ) {
    this.#name = name
    this.#scenario = scenario
    this.#given = given
    this.#table = table
    this.#groupColumn = groupColumn
  }

  take(events: readonly TableEvent[]): void {
    if (this.#match !== null) {
      for (const event of events) this.#takeEvent(event)
      return
    }
    for (const event of events) this.#waiting.push(event)
    if (this.#waiting.length >= dataLimits.sampleRows) this.#takeWaiting()
  }

  finish(): Omit<ReadRows, 'source' | 'fileSums' | 'shape' | 'columnsFound'> {
    this.#takeWaiting()
    if (this.#match === null) this.#stopWithoutRecords()
    return {
      match: this.#match,
      rows: this.#rows,
      groups: this.#groupColumn === null ? null : this.#groups,
      leftOut: this.#leftOut,
      leftOutCount: this.#leftOutCount,
      notes: this.#notes,
      noteCount: this.#noteCount,
    }
  }

  /** Decides on the columns as soon as a record waits; rows left out need none, however many come first. */
  #takeWaiting(): void {
    const sample = this.#waiting.flatMap((event) => (event.kind === 'record' ? [event.values] : []))
    if (sample.length > 0)
      this.#match = unwrap(
        matchColumns({
          fileName: this.#name,
          scenario: this.#scenario,
          found: this.#table.columns(),
          hasHeading: this.#table.shape.hasHeader,
          given: this.#given,
          sample: sample.slice(0, dataLimits.sampleRows),
        }),
      )
    for (const event of this.#waiting.splice(0)) this.#takeEvent(event)
  }

  #takeEvent(event: TableEvent): void {
    if (event.kind === 'left-out') this.#leaveOut(event)
    else if (event.kind === 'note') this.#note(event.line, event.text)
    else this.#takeRecord(event.line, event.index, event.values)
  }

  #takeRecord(line: number, index: number, cells: ReadonlyMap<string, string>): void {
    const reading = this.#readRecord(cells)
    if ('reason' in reading) {
      this.#leaveOut({ line, reason: reading.reason, excerpt: excerptOf([...cells.values()].join(' ')) })
      return
    }
    if (reading.note) this.#note(line, reading.note)
    const group = this.#groupColumn === null ? null : ownText(cells.get(this.#groupColumn)?.trim() ?? '')
    for (const [i, fields] of reading.rows.entries()) {
      if (group !== null) this.#groups.push(group)
      this.#keep({ rowId: i === 0 ? `r${index}` : `r${index}.${i + 1}`, line, fields: ownTexts(fields) })
    }
  }

  #readRecord(cells: ReadonlyMap<string, string>): RecordReading {
    const values: Record<string, string> = {}
    const { columns = {}, needed = [] } = this.#match ?? {}
    for (const { name, title, kind } of this.#scenario.roles) {
      const column = columns[name]
      const value = column === undefined ? '' : (cells.get(column) ?? '')
      if (value.trim() !== '') values[name] = kind === 'label' ? value.trim() : value
      else if (needed.includes(name)) return { reason: `The ${title.toLowerCase()} is empty.` }
    }
    return this.#scenario.readRecord?.(values) ?? { rows: [values] }
  }

  #keep(row: DatasetRow): void {
    for (const value of Object.values(row.fields)) this.#textCharacters += value.length
    const { textCharacters, rows } = dataLimits
    if (this.#textCharacters > textCharacters) this.#stopAsTooLarge(row.line, textCharacters, 'characters')
    if (this.#rows.length === rows) this.#stopAsTooLarge(row.line, rows, 'rows')
    this.#rows.push(row)
  }

  #note(line: number, text: string): void {
    this.#noteCount += 1
    if (this.#notes.length < dataLimits.listed) this.#notes.push({ line, text })
  }

  #leaveOut({ line, reason, excerpt }: LeftOutRow): void {
    this.#leftOutCount += 1
    if (this.#leftOut.length < dataLimits.listed) this.#leftOut.push({ line, reason, excerpt })
  }

  #stopWithoutRecords(): never {
    const [first] = this.#leftOut
    if (first === undefined)
      throw new ProblemError({
        code: 'table.empty',
        message: 'The file has a heading but no rows.',
        where: this.#name,
        remedy: 'Choose the file that holds your examples.',
      })
    throw new ProblemError({
      code: 'data.too-few-rows',
      message: `None of the ${this.#leftOutCount} rows can be used. The first: ${first.reason}`,
      where: `${this.#name}, line ${first.line}`,
      remedy: 'Correct the rows, or export the file again from the program it came from.',
    })
  }

  #stopAsTooLarge(line: number, limit: number, of: string): never {
    throw new ProblemError({
      code: 'limit.exceeded',
      message: `The file holds more than ${limit.toLocaleString('en')} ${of} of examples.`,
      where: `${this.#name}, line ${line}`,
      remedy: 'Use a part of it: far fewer examples are enough for fine-tuning.',
    })
  }
}

function requireColumn(fileName: string, found: readonly string[], column: string): void {
  if (found.includes(column)) return
  throw new ProblemError({
    code: 'data.columns',
    message: `There is no column "${column}" to keep rows together by.`,
    where: fileName,
    remedy: `Choose one of these: ${found.slice(0, 30).join(', ')}.`,
  })
}

const ownTexts = (fields: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, ownText(value)]))
