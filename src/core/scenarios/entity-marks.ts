// Marked names as files bring them: tokens with tags, spans by their places, names by their words, marks in the text.
// All become one form: a text, and one `KIND: words` a line in the order of the text, or `none`.
import { isListOfObjects, isTextList, readJson, readTextList } from './json-cells.ts'
import { byCodeUnits } from './scenario.ts'

/** Where a name lies in a text, in UTF-16 units. */
interface Span {
  readonly start: number
  readonly end: number
  readonly kind: string
}

export type EntityReading = { readonly text: string; readonly entities: string } | { readonly reason: string }

/** One line of the form in which names are answered. */
export interface NamedEntity {
  readonly kind: string
  readonly words: string
}

const none = 'none'

/** The names of an answer; `malformed` lines name nothing that can be counted. `none` and an empty answer name nothing. */
export function readEntities(answer: string): {
  readonly entities: readonly NamedEntity[]
  readonly malformed: number
} {
  const lines = answer.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '')
  if (lines.length === 1 && /^\s*none\.?\s*$/iu.test(lines[0]!)) return { entities: [], malformed: 0 }
  const entities = lines.flatMap(readEntity)
  return { entities, malformed: lines.length - entities.length }
}

/** Two lists of the same length. Tags in BIO, IOB, BIOES or BILOU, or bare kinds; `O` and empty ones stand outside. */
export function readTaggedTokens(tokensCell: string, tagsCell: string): EntityReading {
  const tokens = readTextList(tokensCell)
  const tags = readTextList(tagsCell)
  if (tokens === null || tags === null) return { reason: 'The words and their tags are not two lists.' }
  if (tokens.length !== tags.length)
    return { reason: `There are ${tokens.length} words and ${tags.length} tags: each word needs one tag.` }
  if (tags.some((tag) => /^-?\d+$/.test(tag)))
    return { reason: 'The tags are numbers. Bring them as names, for example B-PERSON.' }
  const glue = isWrittenWithoutSpaces(tokens) ? '' : ' '
  const spans: Span[] = []
  let text = ''
  let open: { start: number; kind: string } | null = null
  const close = (): void => {
    if (open !== null) spans.push({ ...open, end: text.length })
    open = null
  }
  for (const [i, token] of tokens.entries()) {
    const tag = parseTag(tags[i] ?? 'O')
    const goesOn = open !== null && tag !== null && !tag.begins && open.kind === tag.kind
    if (!goesOn) close()
    if (text !== '') text += glue
    if (tag !== null && !goesOn) open = { start: text.length, kind: tag.kind }
    text += token
    if (tag?.ends) close()
  }
  close()
  return { text, entities: writeEntities(text, spans) }
}

/** Null outside of names. `begins` cuts it from the name before. */
function parseTag(tag: string): { kind: string; begins: boolean; ends: boolean } | null {
  const trimmed = tag.trim()
  if (trimmed === '' || /^(o|out|outside|_|-)$/i.test(trimmed)) return null
  const [, place, kind] = /^([BIESLU])[-_](.+)$/.exec(trimmed) ?? []
  if (place === undefined || kind === undefined) return { kind: trimmed, begins: false, ends: false }
  return { kind, begins: 'BSU'.includes(place), ends: 'ESLU'.includes(place) }
}

/** Chinese and Japanese words stand side by side. */
function isWrittenWithoutSpaces(tokens: readonly string[]): boolean {
  const letters = tokens.filter((token) => /\p{L}/u.test(token))
  const without = letters.filter((token) =>
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(token),
  )
  return without.length * 2 > letters.length
}

/** A text and a cell that says what is marked in it: spans of JSON, names with their kinds, or lines of the answer. */
export function readMarkedSpans(text: string, cell: string): EntityReading {
  if (/^\s*([[{])/.test(cell)) return readSpanList(text, readJson(cell))
  if (cell.trim() === '-') return { text, entities: none }
  const { entities, malformed } = readEntities(cell)
  if (malformed > 0)
    return { reason: 'What is marked is neither a list of spans nor lines like "PERSON: Anna".' }
  return placeNames(text, entities)
}

const startKeys = ['start', 'begin', 'start_offset', 'start_char', 'start_index', 'from']
const endKeys = ['end', 'stop', 'end_offset', 'end_char', 'end_index', 'to']
const kindKeys = [
  'label',
  'type',
  'entity',
  'entity_type',
  'entity_group',
  'tag',
  'category',
  'kind',
  'class',
]
const wordKeys = ['text', 'word', 'value', 'name', 'words', 'surface', 'span', 'mention']

function readSpanList(text: string, value: unknown): EntityReading {
  const list = Array.isArray(value) ? value : listInside(value)
  if (list === null) return { reason: 'What is marked is not a list of spans.' }
  const items = list.map(readSpan)
  if (items.some((item) => item === null))
    return {
      reason:
        'A span needs its beginning, its end and its kind, like {"start": 0, "end": 4, "label": "PERSON"}.',
    }
  const found = items.flatMap((item) => item ?? [])
  const named = found.flatMap((item) => ('words' in item ? [item] : []))
  if (named.length > 0) return placeNames(text, named)
  return cutSpans(
    text,
    found.flatMap((item) => ('start' in item ? [item] : [])),
  )
}

/** An object of one list, as {"entities": [...]} and {"PERSON": ["Anna"]} are. */
function listInside(value: unknown): unknown[] | null {
  if (typeof value !== 'object' || value === null) return null
  const entries = Object.entries(value)
  const lists = entries.filter(([, inner]) => Array.isArray(inner))
  if (lists.length !== entries.length) return null
  if (lists.length === 1 && ['entities', 'spans', 'labels', 'annotations'].includes(lists[0]![0]))
    return lists[0]![1] as unknown[]
  return lists.flatMap(([kind, words]) => (words as unknown[]).map((word) => ({ label: kind, text: word })))
}

type SpanItem = Span | NamedEntity

function readSpan(item: unknown): SpanItem | null {
  if (Array.isArray(item)) {
    const [start, end, kind] = item
    return isPlace(start) && isPlace(end) && typeof kind === 'string'
      ? { start, end, kind: kind.trim() }
      : null
  }
  if (!isListOfObjects([item])) return null
  const entries = item as Readonly<Record<string, unknown>>
  const pick = (keys: readonly string[]): unknown =>
    keys.map((key) => entries[key]).find((one) => one !== undefined)
  const start = pick(startKeys)
  const end = pick(endKeys)
  const kindFound = pick(kindKeys)
  const kind = isTextList(kindFound) ? kindFound[0] : kindFound
  const words = pick(wordKeys)
  if (typeof kind !== 'string' || kind.trim() === '') return null
  if (isPlace(start) && isPlace(end)) return { start, end, kind: kind.trim() }
  return typeof words === 'string' ? { kind: kind.trim(), words: words.trim() } : null
}

const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Places count characters, as Python and most tools for marking do; JavaScript counts a rare one as two. */
function cutSpans(text: string, spans: readonly Span[]): EntityReading {
  const isPlain = !/[\uD800-\uDFFF]/.test(text)
  const units: number[] = []
  if (!isPlain) {
    let at = 0
    for (const character of text) {
      units.push(at)
      at += character.length
    }
    units.push(at)
  }
  const placeOf = (place: number): number | undefined =>
    isPlain ? (place <= text.length ? place : undefined) : units[place]
  const cut: Span[] = []
  for (const { start, end, kind } of spans) {
    const from = placeOf(start)
    const to = placeOf(end)
    if (from === undefined || to === undefined || to <= from)
      return { reason: `A mark goes from ${start} to ${end}, and the text has ${text.length} characters.` }
    cut.push({ start: from, end: to, kind })
  }
  return { text, entities: writeEntities(text, cut) }
}

/** Names in the order in which they were given, each behind the one before it where it occurs more than once. */
function placeNames(text: string, names: readonly NamedEntity[]): EntityReading {
  const spans: Span[] = []
  const behind = new Map<string, number>()
  for (const { kind, words } of names) {
    const start = words === '' ? -1 : text.indexOf(words, behind.get(words) ?? 0)
    if (start < 0) return { reason: `"${words.slice(0, 60)}" is marked, and does not stand in the text.` }
    behind.set(words, start + words.length)
    spans.push({ start, end: start + words.length, kind })
  }
  return { text, entities: writeEntities(text, spans) }
}

/** Marks in the text itself: [Anna](PERSON), or <PERSON>Anna</PERSON>. The text is given without them. */
export function readInlineMarks(marked: string): EntityReading {
  const pattern = /\[([^[\]\n]+)\]\(([\p{L}\p{N}_ -]+)\)|<([\p{L}_][\p{L}\p{N}_-]*)>([^<>\n]+)<\/\3>/gu
  const spans: Span[] = []
  let text = ''
  let behind = 0
  for (const match of marked.matchAll(pattern)) {
    const words = match[1] ?? match[4] ?? ''
    text += marked.slice(behind, match.index)
    spans.push({
      start: text.length,
      end: text.length + words.length,
      kind: (match[2] ?? match[3] ?? '').trim(),
    })
    text += words
    behind = match.index + match[0].length
  }
  text += marked.slice(behind)
  return { text, entities: writeEntities(text, spans) }
}

/** One line a name: white space in it is one blank; a colon in its kind would end the kind and becomes a hyphen. */
function writeEntities(text: string, spans: readonly Span[]): string {
  const sorted = spans.toSorted((a, b) => a.start - b.start || b.end - a.end || byCodeUnits(a.kind, b.kind))
  const lines = sorted.flatMap((span, i) => {
    const before = sorted[i - 1]
    const isRepeated = before?.start === span.start && before.end === span.end && before.kind === span.kind
    const words = text.slice(span.start, span.end).replace(/\s+/g, ' ').trim()
    return isRepeated || words === '' ? [] : [`${span.kind.replace(/\s*[:：]\s*/g, '-')}: ${words}`]
  })
  return lines.length === 0 ? none : lines.join('\n')
}

/** "PLACE: Lisbon", with a colon of any width; none where one of the two is missing. */
function readEntity(line: string): NamedEntity[] {
  const colon = line.search(/[:：]/u)
  const [kind, words] = [line.slice(0, Math.max(0, colon)).trim(), line.slice(colon + 1).trim()]
  return kind === '' || words === '' ? [] : [{ kind, words }]
}

/** The kinds of entity in an answer. */
export const kindsIn = (answer: string): string[] => readEntities(answer).entities.map(({ kind }) => kind)
