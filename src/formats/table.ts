// Reads text tables: CSV and its relatives, JSONL, JSON with one list of objects. Format, encoding, separator and
// heading are detected and can be chosen. Never throws for a bad file: a row is left out with its reason, or the
// reading ends with one Problem. Needs memory for one record and one chunk, whatever the file's size.
import { attemptAsync, fail, ok, ProblemError, type Result } from '#shared/result.ts'
import type { ByteSource } from './byte-source.ts'
import { delimitedTable } from './table-delimited.ts'
import {
  detectFormat,
  passagesRemedy,
  readSeparatorLine,
  refuseControlBytes,
  refuseOtherKinds,
  type Sample,
} from './table-detect.ts'
import { jsonTable } from './table-json.ts'
import { textFormatOf } from './table-text.ts'
import {
  type RowFormat,
  type RowReader,
  stopReading,
  type TableEvent,
  type TableOptions,
  type TableShape,
  tableLimits,
} from './table-types.ts'
import { decodeText, detectEncoding, type EncodingFound } from './text-encoding.ts'

export type { TableEvent, TableOptions, TableShape } from './table-types.ts'
export { tableLimits } from './table-types.ts'

export interface OpenTable {
  readonly shape: TableShape
  /**
   * Column names met so far, in order: all of them from the start for a table with a heading; for JSON they grow, up to
   * `tableLimits.columns`.
   */
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
    if (source.sizeBytes === 0) stopAsEmpty(source.name, options)
    const head = await source.read(0, Math.min(source.sizeBytes, tableLimits.sampleBytes))
    refuseOtherKinds(source.name, head, options.textAs)
    const found = await detectEncoding(source, options.encoding)
    if (!found.encoding.startsWith('utf-16')) refuseControlBytes(source.name, head, options.textAs)
    const sample = await readSampleText(source, found)
    const { shape, columns, startReading } = formatOf(sample, found, options)
    return { shape, columns, batches: () => batchesOf(decodeText(source, found.encoding), startReading()) }
  })
}

function formatOf(sample: Sample, found: EncodingFound, options: TableOptions): RowFormat {
  const separator = (options.format ?? 'csv') === 'csv' ? readSeparatorLine(sample) : null
  const rows = separator?.rest ?? sample
  if (!/\S/.test(rows.text) && rows.isWhole) stopAsEmpty(sample.name, options)
  const text = textFormatOf(sample.name, sample.text, found, options)
  if (text) return text
  if (separator) return delimitedTable(rows, true, found, { delimiter: separator.delimiter, ...options })
  const format = options.format ?? detectFormat(sample)
  return format === 'csv'
    ? delimitedTable(sample, false, found, options)
    : jsonTable(sample.name, format, found, options)
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
  pieces: AsyncIterable<string>,
  reader: RowReader,
): AsyncGenerator<Result<readonly TableEvent[]>, undefined, undefined> {
  try {
    for await (const text of pieces) {
      const events = reader.take(text)
      if (events.length > 0) yield ok(events)
    }
    const last = reader.finish()
    if (last.length > 0) yield ok(last)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    yield fail(error.problem)
  }
}

function stopAsEmpty(name: string, { textAs }: TableOptions): never {
  return stopReading({
    code: 'table.empty',
    message: 'The file is empty.',
    where: name,
    remedy: textAs === 'passages' ? passagesRemedy : 'Choose a file with at least a heading and some rows.',
  })
}
