// A conversation as plain values: turns of a person's message and the answers of one or two sides. Pure.
import type { ChatPartner, ChatSide } from '#shared/contract/chat.ts'
import type { EventPayload } from '#shared/contract/contract.ts'
import type { ChatMessage } from '#shared/rows.ts'

type Piece = EventPayload<'chat.piece'>

export interface Answer {
  readonly text: string
  /** null while it is being written. */
  readonly ended: Piece['ended']
  /** Why it failed. */
  readonly sentence: string | null
}

export interface Turn {
  readonly text: string
  /** What stands in the person's row, where the message came from one. */
  readonly expected: string | null
  readonly answers: Readonly<Partial<Record<ChatSide, Answer>>>
}

export const sideChoices = ['both', 'base', 'tuned'] as const
export type SideChoice = (typeof sideChoices)[number]

/** Where there is no trained version, the model answers alone. */
export function sidesOf({ run }: Pick<ChatPartner, 'run'>, choice: SideChoice): ChatSide[] {
  if (run === null || !run.hasAdapter) return ['base']
  return choice === 'both' ? ['base', 'tuned'] : [choice]
}

/** A message that waits for the answers of these sides. */
export const newTurn = (text: string, expected: string | null, sides: readonly ChatSide[]): Turn => ({
  text,
  expected,
  answers: Object.fromEntries(sides.map((side) => [side, { text: '', ended: null, sentence: null }])),
})

/** Earlier messages that go with a question: with it fewer than the 200 that the program takes, in whole turns. */
const mostMessages = 198

/** What a side has read when it answers `text`: earlier messages only with an answer of its own. */
export function historyOf(turns: readonly Turn[], side: ChatSide, text: string): ChatMessage[] {
  const before = turns.flatMap((turn): ChatMessage[] => {
    const answer = turn.answers[side]
    if (answer === undefined || answer.text === '' || answer.ended === 'failed') return []
    return [
      { role: 'user', content: turn.text },
      { role: 'assistant', content: answer.text },
    ]
  })
  return [...before.slice(-mostMessages), { role: 'user', content: text }]
}

/** The turns with this piece at the end of its side's answer; what comes after an answer's end is left out. */
export function withPiece(
  turns: readonly Turn[],
  { side, text, ended, sentence }: Omit<Piece, 'chatId'>,
): readonly Turn[] {
  const last = turns.at(-1)
  const answer = last?.answers[side]
  if (last === undefined || answer === undefined || answer.ended !== null) return turns
  const grown = { text: answer.text + text, ended, sentence }
  return [...turns.slice(0, -1), { ...last, answers: { ...last.answers, [side]: grown } }]
}

export const isAnswering = (turns: readonly Turn[]): boolean =>
  Object.values(turns.at(-1)?.answers ?? {}).some(({ ended }) => ended === null)

/** Every answer that is still being written ends so. */
export function withEnd(
  turns: readonly Turn[],
  ended: NonNullable<Answer['ended']>,
  sentence: string | null,
): readonly Turn[] {
  const sides = Object.keys(turns.at(-1)?.answers ?? {}) as ChatSide[]
  return sides.reduce((grown, side) => withPiece(grown, { side, text: '', ended, sentence }), turns)
}
