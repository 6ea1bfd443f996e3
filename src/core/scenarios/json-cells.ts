// Lists as they stand in a cell: JSON, Python's way of writing a list, or words with blanks between them.

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
  Array.isArray(value) &&
  value.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item))

/** A list of texts; null where the cell is none. Numbers become their text. */
export function readTextList(cell: string): string[] | null {
  const trimmed = cell.trim()
  if (!trimmed.startsWith('[')) return trimmed === '' ? null : trimmed.split(/\s+/)
  const value = readJson(trimmed) ?? readPythonList(trimmed)
  if (!Array.isArray(value)) return null
  const items = value.map((item) => (typeof item === 'number' ? String(item) : item))
  return isTextList(items) ? items : null
}

/** ['It', "isn't"] and NumPy's ['It' 'is'], as tables saved from Python hold them. */
function readPythonList(text: string): string[] | null {
  const inner = /^\[([\s\S]*)\]$/.exec(text)?.[1]
  if (inner === undefined) return null
  const items: string[] = []
  const pattern = /\s*,?\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+))/y
  while (pattern.lastIndex < inner.trimEnd().length) {
    const found = pattern.exec(inner)
    if (found === null) return null
    items.push((found[1] ?? found[2] ?? found[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  return items
}
