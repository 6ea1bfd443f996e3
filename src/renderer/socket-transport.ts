// Calls and events over the browser host's socket. The ticket in the address becomes a session once; afterwards cookie and
// token (kept for this tab only) open the socket again after a reload or a break, until the program ends.
import type { Transport } from '#shared/contract/api.ts'
import type { Reply } from '#shared/contract/dispatch.ts'
import { createPendingCalls } from '#shared/contract/pending-calls.ts'
import { fail } from '#shared/result.ts'
import {
  closeCodes,
  type FromPage,
  sessionAnswer,
  sessionPath,
  socketPath,
  type ToPage,
  ticketField,
} from '#shared/socket-protocol.ts'
import { connectionState, onReconnectNow } from './connection.ts'
import { t } from './words/index.ts'

const tokenKey = 'tunewright.token'
const firstWaitMs = 500
const longestWaitMs = 10_000

const lost = (where: string): Reply =>
  fail({
    code: 'connection.lost',
    message: t('frame.connection.lost'),
    where,
    remedy: t('frame.connection.retry'),
  })

const ticketIn = (hash: string): string | null => new URLSearchParams(hash.slice(1)).get(ticketField)

/** Takes the ticket out of the address, so that nobody copies it, and exchanges it; without one the kept token counts. */
async function openSession(hash: string): Promise<string | null> {
  const ticket = ticketIn(hash)
  if (ticket === null) return window.sessionStorage.getItem(tokenKey)
  window.history.replaceState(null, '', '/')
  const response = await fetch(sessionPath, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket }),
  })
  const answer = response.ok ? sessionAnswer.safeParse(await response.json()) : null
  if (answer?.success) window.sessionStorage.setItem(tokenKey, answer.data.token)
  return window.sessionStorage.getItem(tokenKey)
}

export function connectSocket(): Transport {
  const listeners = new Set<(event: string, payload: unknown) => void>()
  const calls = createPendingCalls((message) => line.send(message))
  const line = keepLine({
    onMessage(message) {
      if (message.kind === 'welcome') {
        // What happened meanwhile was told to nobody: the page asks for everything again.
        if (connectionState.value === 'lost') window.location.reload()
        connectionState.value = 'connected'
        calls.open()
      } else if (message.kind === 'reply') calls.answer(message.id, message.reply)
      else
        for (const { event, payload } of message.events)
          for (const listener of listeners) listener(event, payload)
    },
    /** Answers under way are lost with the socket; whether the call was done is asked again by the screen. */
    onBreak(state) {
      connectionState.value = state
      calls.giveUp((name) => lost(String(name)))
    },
  })
  onReconnectNow(line.connect)
  line.connect()
  // A new address in a page that is open already changes only what stands after the hash: nothing is loaded by itself.
  window.addEventListener('hashchange', ({ newURL }) => {
    const { hash } = new URL(newURL)
    if (ticketIn(hash) !== null) void openSession(hash).finally(() => window.location.reload())
  })
  return {
    call: (name, input) =>
      connectionState.value === 'ended' ? Promise.resolve(lost(name)) : calls.ask(name, input),
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

interface LineListeners {
  onMessage(message: ToPage): void
  /** `lost`: it tries again by itself. `ended`: the session is over. */
  onBreak(state: 'lost' | 'ended'): void
}

interface Line {
  send(message: FromPage): void
  /** At once, whatever was going on; the socket before it is let go. */
  connect(): void
}

/** One socket at a time, opened again with growing pauses. */
function keepLine({ onMessage, onBreak }: LineListeners): Line {
  let socket: WebSocket | null = null
  let attempts = 0
  let waitMs = firstWaitMs
  let timer: ReturnType<typeof setTimeout> | undefined

  async function connect(): Promise<void> {
    clearTimeout(timer)
    attempts += 1
    const attempt = attempts
    socket?.close()
    socket = null
    const token = await openSession(window.location.hash).catch(() => window.sessionStorage.getItem(tokenKey))
    if (attempt !== attempts) return
    if (token === null) return onBreak('ended')
    const opened = new WebSocket(`ws://${window.location.host}${socketPath}`)
    socket = opened
    opened.onopen = () => opened.send(JSON.stringify({ kind: 'hello', token } satisfies FromPage))
    opened.onmessage = ({ data }) => {
      if (socket !== opened) return
      const message = JSON.parse(String(data)) as ToPage
      if (message.kind === 'welcome') waitMs = firstWaitMs
      onMessage(message)
    }
    opened.onclose = ({ code }) => {
      if (socket !== opened) return
      if (code === closeCodes.refused) return onBreak('ended')
      onBreak('lost')
      timer = setTimeout(connect, waitMs)
      waitMs = Math.min(waitMs * 2, longestWaitMs)
    }
  }

  return {
    send: (message) => socket?.send(JSON.stringify(message)),
    connect: () => void connect(),
  }
}
