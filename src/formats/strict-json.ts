// JSON for headers that strangers wrote (RFC 8259, stricter): refuses duplicate keys, integers beyond 2^53 - 1, lone
// surrogates, deep nesting, and anything but spaces after the value. Objects become Maps, so no key is special.
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export type JsonObject = ReadonlyMap<string, JsonValue>

export interface StrictJsonOptions {
  readonly maxDepth: number
  /** 'whole' refuses signs, fractions and exponents. */
  readonly numbers: 'whole' | 'any'
  /** What may follow the value: only U+0020 (safetensors), or any JSON white space. */
  readonly trailing: 'spaces' | 'white space'
}

/** Why and at which UTF-16 index a text is not acceptable. Thrown by parseStrictJson only; callers make a Problem of it. */
export class JsonFault extends Error {
  readonly index: number
  constructor(message: string, index: number) {
    super(message)
    this.index = index
  }
}

interface Cursor {
  readonly text: string
  readonly options: StrictJsonOptions
  index: number
}

/** Parses `text`; throws JsonFault. */
export function parseStrictJson(text: string, options: StrictJsonOptions): JsonValue {
  const cursor: Cursor = { text, options, index: 0 }
  const value = parseValue(cursor, 0)
  const rest = options.trailing === 'spaces' ? / */y : /[ \t\n\r]*/y
  const end = matchAt(cursor, rest).length + cursor.index
  if (end !== text.length) throw new JsonFault('Something follows the end of the JSON text.', end)
  return value
}

function matchAt(cursor: Cursor, sticky: RegExp): string {
  sticky.lastIndex = cursor.index
  return sticky.exec(cursor.text)?.[0] ?? ''
}

function skipWhiteSpace(cursor: Cursor): void {
  for (; ; cursor.index += 1) {
    const code = cursor.text.charCodeAt(cursor.index)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
  }
}

function parseValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > cursor.options.maxDepth)
    throw new JsonFault(`Nested deeper than ${cursor.options.maxDepth} levels.`, cursor.index)
  skipWhiteSpace(cursor)
  switch (cursor.text[cursor.index]) {
    case '{':
      return parseObject(cursor, depth)
    case '[':
      return parseArray(cursor, depth)
    case '"':
      return parseString(cursor)
    case 't':
      return parseWord(cursor, 'true', true)
    case 'f':
      return parseWord(cursor, 'false', false)
    case 'n':
      return parseWord(cursor, 'null', null)
    case undefined:
      throw new JsonFault('The JSON text ends too early.', cursor.index)
    default:
      return parseNumber(cursor)
  }
}

function parseWord<T>(cursor: Cursor, word: string, value: T): T {
  if (!cursor.text.startsWith(word, cursor.index)) throw new JsonFault('Expected a JSON value.', cursor.index)
  cursor.index += word.length
  return value
}

function expect(cursor: Cursor, character: string): void {
  skipWhiteSpace(cursor)
  if (cursor.text[cursor.index] !== character)
    throw new JsonFault(`Expected ${character} here.`, cursor.index)
  cursor.index += 1
}

/** True where a comma was taken; false where `closing` was. */
function takeComma(cursor: Cursor, closing: '}' | ']'): boolean {
  skipWhiteSpace(cursor)
  const character = cursor.text[cursor.index]
  if (character !== ',' && character !== closing)
    throw new JsonFault(`Expected a comma or ${closing} here.`, cursor.index)
  cursor.index += 1
  return character === ','
}

function takeClosing(cursor: Cursor, closing: '}' | ']'): boolean {
  skipWhiteSpace(cursor)
  if (cursor.text[cursor.index] !== closing) return false
  cursor.index += 1
  return true
}

function parseObject(cursor: Cursor, depth: number): JsonObject {
  const object = new Map<string, JsonValue>()
  cursor.index += 1
  if (takeClosing(cursor, '}')) return object
  do {
    skipWhiteSpace(cursor)
    const keyIndex = cursor.index
    const key = parseString(cursor)
    if (object.has(key)) throw new JsonFault('A key occurs twice in one object.', keyIndex)
    expect(cursor, ':')
    object.set(key, parseValue(cursor, depth + 1))
  } while (takeComma(cursor, '}'))
  return object
}

function parseArray(cursor: Cursor, depth: number): JsonValue[] {
  const items: JsonValue[] = []
  cursor.index += 1
  if (takeClosing(cursor, ']')) return items
  do items.push(parseValue(cursor, depth + 1))
  while (takeComma(cursor, ']'))
  return items
}

const plainCharacters = /[^"\\\p{Cc}]*/uy
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

function parseString(cursor: Cursor): string {
  if (cursor.text[cursor.index] !== '"') throw new JsonFault('Expected a text in quotes.', cursor.index)
  cursor.index += 1
  let value = ''
  for (;;) {
    const plain = matchAt(cursor, plainCharacters)
    value += plain
    cursor.index += plain.length
    const character = cursor.text[cursor.index]
    if (character === '"') break
    if (character === undefined) throw new JsonFault('A text in quotes is not closed.', cursor.index)
    if (character !== '\\') {
      if (cursor.text.charCodeAt(cursor.index) < 0x20)
        throw new JsonFault('A text in quotes contains a raw control character.', cursor.index)
      value += character
      cursor.index += 1
    } else value += parseEscape(cursor)
  }
  cursor.index += 1
  if (!value.isWellFormed()) throw new JsonFault('A text contains half of a surrogate pair.', cursor.index)
  return value
}

function parseEscape(cursor: Cursor): string {
  const letter = cursor.text[cursor.index + 1] ?? ''
  const simple = escapes.get(letter)
  if (simple !== undefined) {
    cursor.index += 2
    return simple
  }
  const digits = cursor.text.slice(cursor.index + 2, cursor.index + 6)
  if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits))
    throw new JsonFault('A backslash is followed by something that JSON does not know.', cursor.index)
  cursor.index += 6
  return String.fromCharCode(Number.parseInt(digits, 16))
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

function parseNumber(cursor: Cursor): number {
  const literal = matchAt(cursor, numberPattern)
  if (literal === '') throw new JsonFault('Expected a JSON value.', cursor.index)
  const isWhole = /^[0-9]+$/.test(literal)
  if (cursor.options.numbers === 'whole' && !isWhole)
    throw new JsonFault('Expected a whole number of zero or more.', cursor.index)
  const value = Number(literal)
  const isInteger = /^-?[0-9]+$/.test(literal)
  if (isInteger ? !Number.isSafeInteger(value) : !Number.isFinite(value))
    throw new JsonFault('A number is larger than 2^53 - 1.', cursor.index)
  cursor.index += literal.length
  return value
}
