// The browser host refuses everybody but the page it gave a ticket to (safety.md, W1 to W6), and counts whom it refused.
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ask,
  fateOf,
  openPage,
  openSession,
  openSocket,
  openTestHost,
  ownOrigin,
  type TestHost,
  ticketOf,
} from './web-support.ts'

let place: TestHost
beforeAll(async () => {
  place = await openTestHost()
})
afterAll(() => place.close())

const refusals = (reason: string): number => place.host.refusals.get(reason as never) ?? 0
const exchange = (ticket: string, headers: Record<string, string> = {}) =>
  ask(place.host.port, '/session', {
    method: 'POST',
    headers: { origin: ownOrigin(place.host.port), ...headers },
    body: JSON.stringify({ ticket }),
  })

const foreignHosts = (port: number): string[] => [
  '127.0.0.1',
  `127.0.0.1.:${port}`,
  `127.0.0.1.evil.example:${port}`,
  `localhost.:${port}`,
  `LOCALHOST:${port}`,
  `foo.localhost:${port}`,
  `0.0.0.0:${port}`,
  `2130706433:${port}`,
  `0x7f000001:${port}`,
  `127.1:${port}`,
  `127.0.0.1:${port + 1}`,
  `[::1]:${port}`,
  `user@127.0.0.1:${port}`,
  `evil.example:${port}`,
  '',
]

test('the page comes with its policy and without any permission for other sites', async () => {
  const { status, headers, body } = await ask(place.host.port, '/')
  expect(status).toBe(200)
  expect(body).toContain('<title>page</title>')
  const { port } = place.host
  expect(String(headers['content-security-policy']).split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    `connect-src 'self' ws://127.0.0.1:${port} ws://localhost:${port}`,
    "worker-src 'self'",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
  expect(headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
})

test('no other name of this computer, no foreign origin and no other method gets an answer', async () => {
  const { port } = place.host
  const before = refusals('host')
  for (const host of foreignHosts(port))
    expect([host, (await ask(port, '/', { headers: { host } })).status]).toEqual([host, 403])
  expect(refusals('host') - before).toBe(foreignHosts(port).length)
  for (const origin of [
    'null',
    'https://example.org',
    `https://127.0.0.1:${port}`,
    `http://localhost:${port}`,
  ])
    expect((await ask(port, '/', { headers: { origin } })).status).toBe(403)
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'POST'])
    expect((await ask(port, '/', { method })).status).toBe(405)
  expect((await ask(port, '/session')).status).toBe(405)
})

test('nothing outside the page is given', async () => {
  const paths = [
    '/secret.html',
    '/../secret.html',
    '/..%2fsecret.html',
    '/%2e%2e/secret.html',
    '/assets/..%5c..%5csecret.html',
    '/assets/%00index.js',
    '/assets/index.js::$DATA',
    '/C:/secret.html',
    '//secret.html',
    '/%',
    '/%E0%A4%A',
    '/assets/',
    '/assets/index.js/',
    '/page/index.html',
  ]
  for (const path of paths) expect([path, (await ask(place.host.port, path)).status]).toEqual([path, 404])
})

test('a ticket is good once, for half a minute, from the own page only', async () => {
  const ticket = ticketOf(place.host)
  expect((await exchange(ticket, { origin: 'http://evil.example' })).status).toBe(403)
  expect((await ask(place.host.port, '/session', { method: 'POST', body: '{}' })).status).toBe(403)
  expect((await exchange(`${ticket}x`)).status).toBe(401)
  const good = await exchange(ticket)
  expect(good.status).toBe(200)
  expect(String(good.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict; Path=\/$/)
  expect((await exchange(ticket)).status).toBe(401)
  const late = ticketOf(place.host)
  place.clock.ms += 30_001
  expect((await exchange(late)).status).toBe(401)
  const replaced = ticketOf(place.host)
  ticketOf(place.host)
  expect((await exchange(replaced)).status).toBe(401)
})

test('ten wrong tickets close the door for a minute, also for the right one', async () => {
  expect((await exchange(ticketOf(place.host))).status).toBe(200)
  for (let attempt = 0; attempt < 10; attempt += 1)
    expect((await exchange(`guess ${attempt}`)).status).toBe(401)
  expect((await exchange(ticketOf(place.host))).status).toBe(401)
  place.clock.ms += 60_001
  expect((await exchange(ticketOf(place.host))).status).toBe(200)
})

test('the socket wants cookie, token, host and origin, every one of them', async () => {
  const { host } = place
  const { cookie, token } = await openSession(host)
  const other = await openSession(host)
  const origin = ownOrigin(host.port)
  const name = cookie.split('=')[0]
  const rows: [Record<string, string | undefined>, string | null, string][] = [
    [{ origin }, token, 'status 401'],
    [{ origin, cookie: `${name}=wrong` }, token, 'status 401'],
    [{ origin, cookie: `${cookie}; ${cookie}` }, token, 'status 401'],
    [{ cookie }, token, 'status 403'],
    [{ cookie, origin: 'null' }, token, 'status 403'],
    [{ cookie, origin: 'https://example.org' }, token, 'status 403'],
    [{ cookie, origin, host: `evil.example:${host.port}` }, token, 'status 403'],
    [{ cookie, origin }, 'wrong', 'closed 4401'],
    [{ cookie, origin }, other.token, 'closed 4401'],
    [{ cookie: other.cookie, origin }, token, 'closed 4401'],
    [{ cookie, origin }, token, 'open'],
  ]
  for (const [headers, given, expected] of rows) {
    const socket = openSocket(host, headers)
    expect([headers, await fateOf(socket, given)]).toEqual([headers, expected])
    socket.terminate()
  }
})

test('a call before the token, a broken frame and an oversized one end the socket; the host goes on', async () => {
  const { host } = place
  const { cookie, token } = await openSession(host)
  const begin = () => openSocket(host, { cookie, origin: ownOrigin(host.port) })
  const early = begin()
  early.on('open', () => early.send(JSON.stringify({ kind: 'call', id: 1, name: 'settings.get', input: {} })))
  expect(await fateOf(early, null)).toBe('closed 4401')
  for (const [message, code] of [
    ['{"kind":"call"', 4400],
    ['{"kind":"hello","token":"again"}', 4400],
    [Buffer.from('{}'), 4400],
    ['x'.repeat(1024 * 1024 + 1), 1009],
  ] as const) {
    const page = begin()
    expect(await fateOf(page, token)).toBe('open')
    page.send(message)
    const [closed] = await once(page, 'close')
    expect(closed).toBe(code)
  }
  const page = await openPage(host)
  expect(await page.call('no.such', {})).toMatchObject({ ok: false })
  page.socket.terminate()
})

test('a fifth page is turned away, and a garbage upgrade does no harm', async () => {
  const { host } = place
  await expect.poll(() => host.clients).toBe(0)
  const pages = [await openPage(host), await openPage(host), await openPage(host), await openPage(host)]
  const { cookie, token } = await openSession(host)
  expect(await fateOf(openSocket(host, { cookie, origin: ownOrigin(host.port) }), token)).toBe('status 503')
  for (const page of pages) page.socket.terminate()
  for (const garbage of [
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    'GET /socket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    '\x16\x03\x01\x02\x00garbage\r\n\r\n',
    `GET /socket HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\nOrigin: ${ownOrigin(host.port)}\r\nCookie: ${cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 99\r\n\r\n`,
  ]) {
    const before = [...host.refusals.values()].reduce((sum, count) => sum + count, 0)
    const raw = connect(host.port, '127.0.0.1')
    raw.on('error', () => {})
    raw.resume()
    raw.write(garbage)
    await expect
      .poll(() => [...host.refusals.values()].reduce((sum, count) => sum + count, 0))
      .toBeGreaterThan(before)
    raw.destroy()
  }
  await expect.poll(() => host.clients).toBe(0)
  expect((await openPage(host)).socket.readyState).toBe(1)
})

test('who sends half a request is let go after its few seconds', { timeout: 20_000 }, async () => {
  const raw = connect(place.host.port, '127.0.0.1')
  raw.on('error', () => {})
  raw.resume()
  raw.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${place.host.port}\r\n`)
  // Node alone looks every half minute, whatever the limit says.
  await once(raw, 'close')
})

test('a socket at another address is refused only after the session', async () => {
  const { host } = place
  const { cookie } = await openSession(host)
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', origin: ownOrigin(host.port) }
  expect((await ask(host.port, '/other', { headers: upgrade })).status).toBe(401)
  expect((await ask(host.port, '/other', { headers: { ...upgrade, cookie } })).status).toBe(404)
})

test('a flood of calls is answered in turn; the host reads no more than it can work on', async () => {
  const page = await openPage(place.host)
  const replies = await Promise.all(Array.from({ length: 5_000 }, () => page.call('no.such', null)))
  expect(replies.filter(({ problem }) => problem?.code === 'contract.unknown-call')).toHaveLength(5_000)
  page.socket.terminate()
})

test('events leave in batches; of states that replace each other only the newest goes', async () => {
  const page = await openPage(place.host)
  for (let index = 0; index < 500; index += 1)
    place.emitUpdate('experiments.changed', { runId: `run ${index}` })
  for (let index = 0; index < 500; index += 1) place.emitUpdate('job.changed', { id: 'one', done: index })
  await expect.poll(() => page.events.length).toBe(501)
  expect(page.frames.length).toBeLessThan(5)
  expect(page.events.at(-1)).toEqual({ event: 'job.changed', payload: { id: 'one', done: 499 } })
  page.socket.terminate()
})
