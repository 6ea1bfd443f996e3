// The page's line to the browser host with sockets that the test holds: what is lost is said, what is asked meanwhile goes
// out with the next connection, and there is never more than one line.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connectionState, reconnectNow } from '#renderer/connection.ts'
import { connectSocket } from '#renderer/socket-transport.ts'
import type { ToPage } from '#shared/socket-protocol.ts'

class FakeSocket {
  static all: FakeSocket[] = []
  readonly sent: string[] = []
  isClosed = false
  onopen = (): void => {}
  onmessage = (_message: { data: string }): void => {}
  onclose = (_end: { code: number }): void => {}
  constructor() {
    FakeSocket.all.push(this)
  }
  send(text: string): void {
    this.sent.push(text)
  }
  close(): void {
    this.isClosed = true
  }
  say(message: ToPage): void {
    this.onmessage({ data: JSON.stringify(message) })
  }
  get calls(): string[] {
    return this.sent.filter((text) => text.includes('"call"')).map((text) => JSON.parse(text).name)
  }
}

const reload = vi.fn()
const setItem = vi.fn()
let changeAddress: (event: { newURL: string }) => void
const opened = async (count: number): Promise<FakeSocket> => {
  await vi.waitFor(() => expect(FakeSocket.all).toHaveLength(count))
  return FakeSocket.all[count - 1]!
}

beforeEach(() => {
  FakeSocket.all = []
  reload.mockClear()
  connectionState.value = 'connected'
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('window', {
    location: { hash: '', host: '127.0.0.1:1', reload },
    sessionStorage: { getItem: () => 'token', setItem },
    history: { replaceState: () => {} },
    addEventListener(_name: 'hashchange', listener: typeof changeAddress) {
      changeAddress = listener
    },
  })
})
afterEach(() => vi.unstubAllGlobals())

test('calls wait for the welcome; after a break they are lost, and later ones go out with the next connection', async () => {
  const transport = connectSocket()
  const first = await opened(1)
  const answered = transport.call('settings.get', {})
  first.onopen()
  expect(first.sent.map((text) => JSON.parse(text).kind)).toEqual(['hello'])
  first.say({ kind: 'welcome' })
  expect(first.calls).toEqual(['settings.get'])
  first.say({ kind: 'reply', id: JSON.parse(first.sent[1] ?? '').id, reply: { ok: true, value: 1 } })
  expect(await answered).toEqual({ ok: true, value: 1 })

  const lost = transport.call('projects.create', {})
  first.onclose({ code: 1006 })
  expect(await lost).toMatchObject({ ok: false, problem: { code: 'connection.lost' } })
  expect(connectionState.value).toBe('lost')
  void transport.call('projects.list', {})
  const second = await opened(2)
  second.say({ kind: 'welcome' })
  expect(second.calls).toEqual(['projects.list'])
  expect(reload).toHaveBeenCalledTimes(1)
  second.onclose({ code: 4401 })
  expect(connectionState.value).toBe('ended')
  expect(await transport.call('settings.get', {})).toMatchObject({ problem: { code: 'connection.lost' } })
})

test('connecting by hand lets go of the socket before: two of them told every event twice', async () => {
  const transport = connectSocket()
  const heard: unknown[] = []
  transport.onEvent((event) => heard.push(event))
  const first = await opened(1)
  reconnectNow()
  const second = await opened(2)
  expect(first.isClosed).toBe(true)
  for (const socket of [first, second]) {
    socket.say({ kind: 'welcome' })
    socket.say({ kind: 'events', events: [{ event: 'activity.changed', payload: {} }] })
  }
  first.onclose({ code: 1006 })
  expect(heard).toEqual(['activity.changed'])
  expect(connectionState.value).toBe('connected')
})

test('a new address in an open page opens a session and loads the page anew; another screen does not', async () => {
  const post = vi.fn(() => Promise.resolve({ ok: true, json: () => Promise.resolve({ token: 'new token' }) }))
  vi.stubGlobal('fetch', post)
  connectSocket()
  changeAddress({ newURL: 'http://127.0.0.1:1/#/models' })
  expect(post).not.toHaveBeenCalled()
  changeAddress({ newURL: 'http://127.0.0.1:1/#ticket=fresh' })
  await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(1))
  expect(post).toHaveBeenCalledWith('/session', expect.objectContaining({ body: '{"ticket":"fresh"}' }))
  expect(setItem).toHaveBeenCalledWith('tunewright.token', 'new token')
})
