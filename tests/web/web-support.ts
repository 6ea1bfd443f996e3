// A browser host over a real workstation in a folder of its own, and a page that talks to it as the renderer does.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { unwrap } from '#shared/result.ts'
import type { ToPage } from '#shared/socket-protocol.ts'
import { startWebHost, type WebHost } from '#web/host.ts'

export interface TestHost {
  readonly host: WebHost
  readonly clock: { ms: number }
  emitUpdate(event: string, payload: unknown): void
  close(): Promise<void>
}

export async function openTestHost(): Promise<TestHost> {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-web-'))
  const pageFolder = join(folder, 'page')
  mkdirSync(join(pageFolder, 'assets'), { recursive: true })
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(pageFolder, 'assets', 'index.js'), 'export {}')
  writeFileSync(join(folder, 'secret.html'), 'not yours')
  const workstation = unwrap(
    createWorkstation({
      home: join(folder, 'home'),
      launcher: createNodeLauncher(),
      host: {
        kind: 'browser',
        moveToBin: () => Promise.reject(new Error('a malformed call must move nothing')),
        pickedPath: () => null,
      },
    }),
  )
  const clock = { ms: Date.now() }
  const listeners = new Set<(event: string, payload: unknown) => void>()
  const host = await startWebHost({
    handlers: workstation.handlers,
    pageFolder,
    nowMs: () => clock.ms,
    onEvent(listener) {
      listeners.add(listener)
      const end = workstation.onEvent(listener)
      return () => {
        listeners.delete(listener)
        end()
      }
    },
  })
  return {
    host,
    clock,
    emitUpdate: (event, payload) => {
      for (const listener of listeners) listener(event, payload)
    },
    async close() {
      await host.close()
      await workstation.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A request whose headers are exactly those given (`host` included). */
export function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      setHost: headers.host === undefined,
    })
    sent.on('error', reject)
    sent.on('response', async (response) => {
      let text = ''
      for await (const piece of response) text += String(piece)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
    })
    sent.end(body)
  })
}

/** What reaching a host needs of it. */
type Reachable = Pick<WebHost, 'port' | 'newAddress'>

export const ticketOf = (host: Reachable): string => new URL(host.newAddress()).hash.replace('#ticket=', '')

export const ownOrigin = (port: number): string => `http://127.0.0.1:${port}`

export async function openSession(host: Reachable): Promise<{ cookie: string; token: string }> {
  const answer = await ask(host.port, '/session', {
    method: 'POST',
    headers: { origin: ownOrigin(host.port) },
    body: JSON.stringify({ ticket: ticketOf(host) }),
  })
  const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? ''
  return { cookie, token: JSON.parse(answer.body).token }
}

/** The socket's headers; `undefined` leaves one out. */
export function openSocket(host: Reachable, headers: Record<string, string | undefined>): WebSocket {
  const { origin, ...rest } = headers
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return new WebSocket(`ws://127.0.0.1:${host.port}/socket`, {
    headers: given as Record<string, string>,
    ...(origin === undefined ? {} : { origin }),
  })
}

/** What became of a socket: "open" once it is welcome, else the status of the refused upgrade or the close code. */
export function fateOf(socket: WebSocket, token: string | null): Promise<string> {
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(`status ${response.statusCode}`)
      socket.terminate()
    })
    socket.on('error', () => resolve('error'))
    socket.on('open', () => {
      if (token !== null) socket.send(JSON.stringify({ kind: 'hello', token }))
    })
    socket.on('message', () => resolve('open'))
    socket.on('close', (code) => resolve(`closed ${code}`))
  })
}

export interface TestPage {
  readonly socket: WebSocket
  readonly events: { event: string; payload: unknown }[]
  readonly frames: number[]
  call(name: unknown, input: unknown): Promise<{ ok: boolean; value?: unknown; problem?: { code: string } }>
}

export async function openPage(host: Reachable): Promise<TestPage> {
  const { cookie, token } = await openSession(host)
  const socket = openSocket(host, { cookie, origin: ownOrigin(host.port) })
  await once(socket, 'open')
  const waiting = new Map<number, (reply: never) => void>()
  const page: TestPage = {
    socket,
    events: [],
    frames: [],
    call(name, input) {
      const id = nextId++
      socket.send(JSON.stringify({ kind: 'call', id, name, input }))
      return new Promise((resolve) => waiting.set(id, resolve))
    },
  }
  let nextId = 0
  const welcome = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as ToPage
      if (message.kind === 'welcome') resolve()
      if (message.kind === 'reply') {
        waiting.get(message.id)?.(message.reply as never)
        waiting.delete(message.id)
      }
      if (message.kind === 'events') {
        page.frames.push(message.events.length)
        page.events.push(...message.events)
      }
    })
  })
  socket.send(JSON.stringify({ kind: 'hello', token }))
  await welcome
  return page
}
