// One JSON value as a row of text fields, read strictly (RFC 8259). Sees what JSON.parse hides: a key that occurs
// twice, a whole number too large to be kept exactly, half a character. Numbers keep their source text.
import { tableLimits } from './table-types.ts'

export interface JsonRow {
  /** In order of appearance; nested objects become "outer.inner", lists keep their JSON text, null is ''. */
  readonly values: Map<string, string>
  /** Why the row cannot be used although it is JSON; null where it is sound. */
  readonly fault: string | null
  /** Keys of whole numbers beyond 2^53, which other programs round. */
  readonly largeIntegers: readonly string[]
}

/** Where and why text is not JSON. `at` is an offset in UTF-16 code units. */
export class JsonSyntaxFault extends Error {
  readonly at: number
  /** Whether the text is refused for its depth, not for its grammar. */
  readonly isDepth: boolean
  constructor(message: string, at: number, isDepth = false) {
    super(message)
    this.at = at
    this.isDepth = isDepth
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const wordPattern = /[A-Za-z]+/y

/** Reads one object. Throws JsonSyntaxFault where the text is not JSON; a value of another kind is a row with a fault. */
export function readJsonRow(text: string): JsonRow {
  return new JsonRowReader(text).read()
}

class JsonRowReader {
  readonly #text: string
  readonly #values = new Map<string, string>()
  readonly #largeIntegers: string[] = []
  #fault: string | null = null
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): JsonRow {
    this.#skipSpace()
    if (this.#text[this.#at] === '{') this.#readObject('', 1)
    else {
      const start = this.#at
      this.#readValue(null, 1)
      this.#fault = `Expected an object with named fields, { "name": "value", ... }, and found ${kindOf(this.#text[start] ?? '')}.`
    }
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('nothing more after the value')
    return { values: this.#values, fault: this.#fault, largeIntegers: this.#largeIntegers }
  }

  /** `path` is the column a value belongs to; null where its content is only checked (inside lists). */
  #readValue(path: string | null, depth: number): void {
    const start = this.#at
    const first = this.#text[start]
    if (first === '{') this.#readObject(path === null ? null : `${path}.`, depth + 1)
    else if (first === '[') {
      this.#readList(depth + 1)
      if (path !== null) this.#store(path, this.#text.slice(start, this.#at))
    } else if (first === '"') {
      const value = this.#readString()
      if (path !== null) this.#store(path, value)
    } else if (first !== undefined && (first === '-' || (first >= '0' && first <= '9')))
      this.#readNumber(path)
    else this.#readWord(path)
  }

  #readObject(prefix: string | null, depth: number): void {
    this.#checkDepth(depth)
    this.#at += 1
    const keys = new Set<string>()
    for (;;) {
      this.#skipSpace()
      if (keys.size === 0 && this.#text[this.#at] === '}') break
      if (this.#text[this.#at] !== '"')
        this.#refuse(keys.size === 0 ? 'a quoted name or }' : 'a quoted name after the comma')
      const key = this.#readString()
      if (keys.has(key)) this.#fault ??= `The name "${shorten(key)}" occurs twice in one object.`
      keys.add(key)
      this.#skipSpace()
      this.#expect(':', 'a colon after the name')
      this.#skipSpace()
      this.#readValue(prefix === null ? null : prefix + key, depth)
      this.#skipSpace()
      if (this.#text[this.#at] !== ',') break
      this.#at += 1
    }
    this.#expect('}', 'a comma or }')
  }

  #readList(depth: number): void {
    this.#checkDepth(depth)
    this.#at += 1
    this.#skipSpace()
    if (this.#text[this.#at] !== ']')
      for (;;) {
        this.#readValue(null, depth)
        this.#skipSpace()
        if (this.#text[this.#at] !== ',') break
        this.#at += 1
        this.#skipSpace()
      }
    this.#expect(']', 'a comma or ]')
  }

  #readString(): string {
    const start = this.#at
    let hasEscape = false
    let i = start + 1
    for (; ; i += 1) {
      const code = this.#text.charCodeAt(i)
      if (code === 34) break
      if (code === 92) {
        hasEscape = true
        i += 1
      } else if (code < 32 || Number.isNaN(code)) {
        this.#at = i
        this.#refuse('the closing quotation mark of a text')
      }
    }
    this.#at = i + 1
    const value = hasEscape ? this.#unescape(start, i + 1) : this.#text.slice(start + 1, i)
    if (!value.isWellFormed())
      this.#fault ??= 'A text holds half a character (an unpaired surrogate), which no program can show.'
    return value
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string
    } catch {
      this.#at = start
      return this.#refuse('a text whose backslashes begin a known escape')
    }
  }

  #readNumber(path: string | null): void {
    numberPattern.lastIndex = this.#at
    const match = numberPattern.exec(this.#text) ?? this.#refuse('digits after the minus sign')
    this.#at += match[0].length
    const isWhole = match[1] === undefined && match[2] === undefined
    if (isWhole && match[0].length > 15 && !Number.isSafeInteger(Number(match[0])))
      this.#largeIntegers.push(path ?? 'a list')
    if (path !== null) this.#store(path, match[0])
  }

  #readWord(path: string | null): void {
    wordPattern.lastIndex = this.#at
    const word = wordPattern.exec(this.#text)?.[0] ?? ''
    if (word !== 'true' && word !== 'false' && word !== 'null') this.#refuse('a value')
    this.#at += word.length
    if (path !== null) this.#store(path, word === 'null' ? '' : word)
  }

  #store(path: string, value: string): void {
    if (this.#values.has(path)) this.#fault ??= `The name "${shorten(path)}" occurs twice.`
    else if (this.#values.size >= tableLimits.columns)
      this.#fault ??= `It has more than ${tableLimits.columns} fields.`
    else this.#values.set(path, value)
  }

  #checkDepth(depth: number): void {
    if (depth > tableLimits.jsonDepth)
      throw new JsonSyntaxFault(
        `Brackets are nested more than ${tableLimits.jsonDepth} deep.`,
        this.#at,
        true,
      )
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
      this.#at += 1
    }
  }

  #expect(mark: string, words: string): void {
    if (this.#text[this.#at] !== mark) this.#refuse(words)
    this.#at += 1
  }

  #refuse(expected: string): never {
    const found = this.#text.slice(this.#at, this.#at + 1)
    const said =
      found === '' ? 'the end' : /[\s\p{Cc}]/u.test(found) ? 'a line break or control character' : found
    throw new JsonSyntaxFault(
      `Not valid JSON at character ${this.#at + 1}: expected ${expected}, found ${said.toWellFormed()}.`,
      this.#at,
    )
  }
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text).toWellFormed()

const kindOf = (first: string): string =>
  first === '['
    ? 'a list'
    : first === '"'
      ? 'a text'
      : /[-0-9]/.test(first)
        ? 'a number'
        : 'true, false or null'
