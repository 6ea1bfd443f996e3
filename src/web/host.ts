// The browser host: the same core for a browser on this computer. Listens on 127.0.0.1 only, at a port that chance gives,
// and serves the page's files, one call that opens a session, and one socket. Nothing else, to nobody else.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { contentPolicy, readPageFile } from '#core/system/page-files.ts'
import type { AnyHandlers } from '#shared/contract/index.ts'
import { closeCodes, sessionPath, sessionRequest, socketPath, ticketField } from '#shared/socket-protocol.ts'
import { cookieOf, type Refusal, refusalOf } from './gate.ts'
import { servePageSocket } from './page-socket.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** A piece of an upload is 512 KiB, 700 KB in base64. */
const largestMessageBytes = 1024 * 1024
const largestBodyBytes = 4 * 1024
const mostClients = 4
const goodbyeMs = 500

export interface WebHostOptions {
  readonly handlers: AnyHandlers
  onEvent(listener: (event: string, payload: unknown) => void): () => void
  readonly pageFolder: string
  readonly nowMs?: () => number
}

export interface WebHost {
  readonly port: number
  /** An address with a fresh ticket; the ticket of the address before it is no longer good. */
  newAddress(): string
  /** How many requests, upgrades and messages were refused, by reason. */
  readonly refusals: ReadonlyMap<Refusal, number>
  readonly clients: number
  close(): Promise<void>
}

const ownHeaders = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const
const statuses: Readonly<Record<Refusal, number>> = {
  method: 405,
  host: 403,
  origin: 403,
  path: 404,
  session: 401,
  ticket: 401,
  size: 413,
  clients: 503,
  message: 400,
}

/** What the answers to requests and upgrades share. */
interface Desk {
  readonly options: WebHostOptions
  readonly port: number
  readonly cookieName: string
  readonly policy: string
  readonly sessions: Sessions
  readonly sockets: WebSocketServer
  refused(reason: Refusal): Refusal
}

/** Resolves when the host listens. */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const refusals = new Map<Refusal, number>()
  const server = createServer({
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    // Node looks only this often whether a time is over; by itself every 30 s.
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16 * 1024,
  })
  server.maxConnections = 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const desk: Desk = {
    options,
    port,
    // Cookies of one computer are shared by all its ports.
    cookieName: `tunewright-${port}`,
    policy: contentPolicy([`ws://127.0.0.1:${port}`, `ws://localhost:${port}`]),
    sessions: createSessions(options.nowMs),
    sockets: new WebSocketServer({
      noServer: true,
      maxPayload: largestMessageBytes,
      perMessageDeflate: false,
    }),
    refused(reason) {
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
      return reason
    },
  }
  const connections = new Set<Duplex>()
  server.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  server.on('request', (request, response) => answerRequest(desk, request, response))
  server.on('upgrade', (request, stream, head) => answerUpgrade(desk, request, stream, head))
  server.on('clientError', (_error, socket) => {
    desk.refused('message')
    socket.destroy()
  })
  desk.sockets.on('wsClientError', () => desk.refused('message'))
  return {
    port,
    newAddress: () => `http://127.0.0.1:${port}/#${ticketField}=${desk.sessions.newTicket()}`,
    refusals,
    get clients() {
      return desk.sockets.clients.size
    },
    close: () => closeServer(server, desk.sockets, connections),
  }
}

function answerRequest(desk: Desk, request: IncomingMessage, response: ServerResponse): void {
  const isSession = request.url === sessionPath
  const rules = isSession
    ? { methods: ['POST'], needsOrigin: true }
    : { methods: ['GET', 'HEAD'], needsOrigin: false }
  const reason = refusalOf(request, desk.port, rules)
  if (reason !== null) {
    turnAway(desk, response, reason)
    return
  }
  const done = isSession ? openSession(desk, request, response) : servePage(desk, request, response)
  done.catch(() => response.destroy())
}

async function openSession(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request)
  if (body === null) return turnAway(desk, response, 'size')
  const asked = sessionRequest.safeParse(parseJson(body))
  if (!asked.success) return turnAway(desk, response, 'message')
  const session = desk.sessions.redeem(asked.data.ticket)
  if (session === null) return turnAway(desk, response, 'ticket')
  const cookie = `${desk.cookieName}=${session.cookie}; HttpOnly; SameSite=Strict; Path=/`
  const headers = { 'content-type': 'application/json', 'set-cookie': cookie }
  answer(response, 200, headers, JSON.stringify({ token: session.token }))
}

/** The page itself is the same for everybody and holds nothing of anybody; so it needs no session. */
async function servePage(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const file = await readPageFile(desk.options.pageFolder, path, desk.policy)
  if (file === null) return turnAway(desk, response, 'path')
  answer(response, 200, file.headers, request.method === 'HEAD' ? undefined : file.bytes)
}

function answer(response: ServerResponse, status: number, headers = {}, body?: string | Uint8Array): void {
  response.writeHead(status, { ...ownHeaders, ...headers })
  response.end(body)
}

const turnAway = (desk: Desk, response: ServerResponse, reason: Refusal): void =>
  answer(response, statuses[desk.refused(reason)], { connection: 'close' })

function answerUpgrade(desk: Desk, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  stream.on('error', () => stream.destroy())
  const cookie = cookieOf(request, desk.cookieName)
  const reason = upgradeRefusal(desk, request, cookie)
  if (reason !== null || cookie === null) {
    const status = statuses[desk.refused(reason ?? 'session')]
    stream.once('finish', () => stream.destroy())
    stream.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
    return
  }
  desk.sockets.handleUpgrade(request, stream, head, (socket) =>
    servePageSocket(socket, {
      handlers: desk.options.handlers,
      isToken: (token) => desk.sessions.isSession(cookie, token),
      onEvent: desk.options.onEvent,
      refused: desk.refused,
    }),
  )
}

/** Cookies are checked here, before there is a socket; the token follows in its first message. */
function upgradeRefusal(desk: Desk, request: IncomingMessage, cookie: string | null): Refusal | null {
  const reason = refusalOf(request, desk.port, { methods: ['GET'], needsOrigin: true })
  if (reason !== null) return reason
  if (cookie === null || !desk.sessions.hasCookie(cookie)) return 'session'
  if (request.url !== socketPath) return 'path'
  return desk.sockets.clients.size >= mostClients ? 'clients' : null
}

/** Says goodbye to every page, and waits for no connection that does not answer. */
async function closeServer(
  server: Server,
  sockets: WebSocketServer,
  connections: ReadonlySet<Duplex>,
): Promise<void> {
  for (const socket of sockets.clients) socket.close(closeCodes.ending)
  const impatience = setTimeout(() => {
    for (const connection of connections) connection.destroy()
  }, goodbyeMs)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  clearTimeout(impatience)
}

/** Null where it is longer than a ticket can be. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > largestBodyBytes) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
