// Calls and events over the browser host's socket. The ticket in the address becomes a session once; afterwards cookie and
// token (kept for this tab only) open the socket again after a reload or a break, until the program ends.
import type { Transport } from '#shared/contract/api.ts'
import type { Reply } from '#shared/contract/dispatch.ts'
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

interface Waiting {
  readonly message: FromPage
  readonly resolve: (reply: Reply) => void
}

const lost = (where: string): Reply =>
  fail({
    code: 'connection.lost',
    message: t('frame.connection.lost'),
    where,
    remedy: t('frame.connection.retry'),
  })

/** Takes the ticket out of the address, so that nobody copies it, and exchanges it; without one the kept token counts. */
async function openSession(): Promise<string | null> {
  const ticket = new URLSearchParams(window.location.hash.slice(1)).get(ticketField)
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
  /** Calls that were made and not answered; those not sent yet go out with the next connection. */
  const sent = new Map<number, Waiting>()
  let unsent: Waiting[] = []
  let nextId = 0
  let socket: WebSocket | null = null
  let isWelcome = false
  let waitMs = firstWaitMs
  let timer: ReturnType<typeof setTimeout> | undefined

  function send(waiting: Waiting): void {
    if (waiting.message.kind === 'call') sent.set(waiting.message.id, waiting)
    socket?.send(JSON.stringify(waiting.message))
  }

  function giveUpCalls(): void {
    for (const { message, resolve } of [...sent.values(), ...unsent])
      resolve(lost(message.kind === 'call' ? String(message.name) : ''))
    sent.clear()
    unsent = []
  }

  function receive(message: ToPage): void {
    if (message.kind === 'welcome') {
      // What happened meanwhile was told to nobody: the page asks for everything again.
      if (connectionState.value === 'lost') window.location.reload()
      isWelcome = true
      waitMs = firstWaitMs
      connectionState.value = 'connected'
      const due = unsent
      unsent = []
      for (const waiting of due) send(waiting)
    } else if (message.kind === 'reply') {
      sent.get(message.id)?.resolve(message.reply)
      sent.delete(message.id)
    } else
      for (const { event, payload } of message.events)
        for (const listener of listeners) listener(event, payload)
  }

  function end(): void {
    connectionState.value = 'ended'
    giveUpCalls()
  }

  /** Answers under way are lost with the socket; whether the call was done is asked again by the screen. */
  function retryLater(): void {
    isWelcome = false
    connectionState.value = 'lost'
    giveUpCalls()
    timer = setTimeout(connect, waitMs)
    waitMs = Math.min(waitMs * 2, longestWaitMs)
  }

  async function connect(): Promise<void> {
    clearTimeout(timer)
    const token = await openSession().catch(() => window.sessionStorage.getItem(tokenKey))
    if (token === null) return end()
    const opened = new WebSocket(`ws://${window.location.host}${socketPath}`)
    socket = opened
    opened.onopen = () => opened.send(JSON.stringify({ kind: 'hello', token } satisfies FromPage))
    opened.onmessage = ({ data }) => receive(JSON.parse(String(data)) as ToPage)
    opened.onclose = ({ code }) => {
      if (socket !== opened) return
      if (code === closeCodes.refused) end()
      else retryLater()
    }
  }

  onReconnectNow(() => void connect())
  void connect()
  return {
    call: (name, input) =>
      new Promise((resolve) => {
        if (connectionState.value === 'ended') return resolve(lost(name))
        const waiting: Waiting = { message: { kind: 'call', id: nextId++, name, input }, resolve }
        if (isWelcome) send(waiting)
        else unsent.push(waiting)
      }),
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
