// Reads text tables: CSV and its relatives, JSONL, JSON with one list of objects. Format, encoding, separator and
// heading are detected and can be chosen. Never throws for a bad file: a row is left out with its reason, or the
// reading ends with one Problem. Needs memory for one record and one chunk, whatever the file's size.
import { attemptAsync, fail, ok, ProblemError, type Result } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { DelimitedParser, type DelimitedRecord } from './delimited.ts'
import { ElementCutter, LineCutter, type RowText } from './json-rows.ts'
import { JsonSyntaxFault, readJsonRow } from './json-value.ts'
import {
  type DelimitedGuess,
  detectDelimited,
  detectFormat,
  readSeparatorLine,
  refuseBinary,
  type Sample,
  type SeparatorLine,
} from './table-detect.ts'
import {
  type Delimiter,
  excerptOf,
  stopReading,
  type TableEvent,
  type TableLeftOut,
  type TableNote,
  type TableOptions,
  type TableRecord,
  type TableShape,
  tableLimits,
} from './table-types.ts'
import { decodeText, detectEncoding, type EncodingFound } from './text-encoding.ts'

export type {
  Delimiter,
  TableEvent,
  TableFormat,
  TableLeftOut,
  TableNote,
  TableOptions,
  TableRecord,
  TableShape,
} from './table-types.ts'
export { tableLimits } from './table-types.ts'

export interface OpenTable {
  readonly shape: TableShape
  /** Column names met so far, in order: all of them from the start for a table with a heading, growing for JSON. */
  columns(): readonly string[]
  /**
   * Reads the table once, from its beginning, in batches. A failed Result is the last item. Call it again to read
   * again. JSON's `listName` is in `shape` only after the reading.
   */
  batches(): AsyncGenerator<Result<readonly TableEvent[]>, undefined, undefined>
}

/** Looks at the head of `source` and says what kind of table it is. Reads no rows yet. */
export function openTable(source: ByteSource, options: TableOptions = {}): Promise<Result<OpenTable>> {
  return attemptAsync(async () => {
    if (source.sizeBytes === 0) stopAsEmpty(source.name)
    const head = await source.read(0, Math.min(source.sizeBytes, tableLimits.sampleBytes))
    refuseBinary(source.name, head.subarray(0, 4), true)
    const found = await detectEncoding(source, options.encoding)
    refuseBinary(source.name, head, found.encoding.startsWith('utf-16'))
    const sample = await readSampleText(source, found)
    if (!/\S/.test(sample.text) && sample.isWhole) stopAsEmpty(source.name)
    const separator =
      options.format === undefined || options.format === 'csv' ? readSeparatorLine(sample) : null
    const format = options.format ?? (separator === null ? detectFormat(sample) : 'csv')
    if (format === 'csv') return openDelimited(source, found, sample, separator, options)
    return openJson(source, found, format, options)
  })
}

export interface WholeTable {
  readonly shape: TableShape
  readonly columns: readonly string[]
  readonly records: readonly TableRecord[]
  readonly leftOut: readonly TableLeftOut[]
  readonly notes: readonly TableNote[]
}

/** A whole table in memory: for files known to be small. */
export async function readWholeTable(
  source: ByteSource,
  options: TableOptions = {},
): Promise<Result<WholeTable>> {
  const table = await openTable(source, options)
  if (!table.ok) return table
  const records: TableRecord[] = []
  const leftOut: TableLeftOut[] = []
  const notes: TableNote[] = []
  for await (const batch of table.value.batches()) {
    if (!batch.ok) return batch
    for (const event of batch.value) {
      if (event.kind === 'record') records.push(event)
      else if (event.kind === 'left-out') leftOut.push(event)
      else notes.push(event)
    }
  }
  return ok({ shape: table.value.shape, columns: table.value.columns(), records, leftOut, notes })
}

async function readSampleText(source: ByteSource, found: EncodingFound): Promise<Sample> {
  let text = ''
  for await (const piece of decodeText(source, found.encoding)) {
    text += piece
    if (text.length >= tableLimits.sampleBytes / 2) break
  }
  const isWhole = source.sizeBytes <= tableLimits.sampleBytes / 2
  return { name: source.name, text, isWhole }
}

/** Turns the pieces of the text into batches of events; a Problem thrown on the way becomes the last item. */
async function* batchesOf(
  source: ByteSource,
  encoding: string,
  take: (text: string) => TableEvent[],
  finish: () => TableEvent[],
): AsyncGenerator<Result<readonly TableEvent[]>, undefined, undefined> {
  const pieces = decodeText(source, encoding)
  for (;;) {
    let isDone = false
    let events: TableEvent[]
    try {
      const piece = await pieces.next()
      isDone = piece.done === true
      events = piece.done === true ? finish() : take(piece.value)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      yield fail(error.problem)
      return
    }
    if (events.length > 0) yield ok(events)
    if (isDone) return
  }
}

function openDelimited(
  source: ByteSource,
  found: EncodingFound,
  head: Sample,
  separator: SeparatorLine | null,
  options: TableOptions,
): OpenTable {
  const sample = separator?.rest ?? head
  if (!/\S/.test(sample.text) && sample.isWhole) stopAsEmpty(source.name)
  const delimiter = options.delimiter ?? separator?.delimiter
  const guess = detectDelimited(sample, delimiter === undefined ? options : { ...options, delimiter })
  const { name } = source
  const makeParser = (): DelimitedParser =>
    new DelimitedParser({
      name,
      delimiter: guess.delimiter,
      hasQuotes: guess.hasQuotes,
      recordCharacters: options.recordCharacters ?? tableLimits.recordCharacters,
      columns: tableLimits.columns,
    })
  let columns = guess.hasHeader ? headerOf(sample, makeParser()) : []
  return {
    shape: { format: 'csv', encoding: found.encoding, encodingFrom: found.from, ...guess, listName: null },
    columns: () => columns,
    batches() {
      const parser = makeParser()
      let index = 0
      let isSeparatorDue = separator !== null
      let isHeaderDue = guess.hasHeader
      const toEvents = (records: readonly DelimitedRecord[]): TableEvent[] => {
        const events: TableEvent[] = []
        for (const record of records) {
          if (isSeparatorDue) {
            isSeparatorDue = false
            continue
          }
          if (isHeaderDue) {
            isHeaderDue = false
            columns = nameColumns(record.cells)
            continue
          }
          if (
            !guess.hasHeader &&
            record.cells.length > columns.length &&
            record.fault === null &&
            index === 0
          )
            columns = record.cells.map((_, i) => `column ${i + 1}`)
          index += 1
          events.push(...rowEvents(record, index, columns, guess))
        }
        return events
      }
      return batchesOf(
        source,
        found.encoding,
        (text) => toEvents(parser.push(text)),
        () => toEvents(parser.finish()),
      )
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

/** A byte order mark that a program left at the beginning of a cell is not text: dropped, and said. */
function dropStrayMarks(values: Map<string, string>, line: number): TableNote[] {
  const notes: TableNote[] = []
  for (const [column, value] of values) {
    if (!value.startsWith('\uFEFF')) continue
    values.set(column, value.replace(/^\uFEFF+/, ''))
    notes.push({
      kind: 'note',
      line,
      text: `An invisible byte order mark before the text in "${column}" was dropped.`,
    })
  }
  return notes
}

function openJson(
  source: ByteSource,
  found: EncodingFound,
  format: 'json' | 'jsonl',
  options: TableOptions,
): OpenTable {
  const seen = new Set<string>()
  const shape = {
    format,
    encoding: found.encoding,
    encodingFrom: found.from,
    delimiter: null,
    hasQuotes: true,
    hasHeader: true,
    listName: null as string | null,
  }
  const limit = options.recordCharacters ?? tableLimits.recordCharacters
  return {
    shape,
    columns: () => [...seen],
    batches() {
      const lines = new LineCutter(source.name, limit)
      const elements = new ElementCutter(source.name, limit)
      let index = 0
      const toEvents = (rows: readonly RowText[]): TableEvent[] => {
        if (format === 'json') shape.listName = elements.listName
        return rows.flatMap((row) => {
          index += 1
          return jsonEvents(row, index, format === 'json' ? source.name : null, seen)
        })
      }
      const cutter = format === 'json' ? elements : lines
      return batchesOf(
        source,
        found.encoding,
        (text) => toEvents(cutter.push(text)),
        () => toEvents(cutter.finish()),
      )
    },
  }
}

/** The events of one JSON row. In a document (`documentName` given) a syntax fault ends the reading, in JSONL the row. */
function jsonEvents(
  row: RowText,
  index: number,
  documentName: string | null,
  seen: Set<string>,
): TableEvent[] {
  const { line, text } = row
  const leaveOut = (reason: string): TableEvent[] => [
    { kind: 'left-out', line, index, reason, excerpt: excerptOf(text) },
  ]
  try {
    const { values, fault, largeIntegers } = readJsonRow(text, tableLimits.jsonDepth, tableLimits.columns)
    if (fault !== null) return leaveOut(fault)
    for (const [key, value] of values) {
      if (value.includes('\0')) return leaveOut('A text holds a zero byte, which no text has.')
      seen.add(key)
    }
    const notes = largeIntegers.map((key): TableNote => {
      return {
        kind: 'note',
        line,
        text: `The number in "${key}" has more than 15 digits. It is kept as text, digit by digit.`,
      }
    })
    return [{ kind: 'record', line, index, values }, ...notes, ...dropStrayMarks(values, line)]
  } catch (error) {
    if (!(error instanceof JsonSyntaxFault)) throw error
    if (documentName === null || error.isDepth) return leaveOut(error.message)
    return stopReading({
      code: 'table.invalid-json',
      message: error.message,
      where: `${documentName}, line ${line + countLineEnds(text.slice(0, error.at))}`,
      remedy: 'Export the file again from the program it came from, or correct it at that line.',
    })
  }
}

const countLineEnds = (text: string): number => text.match(/\r\n|\n|\r/g)?.length ?? 0

function stopAsEmpty(name: string): never {
  return stopReading({
    code: 'table.empty',
    message: 'The file is empty.',
    where: name,
    remedy: 'Choose a file with at least a heading and some rows.',
  })
}
