// A generator process that is kept for one model and what a run made of it while somebody talks with them. Ends itself when nobody
// has for a while; its death is told to whoever waits for an answer.
import {
  type ChatCommand,
  type ChatEvent,
  type ChatJob,
  type ChatQuestion,
  chatEvent,
} from '#shared/chat-protocol.ts'
import type { Problem } from '#shared/result.ts'
import type { Launcher } from '../system/launcher.ts'

export interface ChatProcess {
  /** False once it has ended: another one has to be opened. */
  readonly isOpen: boolean
  say(question: ChatQuestion): void
  stop(chatId: string): void
  /** Ends it at once and resolves when it is gone. */
  close(): Promise<void>
}

export interface ChatListener {
  onPiece(piece: Extract<ChatEvent, { kind: 'piece' }>): void
  /** The answer with this id failed; null fails all that are waited for. */
  onFailed(chatId: string | null, problem: Problem): void
}

/** A model of some size takes seconds to load: it stays for a pause, not for a night. */
const idleMs = 5 * 60_000
/** How long an answer that is being written may take to stop before its process is ended. */
const stopMs = 5_000

export function openChatProcess(
  launcher: Launcher,
  job: ChatJob,
  listener: ChatListener,
  idleLimitMs: number = idleMs,
): ChatProcess {
  const child = launcher.launch('generator')
  const tell = (command: ChatCommand): void => child.send(command)
  /** Sides of each answer that are still being written. */
  const waiting = new Map<string, number>()
  let isOpen = true
  let isClosing = false
  let idle: ReturnType<typeof setTimeout> | undefined
  let lastProblem: Problem | null = null
  const stopping = new Map<string, ReturnType<typeof setTimeout>>()
  /** Answers of which something was told: no model has to be loaded for them any more. */
  const begun = new Set<string>()

  const gone = new Promise<void>((resolve) => {
    child.onExit(({ code, signal, lastWords }) => {
      isOpen = false
      clearTimeout(idle)
      for (const timer of stopping.values()) clearTimeout(timer)
      const wasWaiting = waiting.size > 0
      waiting.clear()
      if (wasWaiting && !isClosing)
        listener.onFailed(null, lastProblem ?? died(`exit code ${code}, signal ${signal}\n${lastWords}`))
      resolve()
    })
  })

  function done(chatId: string): void {
    waiting.delete(chatId)
    begun.delete(chatId)
    clearTimeout(stopping.get(chatId))
    stopping.delete(chatId)
    if (waiting.size === 0) idle = setTimeout(() => void close(), idleLimitMs)
  }

  child.onMessage((message) => {
    const event = chatEvent.safeParse(message)
    if (!event.success) {
      lastProblem = died(event.error.message)
      child.kill()
    } else if (event.data.kind === 'piece') {
      const { chatId, ended } = event.data
      begun.add(chatId)
      listener.onPiece(event.data)
      if (ended === null) return
      const left = (waiting.get(chatId) ?? 1) - 1
      if (left > 0) waiting.set(chatId, left)
      else done(chatId)
    } else if (event.data.chatId === null) lastProblem = event.data.problem
    else {
      listener.onFailed(event.data.chatId, event.data.problem)
      done(event.data.chatId)
    }
  })

  function close(): Promise<void> {
    isClosing = true
    isOpen = false
    child.kill()
    return gone
  }

  tell({ kind: 'openChat', job })
  return {
    get isOpen() {
      return isOpen
    },
    say(question) {
      clearTimeout(idle)
      waiting.set(question.chatId, question.sides.length)
      tell({ kind: 'say', question })
    },
    stop(chatId) {
      if (!waiting.has(chatId) || stopping.has(chatId)) return
      tell({ kind: 'stopSaying', chatId })
      if (!begun.has(chatId)) return
      stopping.set(
        chatId,
        setTimeout(() => {
          lastProblem = died(`no answer to a stop within ${stopMs} ms`)
          child.kill()
        }, stopMs),
      )
    },
    close,
  }
}

const died = (details: string): Problem => ({
  code: 'chat.failed',
  message: 'The process that writes answers ended before it was done.',
  where: 'generator process',
  remedy: 'Free some memory and ask again; model and run are untouched.',
  details,
})
