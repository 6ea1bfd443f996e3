// Which tokens of a conversation are trained: the assistant's words and the token that ends its turn, never a prompt,
// a header or the white space between turns. Works for any chat template by rendering it with and without a turn.
import { ignoredLabel } from '#shared/labels.ts'
import { attempt, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import type { ChatTemplate } from './chat-template.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface LabelledTokens {
  readonly ids: Int32Array
  /** labels[i] is ids[i] where token i is trained, else -100. Not shifted: the loss compares it with position i - 1. */
  readonly labels: Int32Array
}

/** Where one answer lies in a rendered conversation, in UTF-16 units. */
interface TurnSpan {
  /** What is trained begins here: the end of the header, or of the generation prompt. */
  readonly start: number
  /** After the token that ends the turn. */
  readonly end: number
  /** The turn's text has a special token that ends it. */
  readonly isEnded: boolean
}

// Stands in for an answer to find where a template puts it: characters of Unicode's private use area, which neither
// white-space trimming nor a template's own markers touch.
const standIn = '\uE7A1\uE7A2\uE7A3'
const otherStandIn = '\uE8B1\uE8B2\uE8B3'

/** Ids of the prompt up to the place where the answer begins, for generation. An empty prompt begins a plain text. */
export function tokenizePrompt(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  prompt: readonly ChatMessage[],
): Result<Int32Array> {
  return attempt(() =>
    Int32Array.from(
      prompt.length === 0
        ? textBeginning(tokenizer)
        : tokenizer.encode(unwrap(template.render(prompt, { addGenerationPrompt: true }))),
    ),
  )
}

/**
 * One example: the conversation so far and the answer to learn. Only the answer and its end are labelled. With an empty
 * prompt the answer is plain text: no template, no end, and every token is labelled that has one before it.
 */
export function tokenizeExample(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  prompt: readonly ChatMessage[],
  answer: string,
): Result<LabelledTokens> {
  if (prompt.length === 0) return attempt(() => labelText(tokenizer, answer))
  const messages: ChatMessage[] = [...prompt, { role: 'assistant', content: answer }]
  return attempt(() => label(tokenizer, template, messages, [messages.length - 1]))
}

/** A whole conversation: every assistant turn is labelled. */
export function maskConversation(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
): Result<LabelledTokens> {
  const turns = messages.flatMap((message, turn) => (message.role === 'assistant' ? [turn] : []))
  return attempt(() => label(tokenizer, template, messages, turns))
}

/** What stands before the first word of a plain text, so that it too is predicted from something. */
const textBeginning = ({ bos, eos }: Tokenizer): number[] => [bos ?? eos].flatMap((token) => token?.id ?? [])

/** Ids of a plain text that is to be gone on with. */
export const tokenizeText = (tokenizer: Tokenizer, text: string): number[] => [
  ...textBeginning(tokenizer),
  ...tokenizer.encode(text),
]

function labelText(tokenizer: Tokenizer, text: string): LabelledTokens {
  const words = tokenizer.encode(text)
  const ids = Int32Array.from([...textBeginning(tokenizer), ...words])
  const firstLabelled = Math.max(1, ids.length - words.length)
  return { ids, labels: ids.map((id, at) => (at < firstLabelled ? ignoredLabel : id)) }
}

function label(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  turns: readonly number[],
): LabelledTokens {
  const text = unwrap(template.render(messages))
  const ids = tokenizer.encode(text)
  const trained = new Array<boolean>(ids.length).fill(false)
  for (const turn of turns) {
    const span = findTurn(tokenizer, template, messages, turn, text)
    const [first, last] = tokenRange(tokenizer, text, span, ids.length)
    trained.fill(true, first, last)
    // A template that writes nothing after the last answer leaves no sign to stop at: the tokenizer's own is added.
    if (turn === messages.length - 1 && !span.isEnded && tokenizer.eos) {
      ids.push(tokenizer.eos.id)
      trained.push(true)
    }
  }
  return {
    ids: Int32Array.from(ids),
    labels: Int32Array.from(ids, (id, at) => (trained[at] ? id : ignoredLabel)),
  }
}

/**
 * Token range of a span. It begins after as many tokens as the text before it has when it stands alone: where the
 * answer's first blank merges with the header's last newline into one token, that token is not trained, because a
 * prompt that is tokenized for generation never contains it. It ends where an added token ends, and added tokens
 * split a text, so what follows has as many tokens as when it stands alone.
 */
function tokenRange(
  tokenizer: Tokenizer,
  text: string,
  span: TurnSpan,
  total: number,
): [first: number, last: number] {
  const first = tokenizer.encode(text.slice(0, span.start)).length
  if (span.end === text.length) return [first, total]
  const last = span.isEnded
    ? total - tokenizer.encode(text.slice(span.end)).length
    : tokenizer.encode(text.slice(0, span.end)).length
  return [first, Math.max(first, last)]
}

function findTurn(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  turn: number,
  text: string,
): TurnSpan {
  const content = findContent(template, messages, turn, text)
  const before = messages.slice(0, turn)
  // What generation will see. Where the conversation goes on from it, everything after it is the model's own to write.
  const opening = before.length > 0 ? template.render(before, { addGenerationPrompt: true }) : null
  const start =
    opening?.ok && opening.value.length <= content.start && text.startsWith(opening.value)
      ? opening.value.length
      : content.start

  const limit = endOfTurnLimit(template, messages, turn, text, content.end)
  const after = text.slice(content.end, limit)
  let end = -1
  for (const token of tokenizer.specialTokens) {
    const at = after.indexOf(token.text)
    if (at >= 0 && (end < 0 || at + token.text.length < end)) end = at + token.text.length
  }
  return end < 0
    ? { start, end: turn === messages.length - 1 ? limit : content.end, isEnded: false }
    : { start, end: content.end + end, isEnded: true }
}

/** Where the content of a turn lies in `text`: what changes when the content does. */
function findContent(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  turn: number,
  text: string,
): { start: number; end: number } {
  const content = messages[turn]?.content ?? ''
  const mark = content.includes(standIn) ? otherStandIn : standIn
  const swapped = messages.map((message, at) => (at === turn ? { ...message, content: mark } : message))
  const marked = unwrap(template.render(swapped))
  const start = marked.indexOf(mark)
  if (start < 0 || !text.startsWith(marked.slice(0, start)))
    throw new ProblemError({
      code: 'template.invalid',
      message: 'The chat template does not show where the answer begins, so it cannot be trained on.',
      where: `chat template, message ${turn + 1}`,
      remedy: "Use the publisher's own chat template for this model.",
    })
  const tail = marked.slice(start + mark.length)
  const end = text.endsWith(tail) && text.length - tail.length >= start ? text.length - tail.length : -1
  if (end >= 0) return { start, end }
  const common = commonEnding(text, tail, text.length - start)
  return { start, end: text.length - common }
}

/** A turn ends at the latest where the next message's own words begin. */
function endOfTurnLimit(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  turn: number,
  text: string,
  contentEnd: number,
): number {
  if (turn === messages.length - 1) return text.length
  const untilHere = template.render(messages.slice(0, turn + 1))
  if (untilHere.ok) {
    const shared = commonBeginning(text, untilHere.value)
    if (shared >= contentEnd) return shared
  }
  return Math.max(contentEnd, findContent(template, messages, turn + 1, text).start)
}

function commonBeginning(a: string, b: string): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}

function commonEnding(a: string, b: string, most: number): number {
  let length = 0
  while (length < most && length < b.length && a[a.length - 1 - length] === b[b.length - 1 - length])
    length += 1
  return length
}
