// Text files that are no tables, read as if they were: prose as passages, and CoNLL's columns of words with tags as one
// row a sentence. Which of them a file may be is said by whoever opens it.
import type { Problem } from '#shared/result.ts'
import { passagesOf } from './passages.ts'
import {
  excerptOf,
  type RowFormat,
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
export function conllTable(found: EncodingFound): RowFormat {
  return {
    shape: shapeOf('conll', found),
    columns: () => ['tokens', 'tags'],
    startReading() {
      const lines = createLineReader()
      let index = 0
      let begin = 0
      let tokens: string[] = []
      let tags: string[] = []
      let fault: string | null = null
      const close = (): TableEvent[] => {
        if (tokens.length === 0 && fault === null) return []
        index += 1
        const event: TableEvent =
          fault === null
            ? {
                kind: 'record',
                line: begin,
                index,
                values: new Map([
                  ['tokens', JSON.stringify(tokens)],
                  ['tags', JSON.stringify(tags)],
                ]),
              }
            : { kind: 'left-out', line: begin, index, reason: fault, excerpt: excerptOf(tokens.join(' ')) }
        tokens = []
        tags = []
        fault = null
        return [event]
      }
      const take = ({ line, text }: { line: number; text: string }): TableEvent[] => {
        if (text.trim() === '') return close()
        if (isConllComment(text)) return []
        const cells = cellsOf(text)
        const tag = tagOf(cells)
        if (tokens.length === 0 && fault === null) begin = line
        if (tag === null) fault ??= `Line ${line} has no tag such as O or B-PERSON behind its word.`
        tokens.push(cells[0]?.trim() ?? '')
        tags.push(tag ?? 'O')
        return []
      }
      return {
        take: (text) => lines.take(text).flatMap(take),
        finish: () => [...lines.finish().flatMap(take), ...close()],
      }
    },
  }
}

/** Rows with the one column "text": the passages of the file. */
export function passageTable(name: string, found: EncodingFound): RowFormat {
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

/** Lines with their numbers from text that comes in pieces. */
function createLineReader() {
  let rest = ''
  let line = 0
  const cut = (text: string): { line: number; text: string }[] =>
    text === ''
      ? []
      : text.split(/\r\n|\n|\r/).map((written) => {
          line += 1
          return { line, text: written }
        })
  return {
    take(piece: string) {
      const text = rest + piece
      // A return at the very end may belong to a line feed that has not come yet.
      const end = Math.max(text.lastIndexOf('\n'), text.slice(0, -1).lastIndexOf('\r'))
      rest = text.slice(end + 1)
      return end < 0 ? [] : cut(text.slice(0, text[end - 1] === '\r' && text[end] === '\n' ? end - 1 : end))
    },
    finish() {
      const last = rest
      rest = ''
      return cut(last)
    },
  }
}

/** Which kind of text, if any, a file is read as. */
export function textFormatOf(
  name: string,
  sample: string,
  found: EncodingFound,
  { textAs }: TableOptions,
): RowFormat | null {
  if (textAs === 'conll') return looksLikeConll(sample) ? conllTable(found) : null
  if (textAs !== 'passages') return null
  return /\.(txt|text|md|markdown|rst)$/i.test(name) ? passageTable(name, found) : null
}
