// The asking end of the contract: typed calls and events over whichever transport there is. Answers are checked here too.
import { fail, type Result } from '../result.ts'
import {
  type CallInput,
  type CallName,
  type CallOutput,
  contractCalls,
  contractEvents,
  type EventName,
  type EventPayload,
} from './contract.ts'

export interface Transport {
  /** Resolves with a Reply; a broken connection is a Reply too (`connection.lost`). */
  call(name: string, input: unknown): Promise<unknown>
  /** Every event as it comes; gives back what ends it. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void
}

export interface Api {
  call<C extends CallName>(name: C, input: CallInput<C>): Promise<Result<CallOutput<C>>>
  on<E extends EventName>(event: E, listener: (payload: EventPayload<E>) => void): () => void
}

export function makeApi(transport: Transport): Api {
  /** One listener at the transport for all of them: a page has dozens, and each event is checked once. */
  const listeners = new Map<string, Set<(payload: never) => void>>()
  let isListening = false
  function hear(name: string, payload: unknown): void {
    const interested = listeners.get(name)
    if (interested === undefined || interested.size === 0) return
    const parsed = contractEvents[name as EventName].safeParse(payload)
    if (parsed.success) for (const listener of [...interested]) listener(parsed.data as never)
  }
  return {
    async call(name, input) {
      const reply = (await transport.call(name, input)) as Result<unknown> | null
      if (reply === null || typeof reply !== 'object' || typeof reply.ok !== 'boolean')
        return fail(strangeReply(name, 'no Result'))
      if (!reply.ok) return reply
      const output = contractCalls[name].output.safeParse(reply.value)
      if (!output.success) return fail(strangeReply(name, output.error.message))
      return { ok: true, value: output.data as CallOutput<typeof name> }
    },
    on(event, listener) {
      const interested = listeners.get(event) ?? new Set()
      const own = (payload: EventPayload<typeof event>): void => listener(payload)
      listeners.set(event, interested.add(own))
      if (!isListening) transport.onEvent(hear)
      isListening = true
      return () => {
        interested.delete(own)
      }
    },
  }
}

const strangeReply = (name: string, details: string) => ({
  code: 'contract.invalid-output' as const,
  message: 'The program gave an answer that this page does not understand.',
  where: name,
  remedy: 'Close this page and open it again: page and program may be of different versions.',
  details,
})
