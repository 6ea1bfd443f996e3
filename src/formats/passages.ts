// Long text as passages that fit into a training row: whole paragraphs joined up to a size, longer ones cut at the end of
// a sentence. Drops nothing but white space between passages.

/** About 250 English words; bytes stand for tokens better than characters do, in every script. */
export const passageBytes = 1_400

export interface Passage {
  /** 1-based line of the text on which it begins. */
  readonly line: number
  readonly text: string
}

const encoder = new TextEncoder()
const sizeOf = (text: string): number => encoder.encode(text).byteLength

/** The passages of a text, in order. A blank line ends a paragraph. */
export function passagesOf(text: string, limitBytes: number = passageBytes): Passage[] {
  const passages: Passage[] = []
  let open: Passage | null = null
  const close = (): void => {
    if (open !== null) passages.push(open)
    open = null
  }
  for (const { line, text: paragraph } of paragraphsOf(text))
    for (const piece of cutLong(paragraph, limitBytes)) {
      const joined: string = open === null ? piece : `${(open as Passage).text}\n\n${piece}`
      if (open !== null && sizeOf(joined) > limitBytes) close()
      open = open === null ? { line, text: piece } : { line: (open as Passage).line, text: joined }
    }
  close()
  return passages
}

function paragraphsOf(text: string): Passage[] {
  const found: Passage[] = []
  let line = 1
  let start = 1
  let held: string[] = []
  const close = (): void => {
    const joined = held.join('\n').trim()
    if (joined !== '') found.push({ line: start, text: joined })
    held = []
  }
  for (const written of text.split(/\r\n|\n|\r/)) {
    if (written.trim() === '') close()
    else {
      if (held.length === 0) start = line
      held.push(written.trimEnd())
    }
    line += 1
  }
  close()
  return found
}

/** Pieces of at most `limitBytes`: cut after sentences, else after words, else anywhere between two characters. */
function cutLong(paragraph: string, limitBytes: number): string[] {
  if (sizeOf(paragraph) <= limitBytes) return [paragraph]
  const bySentence = fill(paragraph.split(/(?<=[.!?…]["'”’)]*\s)|(?<=[。！？])|(?<=\n)/u), limitBytes)
  return bySentence.flatMap((piece) => {
    if (sizeOf(piece) <= limitBytes) return [piece]
    const byWord = fill(piece.split(/(?<=\s)/u), limitBytes)
    return byWord.flatMap((part) => (sizeOf(part) <= limitBytes ? [part] : fill([...part], limitBytes)))
  })
}

/** Joins neighbours as far as they fit; one that is too long stays alone. */
function fill(parts: readonly string[], limitBytes: number): string[] {
  const pieces: string[] = []
  let open = ''
  let bytes = 0
  for (const part of parts) {
    const size = sizeOf(part)
    if (open !== '' && bytes + size > limitBytes) {
      pieces.push(open.trim())
      open = ''
      bytes = 0
    }
    open += part
    bytes += size
  }
  pieces.push(open.trim())
  return pieces.filter((piece) => piece !== '')
}
