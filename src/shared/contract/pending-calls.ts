// Calls on their way to another process: until it listens they wait, and each is answered once. When that process is gone
// all are given up together, so that nothing is done later that somebody was told is lost.
import type { Reply } from './dispatch.ts'

export interface CallMessage {
  readonly kind: 'call'
  readonly id: number
  readonly name: unknown
  readonly input: unknown
}

export interface PendingCalls {
  /** Never rejects. */
  ask(name: unknown, input: unknown): Promise<Reply>
  /** An answer to no call is dropped. */
  answer(id: number, reply: Reply): void
  /** The other side listens: what was asked meanwhile is sent. */
  open(): void
  /** It listens no more: whoever waits gets this, and what is asked from now on waits again. */
  giveUp(replyTo: (name: unknown) => Reply): void
}

interface Waiting {
  readonly message: CallMessage
  resolve(reply: Reply): void
}

export function createPendingCalls(send: (message: CallMessage) => void): PendingCalls {
  const waiting = new Map<number, Waiting>()
  let isOpen = false
  let made = 0
  return {
    ask(name, input) {
      made += 1
      const message: CallMessage = { kind: 'call', id: made, name, input }
      const reply = new Promise<Reply>((resolve) => waiting.set(message.id, { message, resolve }))
      if (isOpen) send(message)
      return reply
    },
    answer(id, reply) {
      waiting.get(id)?.resolve(reply)
      waiting.delete(id)
    },
    open() {
      isOpen = true
      for (const { message } of waiting.values()) send(message)
    },
    giveUp(replyTo) {
      isOpen = false
      const left = [...waiting.values()]
      waiting.clear()
      for (const { message, resolve } of left) resolve(replyTo(message.name))
    },
  }
}
