// What table readers give and take: records, rows left out, notes, limits, and the few words they share.
import { type Problem, ProblemError } from '#shared/result.ts'

/** Limits that hold for every text table; each is named in the sentence of the Problem it causes. */
export const tableLimits = {
  /** Longest record: one line of JSONL, one element of a JSON list, one CSV row with all its quoted line breaks. */
  recordCharacters: 16 * 1024 * 1024,
  columns: 4096,
  jsonDepth: 64,
  /** Bytes read at once; with the longest record this bounds the memory a reader needs. */
  chunkBytes: 256 * 1024,
  /** Longest prose file: it is held in memory as a whole. */
  proseCharacters: 64 * 1024 * 1024,
  /** Bytes looked at to find out what a file is. */
  sampleBytes: 1024 * 1024,
  /** Files up to this size are checked for UTF-8 as a whole before reading, longer ones at their head. */
  wholeCheckBytes: 256 * 1024 * 1024,
} as const

export type TableFormat = 'csv' | 'json' | 'jsonl'
/** Kinds of text that are no tables and can be read as if they were. */
export type TextFormat = 'text' | 'conll'
/** What a file that is no table may be read as: prose in passages, or CoNLL's words with tags. */
export type TextReading = 'passages' | 'conll'
export type Delimiter = ',' | ';' | '\t' | '|'

/** Everything that is detected can also be said. */
export interface TableOptions {
  readonly format?: TableFormat
  /** A label of the WHATWG Encoding Standard: utf-8, utf-16le, windows-1252, shift_jis, ... */
  readonly encoding?: string
  readonly delimiter?: Delimiter
  readonly hasHeader?: boolean
  /** Left out, a file that is no table is refused. */
  readonly textAs?: TextReading | undefined
  /** Smaller limit for tests; see tableLimits.recordCharacters. */
  readonly recordCharacters?: number
}

/** What the file turned out to be. */
export interface TableShape {
  readonly format: TableFormat | TextFormat
  readonly encoding: string
  /** How sure the encoding is: a mark in the file, valid UTF-8, a guess from letter statistics, or the person's word. */
  readonly encodingFrom: 'byte order mark' | 'valid UTF-8' | 'guess' | 'choice'
  /** null for JSON and JSONL. */
  readonly delimiter: Delimiter | null
  /** Whether quotation marks can wrap a cell; some tab-separated files use them as ordinary characters. */
  readonly hasQuotes: boolean
  /** Whether the first record names the columns; without one they are called "column 1", "column 2", ... */
  readonly hasHeader: boolean
  /** Name of the list inside a JSON object, for example "data"; null where the list stands alone. */
  readonly listName: string | null
}

/** A usable record. `line` is the 1-based physical line it begins on; `index` counts all records from 1. */
export interface TableRecord {
  readonly kind: 'record'
  readonly line: number
  readonly index: number
  /**
   * In column order. Numbers keep their source text, null is '', nested objects become "outer.inner". Who keeps a text
   * takes its `ownText`.
   */
  readonly values: ReadonlyMap<string, string>
}

/** A record that cannot be used; the reading goes on after it. */
export interface TableLeftOut {
  readonly kind: 'left-out'
  readonly line: number
  readonly index: number
  readonly reason: string
  readonly excerpt: string
}

/** Something worth knowing about a record that is used. */
export interface TableNote {
  readonly kind: 'note'
  readonly line: number
  readonly text: string
}

export type TableEvent = TableRecord | TableLeftOut | TableNote

/** A kind of table whose shape is known: its columns so far, and readers that each begin at the first row. */
export interface RowFormat {
  readonly shape: TableShape
  columns(): readonly string[]
  startReading(): RowReader
}

/** Takes the text in pieces; each call gives the events of the records that became complete. */
export interface RowReader {
  take(text: string): TableEvent[]
  finish(): TableEvent[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The same text in memory of its own. V8 lets a piece of a text point into the whole, so that one kept cell would keep
 * the 256 KiB of the file that were decoded with it.
 */
export const ownText = (text: string): string => decoder.decode(encoder.encode(text))

/** The first characters of a record on one line, control characters shown as spaces. */
export function excerptOf(text: string): string {
  const plain = text
    .slice(0, 400)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .toWellFormed()
  return ownText(plain.length > 120 ? `${plain.slice(0, 119).toWellFormed()}…` : plain)
}

/** Ends the reading of a table with a Problem; the public functions of table.ts turn it into a Result. */
export function stopReading(problem: Problem): never {
  throw new ProblemError(problem)
}

/** A byte order mark that a program left at the beginning of a cell is not text: dropped, and said. */
export function dropStrayMarks(values: Map<string, string>, line: number): TableNote[] {
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
