// Text files that are no tables, read as if they were: prose as passages, and CoNLL's columns of words with tags as one
// row a sentence. Which of them a file may be is said by whoever opens it.
import type { Problem } from '#shared/result.ts'
import { LineCutter, type RowText } from './json-rows.ts'
import { passagesOf } from './passages.ts'
import {
  excerptOf,
  type RowFormat,
  type RowReader,
  stopReading,
  type TableEvent,
  type TableOptions,
  tableLimits,
} from './table-types.ts'
import type { EncodingFound } from './text-encoding.ts'

const tagPattern = /^(O|[BIESLU][-_]\S+)$/

/** Lines of a word and its tag, sentences apart by a blank line; more columns between the two are passed over. */
export function looksLikeConll(text: string): boolean {
  const lines = text.split(/\r\n|\n|\r/).slice(0, 2000)
  const filled = lines.slice(0, -1).filter((line) => line.trim() !== '' && !isConllComment(line))
  if (filled.length < 3) return false
  const tagged = filled.filter((line) => tagOf(cellsOf(line)) !== null)
  return tagged.length > 0.95 * filled.length
}

const isConllComment = (line: string): boolean => line.startsWith('#') || line.startsWith('-DOCSTART-')
const cellsOf = (line: string): string[] => (line.includes('\t') ? line.split('\t') : line.trim().split(/ +/))

/** The last column that is a tag; null where there is none. */
function tagOf(cells: readonly string[]): string | null {
  const tag = cells.at(-1)?.trim() ?? ''
  return cells.length > 1 && tagPattern.test(tag) ? tag : null
}

const shapeOf = (format: 'text' | 'conll', found: EncodingFound) => ({
  format,
  encoding: found.encoding,
  encodingFrom: found.from,
  delimiter: null,
  hasQuotes: false,
  hasHeader: true,
  listName: null,
})

/** Rows with the columns "tokens" and "tags", each a list of JSON. */
function conllTable(name: string, found: EncodingFound, limit: number): RowFormat {
  return {
    shape: shapeOf('conll', found),
    columns: () => ['tokens', 'tags'],
    startReading: () => createConllReader(name, limit),
  }
}

interface Sentence {
  readonly line: number
  readonly tokens: string[]
  readonly tags: string[]
  characters: number
  fault: string | null
}

function createConllReader(name: string, limit: number): RowReader {
  const lines = new LineCutter(name, limit, { keepsBlank: true })
  let index = 0
  let open: Sentence | null = null
  const close = (): TableEvent[] => {
    if (open === null) return []
    index += 1
    const event = eventOf(open, index)
    open = null
    return [event]
  }
  const take = ({ line, text }: RowText): TableEvent[] => {
    if (text.trim() === '') return close()
    if (isConllComment(text)) return []
    open ??= { line, tokens: [], tags: [], characters: 0, fault: null }
    addWord(open, { line, text }, limit)
    return []
  }
  return {
    take: (text) => lines.push(text).flatMap(take),
    finish: () => [...lines.finish().flatMap(take), ...close()],
  }
}

/** A sentence without end is not held: after the limit of a record its words are passed over. */
function addWord(sentence: Sentence, { line, text }: RowText, limit: number): void {
  sentence.characters += text.length
  if (sentence.characters > limit) {
    sentence.fault ??= `More than ${limit.toLocaleString('en')} characters come without a blank line between sentences.`
    return
  }
  const cells = cellsOf(text)
  const tag = tagOf(cells)
  if (tag === null) sentence.fault ??= `Line ${line} has no tag such as O or B-PERSON behind its word.`
  sentence.tokens.push(cells[0]?.trim() ?? '')
  sentence.tags.push(tag ?? 'O')
}

function eventOf({ line, tokens, tags, fault }: Sentence, index: number): TableEvent {
  if (fault !== null)
    return { kind: 'left-out', line, index, reason: fault, excerpt: excerptOf(tokens.join(' ')) }
  const values = new Map([
    ['tokens', JSON.stringify(tokens)],
    ['tags', JSON.stringify(tags)],
  ])
  return { kind: 'record', line, index, values }
}

/** Rows with the one column "text": the passages of the file. */
function passageTable(name: string, found: EncodingFound): RowFormat {
  return {
    shape: shapeOf('text', found),
    columns: () => ['text'],
    startReading() {
      // A passage can end anywhere, so the text is held until its end; its limit is that of a record.
      const pieces: string[] = []
      let characters = 0
      return {
        take(text) {
          pieces.push(text)
          characters += text.length
          if (characters > tableLimits.proseCharacters) stopReading(tooLong(name))
          return []
        },
        finish: () =>
          passagesOf(pieces.join('').replace(/^\uFEFF/, '')).map(({ line, text }, i) => ({
            kind: 'record',
            line,
            index: i + 1,
            values: new Map([['text', text]]),
          })),
      }
    },
  }
}

const tooLong = (name: string): Problem => ({
  code: 'limit.exceeded',
  message: `The file holds more than ${tableLimits.proseCharacters.toLocaleString('en')} characters of text.`,
  where: name,
  remedy: 'Bring a part of it, or several smaller files.',
})

/** Which kind of text, if any, a file is read as; none where its format was said. */
export function textFormatOf(
  name: string,
  sample: string,
  found: EncodingFound,
  { textAs, format, recordCharacters = tableLimits.recordCharacters }: TableOptions,
): RowFormat | null {
  if (textAs === undefined || format !== undefined) return null
  if (textAs === 'conll') return looksLikeConll(sample) ? conllTable(name, found, recordCharacters) : null
  return /\.(txt|text|md|markdown|rst)$/i.test(name) ? passageTable(name, found) : null
}
