// Records of comma-, semicolon-, tab- or bar-separated text (RFC 4180), fed in pieces, each character looked at once.
// Refuses to guess where a quoted cell ends: a cell closed in the middle makes its record left out, never cut.
import { type Delimiter, stopReading } from './table-types.ts'

export interface DelimitedRecord {
  /** 1-based physical lines on which the record begins and ends. */
  readonly line: number
  readonly endLine: number
  readonly cells: readonly string[]
  /** Why the record cannot be used; null where it is sound. */
  readonly fault: string | null
}

export interface DelimitedSettings {
  readonly name: string
  readonly delimiter: Delimiter
  readonly hasQuotes: boolean
  /** Limits on a record; see tableLimits. */
  readonly recordCharacters: number
  readonly columns: number
}

const lineFeed = 10
const carriageReturn = 13
const quote = 34

/** Where the parser stands: before a cell, in a bare or quoted one, after a quote inside one, in a spoilt record. */
type State = 'cell-start' | 'bare' | 'quoted' | 'quote-in-quoted' | 'spoilt'

/**
 * Feed text with `push`, take the finished records, and call `finish` at the end. Line ends are LF, CRLF or CR, and
 * count so inside quoted cells too. Blank lines are skipped. A quotation mark inside a bare cell is a character.
 */
export class DelimitedParser {
  readonly #settings: DelimitedSettings
  readonly #delimiterCode: number
  #state: State = 'cell-start'
  #records: DelimitedRecord[] = []
  #cells: string[] = []
  #cell = ''
  /** Characters of the record's finished cells. */
  #recordCharacters = 0
  #line = 1
  #recordLine = 1
  #quoteLine = 1
  #fault: string | null = null
  #wasQuoted = false
  #isAfterReturn = false

  constructor(settings: DelimitedSettings) {
    this.#settings = settings
    this.#delimiterCode = settings.delimiter.charCodeAt(0)
  }

  /** Takes in the next piece of text; returns the records that it completes. */
  push(text: string): DelimitedRecord[] {
    let runStart = 0
    for (let i = 0; i < text.length; i += 1) {
      if (!this.#isAfterReturn) i = this.#skipPlain(text, i)
      if (i === text.length) break
      const code = text.charCodeAt(i)
      if (this.#isAfterReturn) {
        this.#isAfterReturn = false
        if (code === lineFeed) {
          if (this.#state !== 'quoted') runStart = i + 1
          continue
        }
      }
      const isLineEnd = code === lineFeed || code === carriageReturn
      if (isLineEnd) this.#isAfterReturn = code === carriageReturn
      if (this.#state === 'quoted') {
        if (isLineEnd) this.#line += 1
        else if (code === quote) {
          this.#cell += text.slice(runStart, i)
          runStart = i + 1
          this.#state = 'quote-in-quoted'
        }
      } else if (isLineEnd || (code === this.#delimiterCode && this.#state !== 'spoilt')) {
        if (this.#state !== 'quote-in-quoted') this.#cell += text.slice(runStart, i)
        runStart = i + 1
        this.#endCell()
        if (isLineEnd) this.#endRecord(1)
      } else if (code === quote && this.#meetQuote()) {
        runStart = i + 1
      } else if (this.#state === 'quote-in-quoted') {
        this.#spoil()
        runStart = i
      } else if (this.#state === 'cell-start') this.#state = 'bare'
    }
    this.#cell += text.slice(runStart)
    this.#checkLength()
    return this.#takeRecords()
  }

  /** Ends the text; returns the last record where it has no line end. An open quoted cell is a Problem. */
  finish(): DelimitedRecord[] {
    if (this.#state === 'quoted') this.#stopAtOpenQuote('to the end of the file')
    if (this.#state !== 'cell-start' || this.#cells.length > 0 || this.#wasQuoted) {
      this.#endCell()
      this.#endRecord(0)
    }
    return this.#takeRecords()
  }

  /** Passes over characters that mean nothing where the parser stands: most of any text. */
  #skipPlain(text: string, from: number): number {
    const { length } = text
    const delimiter = this.#delimiterCode
    let i = from
    if (this.#state === 'bare')
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i)
        if (code === delimiter || code === lineFeed || code === carriageReturn) break
      }
    else if (this.#state === 'quoted')
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i)
        if (code === quote || code === lineFeed || code === carriageReturn) break
      }
    return i
  }

  /** A quotation mark outside a quoted cell. Returns whether it is markup rather than text. */
  #meetQuote(): boolean {
    if (!this.#settings.hasQuotes) {
      if (this.#state === 'cell-start') this.#state = 'bare'
      return false
    }
    if (this.#state === 'cell-start') {
      this.#state = 'quoted'
      this.#quoteLine = this.#line
      this.#wasQuoted = true
      return true
    }
    if (this.#state !== 'quote-in-quoted') return false
    this.#cell += '"'
    this.#state = 'quoted'
    return true
  }

  #spoil(): void {
    this.#state = 'spoilt'
    const place = this.#quoteLine === this.#line ? '' : ` that opens on line ${this.#quoteLine}`
    this.#fault ??= `Text follows the closing quotation mark of a cell${place}. Inside a quoted cell a quotation mark is written twice.`
  }

  #endCell(): void {
    this.#recordCharacters += this.#cell.length + 1
    this.#cells.push(this.#cell)
    this.#cell = ''
    if (this.#state !== 'spoilt') this.#state = 'cell-start'
    if (this.#cells.length > this.#settings.columns)
      stopReading({
        code: 'limit.exceeded',
        message: `A row has more than ${this.#settings.columns} columns.`,
        where: `${this.#settings.name}, line ${this.#recordLine}`,
        remedy: 'Check which character separates the columns, or remove columns that are not needed.',
      })
  }

  #endRecord(lineEnds: 0 | 1): void {
    this.#checkLength()
    const isBlank = this.#cells.length === 1 && this.#cells[0] === '' && !this.#wasQuoted
    if (!isBlank)
      this.#records.push({
        line: this.#recordLine,
        endLine: this.#line,
        cells: this.#cells,
        fault: this.#fault,
      })
    this.#cells = []
    this.#fault = null
    this.#wasQuoted = false
    this.#recordCharacters = 0
    this.#state = 'cell-start'
    this.#line += lineEnds
    this.#recordLine = this.#line
  }

  #checkLength(): void {
    if (this.#recordCharacters + this.#cell.length <= this.#settings.recordCharacters) return
    if (this.#state === 'quoted')
      this.#stopAtOpenQuote(
        `for more than ${this.#settings.recordCharacters.toLocaleString('en')} characters`,
      )
    stopReading(lineTooLong(this.#settings.name, this.#recordLine, this.#settings.recordCharacters))
  }

  #stopAtOpenQuote(how: string): never {
    return stopReading({
      code: 'table.quote-not-closed',
      message: `A quotation mark opens a cell on line ${this.#quoteLine} and is not closed: the cell would go on ${how}.`,
      where: `${this.#settings.name}, line ${this.#quoteLine}`,
      remedy:
        'Close the quotation mark on that line, or remove it. A quotation mark that is part of the text is written twice.',
    })
  }

  #takeRecords(): DelimitedRecord[] {
    const records = this.#records
    this.#records = []
    return records
  }
}

export const lineTooLong = (name: string, line: number, limitCharacters: number) => ({
  code: 'table.line-too-long' as const,
  message: `Line ${line} is longer than ${limitCharacters.toLocaleString('en')} characters.`,
  where: `${name}, line ${line}`,
  remedy: 'Check that this is a text table with one row a line. Split or shorten the line, then try again.',
})
