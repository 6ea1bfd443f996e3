// Talking with a model and its tuned version for the screens: one conversation at a time is kept warm, its answers come as
// `chat.piece`. Nothing that is said is kept.
import { randomUUID } from 'node:crypto'
import type { CallParsedInput, ChatSide, SomeHandlers } from '#shared/contract/index.ts'
import type { TunedVersion } from '#shared/proof-protocol.ts'
import { attemptAsync, fail, ok, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { ChatMessage } from '#shared/rows.ts'
import { modelFolder, showModel } from '../models/model-library.ts'
import { describeMachine } from '../system/machine.ts'
import { hasClassHead } from '../training/method-of.ts'
import { requireTunedUnchanged } from '../training/tuned-version.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { type ChatProcess, openChatProcess } from './chat-process.ts'
import { createPartnerHandlers } from './partner-handlers.ts'

type Sent = CallParsedInput<'chat.send'>

export interface Chats extends SomeHandlers<'chat.partners' | 'chat.ofRun' | 'chat.send' | 'chat.stop'> {
  /** Ends the process that is kept warm. */
  close(): Promise<void>
}

export function createChatHandlers(context: WorkstationContext): Chats {
  const { library, reader, launcher, emit } = context
  let warm: { readonly key: string; readonly process: ChatProcess } | null = null
  /** Messages follow one another: each finds the process that the one before left warm. */
  let last: Promise<unknown> = Promise.resolve()
  /** Sides that have not ended, by answer. */
  const open = new Map<string, Set<ChatSide>>()

  function endSide(chatId: string, side: ChatSide): void {
    const sides = open.get(chatId)
    sides?.delete(side)
    if (sides?.size === 0) open.delete(chatId)
  }

  function endAll(chatIds: readonly string[], ended: 'failed' | 'stopped', sentence: string | null): void {
    for (const chatId of chatIds)
      for (const side of [...(open.get(chatId) ?? [])]) {
        endSide(chatId, side)
        emit('chat.piece', { chatId, side, text: '', ended, sentence })
      }
  }

  async function tunedToTalk(runId: string): Promise<TunedVersion> {
    if (hasClassHead(unwrap(reader.getRun(runId)).recipe.method))
      throw new ProblemError({
        code: 'chat.failed',
        message: 'This run trained a last layer that names labels: it has no words to talk with.',
        where: `run ${runId}`,
        remedy: `Have it name a text instead: on its screen “Use it”, or with: tunewright predict ${runId} "the text"`,
      })
    return unwrap(await requireTunedUnchanged(library, reader, runId))
  }

  /** The process for this model and run; another one's is ended first, so that only one model is in memory. */
  async function processFor({ modelId, runId }: Sent): Promise<ChatProcess> {
    const { weightsSha256 } = unwrap(await showModel(library, modelId))
    const tuned = runId === null ? null : await tunedToTalk(runId)
    const key = `${weightsSha256} ${tuned?.weightsSha256 ?? ''}`
    if (warm?.key === key && warm.process.isOpen) return warm.process
    const before = warm
    warm = null
    endAll([...open.keys()], 'stopped', null)
    await before?.process.close()
    const process = openChatProcess(
      launcher,
      {
        model: { folder: modelFolder(library, modelId), weightsSha256 },
        tuned,
        cacheFolder: library.cacheFolder,
        threads: describeMachine().physicalCores,
      },
      {
        onPiece({ chatId, side, text, ended }) {
          if (!open.get(chatId)?.has(side)) return
          if (ended !== null) endSide(chatId, side)
          emit('chat.piece', { chatId, side, text, ended, sentence: null })
        },
        onFailed: (chatId, { message, remedy }) =>
          endAll(chatId === null ? [...open.keys()] : [chatId], 'failed', `${message} ${remedy}`),
      },
    )
    warm = { key, process }
    return process
  }

  async function send(sent: Sent): Promise<{ chatId: string }> {
    const run = sent.runId === null ? null : unwrap(reader.getRun(sent.runId))
    requireSense(sent, run?.modelId ?? null)
    const sides = sent.sides.map(({ side, messages }) => ({
      side,
      messages: withInstruction(messages, run?.recipe.instruction ?? ''),
    }))
    const process = await processFor(sent)
    for (const chatId of open.keys()) process.stop(chatId)
    const chatId = randomUUID()
    const { seed, temperature, maxTokens } = sent
    open.set(chatId, new Set(sides.map(({ side }) => side)))
    process.say({ chatId, sides, seed, temperature, maxTokens })
    return { chatId }
  }

  return {
    ...createPartnerHandlers(context),
    'chat.send': (sent) => {
      const done = last.then(() => attemptAsync(() => send(sent)))
      last = done.catch(() => {})
      return done
    },
    'chat.stop': ({ chatId }) => {
      if (!open.has(chatId)) return fail(unknownChat(chatId))
      // At once for the person; the process may first have to load the model or read the conversation to its end.
      endAll([chatId], 'stopped', null)
      warm?.process.stop(chatId)
      return ok({})
    },
    async close() {
      await last
      await warm?.process.close()
    },
  }
}

/** What the run's model was told before every example stands before the conversation, unless a person says otherwise. */
const withInstruction = (messages: readonly ChatMessage[], instruction: string): ChatMessage[] =>
  instruction.trim() === '' || messages[0]?.role === 'system'
    ? [...messages]
    : [{ role: 'system', content: instruction }, ...messages]

/** A tuned side needs a run, a run belongs to its model, and each side answers a person once. */
function requireSense({ sides, modelId }: Sent, modelOfRun: string | null): void {
  const fault = (message: string, remedy: string): ProblemError =>
    new ProblemError({ code: 'chat.failed', message, where: 'the conversation', remedy })
  if (modelOfRun === null && sides.some(({ side }) => side === 'tuned'))
    throw fault('There is no trained version to talk with.', 'Choose a run, or talk with the model alone.')
  if (modelOfRun !== null && modelOfRun !== modelId)
    throw fault('This run was trained from another model.', 'Choose the model of the run.')
  if (sides[0]?.side === sides[1]?.side) throw fault('Both sides are the same one.', 'Ask each side once.')
  if (sides.some(({ messages }) => messages.at(-1)?.role !== 'user'))
    throw fault('The last message is not yours, so there is nothing to answer.', 'Write a message first.')
}

const unknownChat = (chatId: string): Problem => ({
  code: 'chat.failed',
  message: 'This answer has ended already.',
  where: chatId,
  remedy: 'Nothing has to be done.',
})
