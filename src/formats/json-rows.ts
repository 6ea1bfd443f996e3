// Cuts JSON text that arrives in pieces into the texts of its rows: the lines of JSONL, or the elements of one JSON
// list that stands alone or inside an object. Holds one row at a time, so a file of any size needs little memory.
import { lineTooLong } from './delimited.ts'
import { stopReading } from './table-types.ts'

export interface RowText {
  readonly line: number
  readonly text: string
}

/** Lines that are not blank, or with `keepsBlank` all of them. Line ends are LF, CRLF or CR. */
export class LineCutter {
  readonly #name: string
  readonly #limit: number
  readonly #keepsBlank: boolean
  #rest = ''
  #line = 1
  #isAfterReturn = false

  constructor(name: string, recordCharacters: number, { keepsBlank = false } = {}) {
    this.#name = name
    this.#limit = recordCharacters
    this.#keepsBlank = keepsBlank
  }

  push(text: string): RowText[] {
    const rows: RowText[] = []
    let start = this.#isAfterReturn && text.startsWith('\n') ? 1 : 0
    if (text.length > 0) this.#isAfterReturn = false
    let nextReturn = text.indexOf('\r', start)
    let nextFeed = text.indexOf('\n', start)
    while (nextReturn >= 0 || nextFeed >= 0) {
      const isReturn = nextReturn >= 0 && (nextFeed < 0 || nextReturn < nextFeed)
      const end = isReturn ? nextReturn : nextFeed
      this.#cut(this.#rest + text.slice(start, end), rows)
      this.#rest = ''
      this.#line += 1
      start = isReturn && text[end + 1] === '\n' ? end + 2 : end + 1
      this.#isAfterReturn = isReturn && end + 1 === text.length
      if (nextReturn >= 0 && nextReturn < start) nextReturn = text.indexOf('\r', start)
      if (nextFeed >= 0 && nextFeed < start) nextFeed = text.indexOf('\n', start)
    }
    this.#rest += text.slice(start)
    this.#checkLength(this.#rest.length)
    return rows
  }

  finish(): RowText[] {
    const rows: RowText[] = []
    this.#cut(this.#rest, rows)
    this.#rest = ''
    return rows
  }

  #cut(text: string, rows: RowText[]): void {
    this.#checkLength(text.length)
    if (this.#keepsBlank || /\S/.test(text)) rows.push({ line: this.#line, text })
  }

  #checkLength(characters: number): void {
    if (characters > this.#limit) stopReading(lineTooLong(this.#name, this.#line, this.#limit))
  }
}

/** What may come next, outside the values. */
type Expect =
  | 'top'
  | 'name-or-end'
  | 'name'
  | 'colon'
  | 'member'
  | 'list-start'
  | 'element-or-end'
  | 'element'
  | 'comma'
  | 'end'

/**
 * The elements of the one list of objects in a JSON document. Text between the elements is checked here, the elements
 * themselves by the caller. A second list of objects is refused: nobody could say which one was meant.
 */
export class ElementCutter {
  readonly #name: string
  readonly #limit: number
  #expect: Expect = 'top'
  #isInObject = false
  #isInRows = false
  #listName: string | null = null
  #hasRows = false
  #memberName = ''
  #line = 1
  #isAfterReturn = false
  // The value being collected: its text so far, its open brackets, and whether the place is inside a text.
  #isCollecting = false
  #value = ''
  #valueLine = 1
  #open = 0
  #isInText = false
  #isEscaped = false

  constructor(name: string, recordCharacters: number) {
    this.#name = name
    this.#limit = recordCharacters
  }

  /** Name of the list in its object; null where it stands alone. Known once the first row has come. */
  get listName(): string | null {
    return this.#listName
  }

  push(text: string): RowText[] {
    const rows: RowText[] = []
    let start = 0
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i)
      if (code === 10 || code === 13) {
        if (code === 13 || !this.#isAfterReturn) this.#line += 1
        this.#isAfterReturn = code === 13
      } else this.#isAfterReturn = false
      if (!this.#isCollecting) {
        if (code === 32 || code === 9 || code === 10 || code === 13) continue
        if (!this.#begin(code)) continue
        start = i
      }
      const ending = this.#meet(code)
      if (ending === 'inside') continue
      const end = ending === 'with' ? i + 1 : i
      this.#value += text.slice(start, end)
      this.#finishValue(rows)
      if (ending === 'before' && code !== 32 && code !== 9 && code !== 10 && code !== 13) this.#begin(code)
    }
    if (this.#isCollecting) {
      this.#value += text.slice(start)
      if (this.#value.length > this.#limit) stopReading(lineTooLong(this.#name, this.#valueLine, this.#limit))
    }
    return rows
  }

  finish(): RowText[] {
    const rows: RowText[] = []
    if (this.#isCollecting && this.#open === 0 && !this.#isInText) this.#finishValue(rows)
    if (this.#isCollecting || this.#expect !== 'end')
      this.#refuse(
        'more text: the last bracket is missing, so the file may be cut off',
        'the end of the file',
      )
    if (!this.#hasRows)
      stopReading({
        code: 'table.unknown-format',
        message: 'The JSON holds no list of objects, so there are no rows in it.',
        where: this.#name,
        remedy:
          'Bring a list of objects, [ { "name": "value" }, ... ], one object a row, or one object a line (JSONL).',
      })
    return rows
  }

  /** A character between values. Returns whether a value begins with it. */
  #begin(code: number): boolean {
    const mark = String.fromCharCode(code)
    const expect = this.#expect
    if (expect === 'top') this.#beginDocument(mark)
    else if ((expect === 'name-or-end' || expect === 'name') && mark === '"') return this.#collect()
    else if (expect === 'name-or-end' && mark === '}') this.#expect = 'end'
    else if (expect === 'colon' && mark === ':') this.#expect = 'member'
    else if (expect === 'member' && mark === '[') this.#expect = 'list-start'
    else if (expect === 'member') return this.#collect()
    else if (expect === 'list-start') return this.#beginList(mark)
    else if (expect === 'element-or-end' && mark === ']') this.#endList()
    else if (expect === 'element' || expect === 'element-or-end') return this.#collect()
    else if (expect === 'comma') this.#afterValue(mark)
    else if (expect === 'end') this.#refuse('nothing after the last bracket', mark)
    else this.#refuse(expect === 'colon' ? 'a colon' : 'a quoted name', mark)
    return false
  }

  #beginDocument(mark: string): void {
    if (mark === '{') {
      this.#isInObject = true
      this.#expect = 'name-or-end'
    } else if (mark === '[') {
      this.#isInRows = true
      this.#hasRows = true
      this.#expect = 'element-or-end'
    } else this.#refuse('{ or [', mark)
  }

  /** After "name": [ — a list that begins with an object is the rows, any other is passed over as one value. */
  #beginList(mark: string): boolean {
    if (mark !== '{') {
      this.#collect()
      this.#value = '['
      this.#open = 1
      return true
    }
    if (this.#hasRows)
      stopReading({
        code: 'table.unknown-format',
        message: `The JSON holds two lists of objects, "${this.#listName}" and "${this.#memberName}".`,
        where: `${this.#name}, line ${this.#line}`,
        remedy: 'Save the list with your examples as a file of its own.',
      })
    this.#isInRows = true
    this.#hasRows = true
    this.#listName = this.#memberName
    this.#expect = 'element'
    return this.#collect()
  }

  #endList(): void {
    this.#isInRows = false
    this.#expect = this.#isInObject ? 'comma' : 'end'
  }

  #afterValue(mark: string): void {
    if (mark === ',') this.#expect = this.#isInRows ? 'element' : 'name'
    else if (this.#isInRows && mark === ']') this.#endList()
    else if (!this.#isInRows && mark === '}') this.#expect = 'end'
    else this.#refuse(this.#isInRows ? 'a comma or ]' : 'a comma or }', mark)
  }

  #collect(): true {
    this.#isCollecting = true
    this.#value = ''
    this.#valueLine = this.#line
    this.#open = 0
    this.#isInText = false
    this.#isEscaped = false
    return true
  }

  /** One character of a value: whether the value goes on, ends with it, or ended before it. */
  #meet(code: number): 'inside' | 'with' | 'before' {
    if (this.#isInText) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (code === 92) this.#isEscaped = true
      else if (code === 34) {
        this.#isInText = false
        return this.#open === 0 ? 'with' : 'inside'
      }
      return 'inside'
    }
    if (code === 34) this.#isInText = true
    else if (code === 123 || code === 91) this.#open += 1
    else if (code === 125 || code === 93) {
      if (this.#open === 0) return 'before'
      this.#open -= 1
      if (this.#open === 0) return 'with'
    } else if (this.#open === 0 && (code === 44 || code === 32 || code === 9 || code === 10 || code === 13))
      return 'before'
    return 'inside'
  }

  #finishValue(rows: RowText[]): void {
    this.#isCollecting = false
    const text = this.#value
    this.#value = ''
    if (text.length > this.#limit) stopReading(lineTooLong(this.#name, this.#valueLine, this.#limit))
    if (text === '') this.#refuse('a value', 'nothing')
    if (this.#isInRows) rows.push({ line: this.#valueLine, text })
    if (!this.#isInRows && (this.#expect === 'name' || this.#expect === 'name-or-end')) {
      this.#memberName = text.slice(1, -1)
      this.#expect = 'colon'
    } else this.#expect = 'comma'
  }

  #refuse(expected: string, found: string): never {
    return stopReading({
      code: 'table.invalid-json',
      message: `This is not valid JSON: expected ${expected}, found ${/[\p{Cc}\p{Cs}]/u.test(found) ? 'a control character' : found}.`,
      where: `${this.#name}, line ${this.#line}`,
      remedy: 'Export the file again from the program it came from, or correct it at that line.',
    })
  }
}
