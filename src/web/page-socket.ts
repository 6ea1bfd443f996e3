// One page's socket after the gate: its first message must bring the token, then calls come in and replies and events go
// out. A page that talks nonsense or does not answer pings is let go.
import type { WebSocket } from 'ws'
import { createOutbox } from '#core/system/outbox.ts'
import { type AnyHandlers, dispatch } from '#shared/contract/index.ts'
import { closeCodes, fromPage, type ToPage } from '#shared/socket-protocol.ts'

const helloWithinMs = 5_000
const pingEveryMs = 15_000
/** With so many calls under way no more are read: the page's own computer does the waiting. */
const callsUnderWay = 64

export interface PageSocketPorts {
  readonly handlers: AnyHandlers
  isToken(token: string): boolean
  /** Events for this page; gives back what ends them. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void
  refused(reason: 'session' | 'message'): void
}

export function servePageSocket(socket: WebSocket, ports: PageSocketPorts): void {
  let isWelcome = false
  let isAlive = true
  let underWay = 0
  let endEvents = (): void => {}

  const send = (message: ToPage): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message), () => {})
  }
  const outbox = createOutbox({
    send: (events) => send({ kind: 'events', events }),
    waitingBytes: () => socket.bufferedAmount,
    giveUp: () => socket.close(closeCodes.tooSlow),
  })
  const refuse = (reason: 'session' | 'message'): void => {
    ports.refused(reason)
    socket.close(reason === 'session' ? closeCodes.refused : closeCodes.notUnderstood)
  }
  const hello = setTimeout(() => refuse('session'), helloWithinMs)
  const ping = setInterval(() => {
    if (isAlive) socket.ping()
    else socket.terminate()
    isAlive = false
  }, pingEveryMs)

  function welcome(token: string): void {
    clearTimeout(hello)
    isWelcome = ports.isToken(token)
    if (!isWelcome) {
      refuse('session')
      return
    }
    endEvents = ports.onEvent((event, payload) => outbox.add(event, payload))
    send({ kind: 'welcome' })
  }

  async function answer(id: number, name: unknown, input: unknown): Promise<void> {
    underWay += 1
    if (underWay >= callsUnderWay) socket.pause()
    send({ kind: 'reply', id, reply: await dispatch(ports.handlers, name, input) })
    underWay -= 1
    if (socket.isPaused && underWay < callsUnderWay) socket.resume()
  }

  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== socket.OPEN) return
    const message = isBinary ? null : readMessage(String(data))
    if (message?.kind === 'call' && isWelcome) void answer(message.id, message.name, message.input)
    else if (message?.kind === 'hello' && !isWelcome) welcome(message.token)
    else refuse(isWelcome ? 'message' : 'session')
  })
  socket.on('pong', () => {
    isAlive = true
  })
  // A frame over the limit or a broken one: ws closes the socket by itself and says why here.
  socket.on('error', () => ports.refused('message'))
  socket.on('close', () => {
    clearTimeout(hello)
    clearInterval(ping)
    endEvents()
    outbox.close()
  })
}

function readMessage(text: string) {
  try {
    const message = fromPage.safeParse(JSON.parse(text))
    return message.success ? message.data : null
  } catch {
    return null
  }
}
