// A conversation in the generator process: the model stays open between messages, answers are told piece by piece, base
// and tuned take turns token by token. Ends when its parent ends it.
import { tokenizeText } from '#formats/completion-mask.ts'
import {
  type ChatCommand,
  type ChatEvent,
  type ChatJob,
  type ChatQuestion,
  chatCommand,
} from '#shared/chat-protocol.ts'
import type { ProofSide } from '#shared/proof-protocol.ts'
import { detailsOf, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import type { ParentPort } from '../parent-port.ts'
import { readTextSide, type TextSide } from '../scorer/model-folder.ts'
import type { OtherMessages } from '../serve-job.ts'
import type { Voice } from './llama-session.ts'
import { createVoices } from './voices.ts'

/** Pieces are told no more often than an eye follows. */
const tellEveryMs = 40

interface OpenChat {
  readonly base: Voice
  readonly tuned: Voice | null
  readonly text: TextSide
}

/** Takes the messages of a conversation; one question after the other. */
export function serveChat(): OtherMessages {
  let chat: Promise<OpenChat> | null = null
  let last: Promise<void> = Promise.resolve()
  const stopped = new Set<string>()

  return (message, parent) => {
    const command = chatCommand.safeParse(message)
    if (!command.success) return false
    take(command.data, parent)
    return true
  }

  function take(command: ChatCommand, parent: ParentPort): void {
    const tell = (event: ChatEvent): Promise<void> => parent.send(event)
    if (command.kind === 'openChat') {
      chat ??= openChat(command.job)
      chat.catch(async (error: unknown) => {
        await tell({ kind: 'failed', chatId: null, problem: problemOf(error) })
        process.exit(1)
      })
    } else if (command.kind === 'stopSaying') stopped.add(command.chatId)
    else {
      const { question } = command
      last = last.then(async () => {
        if (chat === null) return
        try {
          await answer(await chat, question, () => stopped.has(question.chatId), tell)
        } catch (error) {
          await tell({ kind: 'failed', chatId: question.chatId, problem: problemOf(error) })
        }
        stopped.delete(question.chatId)
      })
    }
  }
}

async function openChat(job: ChatJob): Promise<OpenChat> {
  const text = await readTextSide(job.model.folder)
  const voices = createVoices(job, 'all')
  const tuned = job.tuned === null ? null : await voices.of('tuned')
  return { base: await voices.of('base'), tuned, text }
}

interface Speaking {
  readonly side: ProofSide
  readonly tokens: AsyncGenerator<number, void>
  readonly maxAnswerTokens: number
  readonly ids: number[]
  /** Characters of the answer that were told. */
  told: number
  toldMs: number
}

async function answer(
  { base, tuned, text }: OpenChat,
  { chatId, sides, maxTokens, temperature, seed }: ChatQuestion,
  isStopped: () => boolean,
  tell: (event: ChatEvent) => Promise<void>,
): Promise<void> {
  const { tokenizer } = text
  const stopIds = new Set(tokenizer.eos ? [tokenizer.eos.id] : [])
  let speaking = sides.map(({ side, messages }): Speaking => {
    const voice = side === 'tuned' ? tuned : base
    if (voice === null) throw new Error('there is no tuned version to talk with')
    const prompt = promptOf(text, messages)
    const room = voice.mostTokens - prompt.length - 8
    if (room < 1) throw tooLong(prompt.length, voice.mostTokens)
    const maxAnswerTokens = Math.min(maxTokens, room)
    const request = { prompt, maxAnswerTokens, stopIds, temperature, seed }
    return { side, tokens: voice.speak(request), maxAnswerTokens, ids: [], told: 0, toldMs: 0 }
  })

  const say = async (
    voice: Speaking,
    ended: 'end-of-turn' | 'token-limit' | 'stopped' | null,
  ): Promise<void> => {
    const now = performance.now()
    if (ended === null && now - voice.toldMs < tellEveryMs) return
    const whole = tokenizer.decode(voice.ids, { skipSpecialTokens: true })
    // A character of several tokens is told when it is whole.
    const sure = ended === null ? whole.replace(/\uFFFD+$/u, '') : whole
    if (ended === null && sure.length <= voice.told) return
    await tell({ kind: 'piece', chatId, side: voice.side, text: sure.slice(voice.told), ended })
    Object.assign(voice, { told: sure.length, toldMs: now })
  }

  try {
    while (speaking.length > 0) {
      const still: Speaking[] = []
      for (const voice of speaking) {
        await new Promise((resolve) => setImmediate(resolve))
        const next = isStopped() ? null : await voice.tokens.next()
        if (next === null) await say(voice, 'stopped')
        else if (next.done) await say(voice, 'end-of-turn')
        else {
          voice.ids.push(next.value)
          const isFull = voice.ids.length >= voice.maxAnswerTokens
          await say(voice, isFull ? 'token-limit' : null)
          if (!isFull) still.push(voice)
        }
        if (!still.includes(voice)) await voice.tokens.return()
      }
      speaking = still
    }
  } finally {
    for (const { tokens } of speaking) await tokens.return()
  }
}

/**
 * A model without a chat template cannot be asked; it goes on with what was said. One that makes one text of another reads
 * what it was trained on: the instruction and one text.
 */
function promptOf({ tokenizer, encodePrompt, reads }: TextSide, messages: readonly ChatMessage[]): number[] {
  if (reads === 'text') return tokenizeText(tokenizer, messages.map(({ content }) => content).join('\n'))
  const isRead = ({ role }: ChatMessage, at: number): boolean =>
    role === 'system' || at === messages.length - 1
  return [...unwrap(encodePrompt(reads === 'source' ? messages.filter(isRead) : messages))]
}

const tooLong = (tokens: number, most: number): ProblemError =>
  new ProblemError({
    code: 'chat.failed',
    message: `This conversation has ${tokens} tokens; the model can read ${most}, its answer included.`,
    where: 'the conversation',
    remedy: 'Start a new conversation, or write shorter messages.',
  })

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  return {
    code: 'chat.failed',
    message: 'The process that writes answers ran into a fault of Tunewright.',
    where: 'inside the generator process',
    remedy: 'Ask again. If it happens again, report it with the details.',
    details: detailsOf(error),
  }
}
