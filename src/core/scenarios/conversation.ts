// Conversations as files bring them, in one form: turns of user and assistant that take turns, a system message first
// where there is one. Refuses other speakers; what nobody could learn from is dropped, and said.
import type { ChatMessage } from '#shared/rows.ts'
import { isListOfObjects, isTextList, readJson } from './json-cells.ts'

export type ConversationReading =
  | { readonly messages: readonly ChatMessage[]; readonly note: string | null }
  | { readonly reason: string }

const roles: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  person: 'user',
  customer: 'user',
  client: 'user',
  prompter: 'user',
  question: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bot: 'assistant',
  chatbot: 'assistant',
  model: 'assistant',
  ai: 'assistant',
  agent: 'assistant',
  support: 'assistant',
  answer: 'assistant',
}

const roleKeys = ['role', 'from', 'speaker', 'author', 'sender']
const contentKeys = ['content', 'value', 'text', 'message', 'utterance']

/** A list of messages, each with its speaker and its words, or of texts that take turns. */
export function readConversation(cell: string): ConversationReading {
  const read = readMessages(cell)
  return 'reason' in read ? read : arrange(read.messages)
}

/** Every message as it stands in the cell. */
export function readMessages(
  cell: string,
): { readonly messages: readonly ChatMessage[] } | { readonly reason: string } {
  const value = readJson(cell)
  const list = isListOfObjects([value]) ? (value as { messages?: unknown }).messages : value
  if (isTextList(list))
    return { messages: list.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })) }
  if (!isListOfObjects(list)) return { reason: 'The conversation is not a list of messages.' }
  const messages: ChatMessage[] = []
  for (const [i, item] of list.entries()) {
    const name = textOf(item, roleKeys)
    const role = roles[name?.trim().toLowerCase() ?? '']
    if (role === undefined)
      return {
        reason:
          name === null
            ? `Message ${i + 1} does not say who speaks.`
            : `Message ${i + 1} is spoken by "${name.slice(0, 40)}", who is neither user, assistant nor system.`,
      }
    const content = textOf(item, contentKeys)
    if (content === null) return { reason: `Message ${i + 1} has no words.` }
    messages.push({ role, content })
  }
  return { messages }
}

/** The first of the fields that holds a text, or parts that are all text. */
function textOf(item: Readonly<Record<string, unknown>>, keys: readonly string[]): string | null {
  const value = keys.map((key) => item[key]).find((one) => one !== undefined && one !== null)
  if (typeof value === 'string') return value
  if (!isListOfObjects(value)) return null
  const parts = value.map(({ text }) => text)
  return isTextList(parts) ? parts.join('\n') : null
}

/** Messages of one speaker in a row become one; empty ones go, and so does what has no answer or no question. */
export function arrange(given: readonly ChatMessage[]): ConversationReading {
  const turns: ChatMessage[] = []
  const system: string[] = []
  let dropped = 0
  for (const { role, content } of given) {
    if (content.trim() === '') continue
    const last = turns.at(-1)
    if (role === 'system') system.push(content)
    else if (last?.role === role) turns[turns.length - 1] = { role, content: `${last.content}\n${content}` }
    else if (last === undefined && role === 'assistant') dropped += 1
    else turns.push({ role, content })
  }
  if (turns.at(-1)?.role === 'user') {
    turns.pop()
    dropped += 1
  }
  if (turns.length === 0) return { reason: 'Nobody is answered in this conversation.' }
  const opening: ChatMessage[] = system.length === 0 ? [] : [{ role: 'system', content: system.join('\n') }]
  const note =
    dropped === 0 ? null : 'A message before the first question or after the last answer was left out.'
  return { messages: [...opening, ...turns], note }
}
