// Lists as they stand in a cell: JSON, Python's way of writing a list, or words with blanks between them.
import { isRecord } from '#shared/json-record.ts'

/** Null where it is not JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

export const isListOfObjects = (value: unknown): value is Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) && value.every(isRecord)

/** A list of texts; null where the cell is none. Numbers become their text. */
export function readTextList(cell: string): string[] | null {
  const trimmed = cell.trim()
  if (!trimmed.startsWith('[')) return trimmed === '' ? null : trimmed.split(/\s+/)
  const value = readJson(trimmed) ?? readPythonList(trimmed)
  if (!Array.isArray(value)) return null
  const items = value.map((item) => (typeof item === 'number' ? String(item) : item))
  return isTextList(items) ? items : null
}

/** ['It', "isn't"] and NumPy's ['It' 'is'], as tables saved from Python hold them. Looks at each character once. */
function readPythonList(text: string): string[] | null {
  if (!text.endsWith(']')) return null
  const inner = text.slice(1, -1).trim()
  const between = /\s*(?:,\s*)?/y
  const bare = /-?\d+/y
  const items: string[] = []
  for (let at = 0; at < inner.length; ) {
    const isQuoted = inner[at] === "'" || inner[at] === '"'
    bare.lastIndex = at
    const end = isQuoted ? closingQuote(inner, at) + 1 : at + (bare.exec(inner)?.[0].length ?? 0)
    if (end <= at) return null
    items.push(isQuoted ? unescapePython(inner.slice(at + 1, end - 1)) : inner.slice(at, end))
    between.lastIndex = end
    at = end + (between.exec(inner)?.[0].length ?? 0)
  }
  return items
}

/** -1 where the text that begins at `start` does not end. */
function closingQuote(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === text[start]) return at
  }
  return -1
}

const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** What Python's repr() escapes: control characters, backslashes and quotes. */
const unescapePython = (text: string): string =>
  text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|U00(0[\da-f]{5}|10[\da-f]{4})|(.))/gs,
    (_, x, u, long, one: string) => {
      const code = x ?? u ?? long
      return code === undefined ? (controls[one] ?? one) : String.fromCodePoint(Number.parseInt(code, 16))
    },
  )
