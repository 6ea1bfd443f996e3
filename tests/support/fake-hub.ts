// A model hub on this computer that speaks the real one's protocol: /OWNER/NAME/resolve/REVISION/FILE answers small
// files by a relative redirect and large ones by a redirect to a storage server, with x-repo-commit, x-linked-etag,
// x-linked-size and ranges. It can be told to lie in the ways that networks do.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault =
  | { readonly kind: 'flip-bit'; readonly offset: number }
  /** Ends the connection after so many bytes, the first `times` times. */
  | { readonly kind: 'cut-off'; readonly afterBytes: number; times: number }
  /** Sends so many bytes and then nothing more, the first `times` times. */
  | { readonly kind: 'stall'; readonly afterBytes: number; times: number }
  /** Answers a range with other bytes than asked for. */
  | { readonly kind: 'wrong-range' }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'other-commit'; readonly commit: string }
  | { readonly kind: 'other-etag'; readonly etag: string }
  | { readonly kind: 'status'; readonly status: number }
  /** The sign-in page of a hotel: HTML with 200 for every address. */
  | { readonly kind: 'sign-in-page' }

export interface SeenRequest {
  readonly server: 'hub' | 'storage'
  readonly method: string
  readonly path: string
  readonly range: string | null
  readonly authorization: string | null
}

export interface FakeHub {
  readonly url: string
  readonly storageUrl: string
  readonly repository: string
  readonly revision: string
  readonly requests: SeenRequest[]
  /** Bytes of file content that were sent. */
  sentBytes: number
  files: Map<string, Uint8Array>
  readonly faults: Map<string, Fault>
  close(): Promise<void>
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
/** Git's name of a small file, which is its etag on the hub. */
const gitHash = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

const isLarge = (name: string): boolean => name.endsWith('.safetensors')

export async function startFakeHub(files: Map<string, Uint8Array>): Promise<FakeHub> {
  const storage = createServer()
  const hubServer = createServer()
  const hub: FakeHub = {
    url: await listen(hubServer),
    storageUrl: await listen(storage),
    repository: 'tiny-owner/tiny-model',
    revision: 'a'.repeat(40),
    requests: [],
    sentBytes: 0,
    files,
    faults: new Map(),
    async close() {
      for (const server of [hubServer, storage]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
  hubServer.on('request', (request, response) => answerHub(hub, request, response))
  storage.on('request', (request, response) => answerStorage(hub, request, response))
  return hub
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function note(hub: FakeHub, server: SeenRequest['server'], request: IncomingMessage): void {
  hub.requests.push({
    server,
    method: request.method ?? '',
    path: request.url ?? '',
    range: request.headers.range ?? null,
    authorization: request.headers.authorization ?? null,
  })
}

function answerHub(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  note(hub, 'hub', request)
  const path = new URL(request.url ?? '', hub.url).pathname
  const name = path.split('/').at(-1) ?? ''
  const fault = hub.faults.get(name)
  if (fault?.kind === 'sign-in-page') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><form>Room number?</form></html>')
    return
  }
  if (fault?.kind === 'status') {
    response.writeHead(fault.status).end()
    return
  }
  const bytes = hub.files.get(name)
  const resolved = `/${hub.repository}/resolve/${hub.revision}/${name}`
  const cached = `/api/resolve-cache/models/${hub.repository}/${hub.revision}/${name}`
  if (!bytes || (path !== resolved && path !== cached)) {
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
    return
  }
  response.setHeader('x-repo-commit', fault?.kind === 'other-commit' ? fault.commit : hub.revision)
  if (path === cached) {
    response.setHeader('etag', `"${gitHash(bytes)}"`)
    sendFile(hub, name, bytes, request, response)
    return
  }
  if (isLarge(name)) {
    const etag = fault?.kind === 'other-etag' ? fault.etag : sha256(bytes)
    response.setHeader('x-linked-etag', `"${etag}"`)
    response.setHeader('x-linked-size', bytes.length)
    const location =
      fault?.kind === 'redirect' ? fault.location : `${hub.storageUrl}/store/${name}?signature=1`
    response.writeHead(302, { location }).end()
    return
  }
  response.setHeader('x-linked-etag', `"${gitHash(bytes)}"`)
  response.writeHead(307, { location: fault?.kind === 'redirect' ? fault.location : cached }).end()
}

function answerStorage(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  note(hub, 'storage', request)
  const name = new URL(request.url ?? '', hub.storageUrl).pathname.split('/').at(-1) ?? ''
  const bytes = hub.files.get(name)
  if (bytes) sendFile(hub, name, bytes, request, response)
  else response.writeHead(404).end()
}

function sendFile(
  hub: FakeHub,
  name: string,
  bytes: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const fault = hub.faults.get(name)
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const first = asked && fault?.kind !== 'ignore-range' ? Number(asked[1]) : 0
  response.setHeader('accept-ranges', 'bytes')
  if (first > 0) {
    const said = fault?.kind === 'wrong-range' ? first - 1 : first
    response.setHeader('content-range', `bytes ${said}-${bytes.length - 1}/${bytes.length}`)
  }
  let body = Buffer.from(bytes.subarray(first))
  if (fault?.kind === 'flip-bit' && fault.offset >= first) {
    const at = fault.offset - first
    body.writeUInt8(body.readUInt8(at) ^ 1, at)
  }
  if (fault?.kind === 'too-long') body = Buffer.concat([body, Buffer.from('and more')])
  response.writeHead(first > 0 ? 206 : 200, { 'content-length': body.length })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const isShort = (fault?.kind === 'cut-off' || fault?.kind === 'stall') && fault.times > 0
  if (!isShort) {
    hub.sentBytes += body.length
    response.end(body)
    return
  }
  fault.times -= 1
  const part = body.subarray(0, fault.afterBytes)
  hub.sentBytes += part.length
  response.write(part, () => {
    // A client drops what it has not read yet when the connection breaks: it gets a moment to read.
    if (fault.kind === 'cut-off') setTimeout(() => response.socket?.end(), 300)
  })
}
