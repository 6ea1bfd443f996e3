// A row's value as a person reads it, not the JSON that holds it: of a conversation who said what, of marks the words and
// their kind. What cannot be read so stays as it was typed.
import { excerptOf } from '#formats/table-types.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { readMessages } from '../scenarios/conversation.ts'
import { readEntities, readMarkedSpans } from '../scenarios/entity-marks.ts'

const speakers: Readonly<Record<ChatMessage['role'], string>> = {
  system: 'Told before',
  user: 'Person',
  assistant: 'Assistant',
}

/** `marked` is the text that the value marks; left out, the value is no list of marks. */
export function asRead(value: string, marked?: string): string {
  if (!/^\s*(\[\s*[{[]|\{)/.test(value)) return value
  const read = readMessages(value)
  if (!('reason' in read) && read.messages.length > 0)
    return read.messages.map(({ role, content }) => `${speakers[role]}: ${content}`).join('\n')
  const marks = marked === undefined ? null : readMarkedSpans(marked, value)
  if (marks === null || 'reason' in marks) return value
  const { entities } = readEntities(marks.entities)
  return entities.length === 0 ? value : entities.map(({ kind, words }) => `${words} (${kind})`).join(', ')
}

/** The beginning of a value. */
export const valueExcerpt = (value: string): string => excerptOf(asRead(value))

/** Characters before the first difference that say where it stands. */
const before = 40

/** Of two values that begin alike, the pieces around their first difference. */
export function excerptsApart(one: string, other: string): readonly [string, string] {
  const [a, b] = [one, other].map((value) => asRead(value).replace(/\s+/g, ' ').trim()) as [string, string]
  let same = 0
  while (same < a.length && a[same] === b[same]) same += 1
  const from = same <= 2 * before ? 0 : startOfWord(a, same - before)
  const piece = (text: string): string => excerptOf(from === 0 ? text : `…${text.slice(from)}`)
  return [piece(a), piece(b)]
}

/** The first place from `at` on, within a few characters, at which a word begins; a rare character is not cut in two. */
function startOfWord(text: string, at: number): number {
  const space = text.slice(at, at + before / 2).indexOf(' ')
  if (space >= 0) return at + space + 1
  return /[\uDC00-\uDFFF]/.test(text[at] ?? '') ? at + 1 : at
}
