// JSONL, or JSON with one list of objects, as a table. A bad line of JSONL is left out with its reason; a bad element
// ends the reading of a JSON document.
import { ElementCutter, LineCutter, type RowText } from './json-rows.ts'
import { JsonSyntaxFault, readJsonRow } from './json-value.ts'
import {
  dropStrayMarks,
  excerptOf,
  type RowFormat,
  stopReading,
  type TableEvent,
  type TableNote,
  type TableOptions,
  tableLimits,
} from './table-types.ts'
import type { EncodingFound } from './text-encoding.ts'

/** `listName` of the shape is known only after the reading. */
export function jsonTable(
  name: string,
  format: 'json' | 'jsonl',
  found: EncodingFound,
  options: TableOptions,
): RowFormat {
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
    startReading() {
      const elements = format === 'json' ? new ElementCutter(name, limit) : null
      const cutter = elements ?? new LineCutter(name, limit)
      let index = 0
      const eventsOf = (rows: readonly RowText[]): TableEvent[] => {
        if (elements) shape.listName = elements.listName
        return rows.flatMap((row) => {
          index += 1
          return jsonEvents(row, index, elements ? name : null, seen)
        })
      }
      return {
        take: (text) => eventsOf(cutter.push(text)),
        finish: () => eventsOf(cutter.finish()),
      }
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
    const { values, fault, largeIntegers } = readJsonRow(text)
    if (fault !== null) return leaveOut(fault)
    for (const [key, value] of values) {
      if (value.includes('\0')) return leaveOut('A text holds a zero byte, which no text has.')
      if (seen.size < tableLimits.columns) seen.add(key)
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
