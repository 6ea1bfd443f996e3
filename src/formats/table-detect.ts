// What kind of table a text is, decided by its content; the file's name only breaks ties. Works on a sample.
import { DelimitedParser, type DelimitedRecord } from './delimited.ts'
import { JsonSyntaxFault, readJsonRow } from './json-value.ts'
import {
  type Delimiter,
  stopReading,
  type TableFormat,
  type TableOptions,
  type TextReading,
} from './table-types.ts'

export interface Sample {
  readonly name: string
  /** The first characters of the file. */
  readonly text: string
  /** Whether that is all of it. */
  readonly isWhole: boolean
}

export interface DelimitedGuess {
  readonly delimiter: Delimiter
  readonly hasQuotes: boolean
  readonly hasHeader: boolean
}

const plainTextRemedy =
  'Bring a table with one example a row: CSV or TSV with a heading, or JSONL with one object a line.'
/** Where prose is read as well. */
export const passagesRemedy =
  'Bring a plain text file (.txt), or a table with a column of texts; save a PDF or Word document as text first.'

/** First bytes of files that are no text, and what to do with each; null: what is to be brought instead. */
const signatures: readonly {
  bytes: readonly number[]
  what: string
  remedy: string | null
  /** May be a document, which prose can be saved from. */
  mayBeProse?: boolean
}[] = [
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: 'a ZIP container, as Excel, Word, OpenDocument and EPUB use',
    remedy: 'If it is a spreadsheet, open it and save the sheet as "CSV UTF-8".',
    mayBeProse: true,
  },
  {
    bytes: [0xd0, 0xcf, 0x11, 0xe0],
    what: 'an Office file in the format before 2007',
    remedy: 'If it is a spreadsheet, open it and save the sheet as "CSV UTF-8".',
    mayBeProse: true,
  },
  { bytes: [0x25, 0x50, 0x44, 0x46], what: 'a PDF document', remedy: null },
  {
    bytes: [0x50, 0x41, 0x52, 0x31],
    what: 'a Parquet file',
    remedy: 'Export it as CSV or JSONL from the program it came from.',
  },
  {
    bytes: [0x1f, 0x8b],
    what: 'a gzip-compressed file',
    remedy: 'Unpack it first, then bring the file inside.',
  },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    what: 'a zstd-compressed file',
    remedy: 'Unpack it first, then bring the file inside.',
  },
  { bytes: [0x7b, 0x5c, 0x72, 0x74, 0x66], what: 'a Rich Text document', remedy: null },
  { bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a picture', remedy: null },
  { bytes: [0xff, 0xd8, 0xff], what: 'a picture', remedy: null },
]

/** Stops at bytes that begin a known kind of file. */
export function refuseOtherKinds(name: string, head: Uint8Array, textAs: TextReading | undefined): void {
  const known = signatures.find(({ bytes }) => bytes.every((byte, i) => head[i] === byte))
  if (known === undefined) return
  const { what, remedy, mayBeProse } = known
  const instead = insteadOf(textAs)
  if (textAs !== 'passages') stopAsUnknown(name, `This is ${what}, not a text table.`, remedy ?? instead)
  const both = mayBeProse ? `${instead} ${remedy}` : remedy
  stopAsUnknown(name, `This is ${what}, not a text.`, both ?? instead)
}

const insteadOf = (textAs: TextReading | undefined): string =>
  textAs === 'passages' ? passagesRemedy : plainTextRemedy

/** Stops at bytes with too many control characters to be text. Not for UTF-16, where half of them can be zero. */
export function refuseControlBytes(name: string, head: Uint8Array, textAs: TextReading | undefined): void {
  let controls = 0
  for (const byte of head) if (byte < 32 && (byte < 9 || byte > 13) && byte !== 27) controls += 1
  if (controls > 2 && controls > head.byteLength * 0.01)
    stopAsUnknown(name, 'This is not a text file: it is full of bytes that no text has.', insteadOf(textAs))
}

export interface SeparatorLine {
  readonly delimiter: Delimiter
  /** The sample from the next line on. */
  readonly rest: Sample
}

/**
 * A first line "sep=;", by which Excel is told the separator; any case, with or without quotation marks, a tab as such
 * or as "\t". null where there is none. A separator that is not understood ends the reading.
 */
export function readSeparatorLine(sample: Sample): SeparatorLine | null {
  const found = /^\uFEFF*("?)sep=(\\t|[^\r\n\p{L}\p{N}])\1[ ;,|\t]*(?:\r\n?|\n|$)/iu.exec(sample.text)
  if (found === null) return null
  const written = found[2]!.toLowerCase() === '\\t' ? '\t' : found[2]
  const delimiter = candidates.find((candidate) => candidate === written)
  if (delimiter !== undefined)
    return { delimiter, rest: { ...sample, text: sample.text.slice(found[0].length) } }
  return stopReading({
    code: 'table.unknown-format',
    message: `The first line says that "${written}" separates the columns, which is not understood.`,
    where: `${sample.name}, line 1`,
    remedy: 'Save the table with a comma, a semicolon, a tab or a bar between the columns.',
  })
}

/** JSONL where most lines are objects; JSON where it begins as a document does; otherwise delimited text. */
export function detectFormat(sample: Sample): TableFormat {
  const text = sample.text.trimStart()
  if (isJsonLines(sample, text)) return 'jsonl'
  const isOneLine = !sample.isWhole && !/[\r\n]/.test(text)
  if (isOneLine && hasExtension(sample.name, ['jsonl', 'ndjson'])) return 'jsonl'
  if (/^(\[\s*([[{"\-0-9tfn\]]|$)|\{\s*(["}]|$))/.test(text)) return 'json'
  if (hasExtension(sample.name, ['jsonl', 'ndjson'])) return 'jsonl'
  if (hasExtension(sample.name, ['json']))
    stopAsUnknown(sample.name, 'The file is called JSON but does not begin with { or [.', plainTextRemedy)
  return 'csv'
}

function isJsonLines(sample: Sample, text: string): boolean {
  const lines = text.split(/\r\n|\n|\r/)
  if (!sample.isWhole && lines.length > 1) lines.pop()
  const filled = lines.filter((line) => /\S/.test(line)).slice(0, 50)
  const objects = filled.filter((line) => isWholeObject(line)).length
  // A document that begins with [ is a list, unless nearly every line is an object by itself.
  const neededShare = text.startsWith('[') ? 0.8 : 0.5
  if (objects === 0 || objects < neededShare * filled.length) return false
  const [only, ...others] = filled
  return others.length > 0 || only === undefined || !sample.isWhole || !holdsOneList(only)
}

function isWholeObject(line: string): boolean {
  if (!/^\s*\{/.test(line)) return false
  try {
    readJsonRow(line)
    return true
  } catch (error) {
    if (error instanceof JsonSyntaxFault) return false
    throw error
  }
}

/** A single object whose member is a list of objects is a document, any other is a record on a line of its own. */
function holdsOneList(text: string): boolean {
  const { values } = readJsonRow(text)
  return [...values.values()].some((value) => /^\[\s*\{/.test(value))
}

const candidates: readonly Delimiter[] = ['\t', ';', '|', ',']

/** Delimiter, quoting and heading of delimited text. Prose and other files without columns are refused. */
export function detectDelimited(sample: Sample, options: TableOptions): DelimitedGuess {
  const isNamedTable = hasExtension(sample.name, ['csv', 'tsv', 'tab', 'psv'])
  const choices = options.delimiter === undefined ? candidates : [options.delimiter]
  let best: { delimiter: Delimiter; hasQuotes: boolean; records: DelimitedRecord[]; score: number } | null =
    null
  for (const delimiter of choices) {
    // Only tab-separated text is written without quoting in practice.
    const hasQuotes = delimiter !== '\t' || hasUsefulQuotes(sample.text)
    const records = readSample(sample, delimiter, hasQuotes)
    const score = scoreColumns(records)
    if (best === null || score > best.score + 1e-9) best = { delimiter, hasQuotes, records, score }
  }
  const needed = options.delimiter !== undefined || options.format === 'csv' ? -1 : isNamedTable ? 0.5 : 0.9
  if (best === null || best.score < needed || (best.records.length < 2 && needed > 0.5)) {
    if (isNamedTable || needed === -1)
      return { ...singleColumn(sample, options), delimiter: namedDelimiter(sample.name, options) }
    return stopAsUnknown(sample.name, 'This is plain text without columns, not a table.', plainTextRemedy)
  }
  const hasHeader = options.hasHeader ?? looksLikeHeader(best.records)
  return { delimiter: best.delimiter, hasQuotes: best.hasQuotes, hasHeader }
}

function singleColumn(sample: Sample, options: TableOptions): { hasQuotes: boolean; hasHeader: boolean } {
  const records = readSample(sample, namedDelimiter(sample.name, options), true)
  return {
    hasQuotes: true,
    hasHeader: options.hasHeader ?? looksLikeHeader(records),
  }
}

const namedDelimiter = (name: string, options: TableOptions): Delimiter =>
  options.delimiter ?? (hasExtension(name, ['tsv', 'tab']) ? '\t' : hasExtension(name, ['psv']) ? '|' : ',')

/** The first 500 records or so: enough to compare separators by. */
function readSample(sample: Sample, delimiter: Delimiter, hasQuotes: boolean): DelimitedRecord[] {
  const parser = new DelimitedParser({
    name: sample.name,
    delimiter,
    hasQuotes,
    recordCharacters: Number.POSITIVE_INFINITY,
    columns: Number.POSITIVE_INFINITY,
  })
  const records: DelimitedRecord[] = []
  for (let at = 0; at < sample.text.length && records.length < 500; at += 16_384)
    records.push(...parser.push(sample.text.slice(at, at + 16_384)))
  if (sample.isWhole && !/[\r\n]$/.test(sample.text)) records.push(...parser.push('\n'))
  return records.slice(0, 500)
}

/** Share of sound records that have the commonest number of cells; 0 where that number is 1 or the first differs. */
function scoreColumns(records: readonly DelimitedRecord[]): number {
  const counts = new Map<number, number>()
  for (const { cells, fault } of records)
    if (fault === null) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1)
  let width = 0
  for (const [cells, count] of counts) if (count > (counts.get(width) ?? 0)) width = cells
  if (width < 2) return 0
  const isFirstUsual = records[0] !== undefined && records[0].cells.length === width
  return ((counts.get(width) ?? 0) / records.length) * (isFirstUsual ? 1 : 0.8)
}

/**
 * Whether quotation marks wrap whole cells of tab-separated text. A cell that is nothing but one quotation mark, as in
 * lists of words, speaks against it.
 */
function hasUsefulQuotes(text: string): boolean {
  const head = text.slice(0, 262_144)
  if (/(^|[\r\n\t])"[\r\n\t]/.test(head)) return false
  return /(^|[\r\n\t])"(?:[^"]|"")+"([\r\n\t]|$)/.test(head)
}

const numberLike = /^[-+]?[0-9][0-9.,\s%]*$/

/**
 * The first row names the columns unless its quoting is broken or something in it is a value: a number, a repeat, a
 * long text, or a cell that comes again further down in its column.
 */
function looksLikeHeader(records: readonly DelimitedRecord[]): boolean {
  const [first, ...rest] = records
  if (first === undefined || first.fault !== null) return false
  const names = first.cells.map((cell) => cell.trim())
  const filled = names.filter((name) => name !== '')
  if (filled.length === 0 || new Set(filled).size < filled.length) return false
  if (filled.some((name) => numberLike.test(name) || name.length > 64)) return false
  return !names.some(
    (name, column) => name !== '' && rest.some(({ cells }) => cells[column]?.trim() === name),
  )
}

const hasExtension = (name: string, extensions: readonly string[]): boolean =>
  extensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`))

function stopAsUnknown(name: string, message: string, remedy: string): never {
  return stopReading({ code: 'table.unknown-format', message, where: name, remedy })
}
