// A Python package index on this computer that speaks the real protocol ("simple" pages with links) to the real pip. It
// can serve other bytes than were published, or stop in the middle of a file.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zip } from './zip-bytes.ts'

export interface FakeIndex {
  readonly url: string
  /** By the names of the wheels. */
  readonly files: Map<string, Uint8Array>
  /** Names of the files that were asked for. */
  readonly asked: string[]
  /** While true, files are sent to their middle, and then nothing more comes. */
  holds: boolean
  /** Connections that wait in the middle of a file. */
  readonly held: ReadonlySet<ServerResponse>
  close(): Promise<void>
}

export async function startFakeIndex(): Promise<FakeIndex> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const files = new Map<string, Uint8Array>()
  const held = new Set<ServerResponse>()
  const index: FakeIndex = {
    url: `${url}/simple`,
    files,
    asked: [],
    holds: false,
    held,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.on('request', ({ url: path = '' }, response) => {
    const name = path.split('/').at(-1) ?? ''
    const bytes = files.get(name)
    if (path.startsWith('/simple/')) {
      const links = [...files.keys()].map((file) => `<a href="${url}/files/${file}">${file}</a>`)
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<html><body>${links.join('\n')}</body></html>`)
      return
    }
    if (bytes === undefined) return void response.writeHead(404).end()
    index.asked.push(name)
    response.writeHead(200, { 'content-length': bytes.length })
    if (!index.holds) return void response.end(bytes)
    held.add(response)
    response.once('close', () => held.delete(response))
    response.write(bytes.subarray(0, bytes.length / 2))
  })
  return index
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A wheel that pip takes: `members` beside its metadata. */
export const wheelOf = (
  name: string,
  version: string,
  members: Readonly<Record<string, Uint8Array>>,
): Buffer => {
  const info = `${name.replaceAll('-', '_')}-${version}.dist-info`
  return zip([
    ...Object.entries(members).map(([path, content]) => ({ name: path, content })),
    {
      name: `${info}/METADATA`,
      content: text(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`),
    },
    {
      name: `${info}/WHEEL`,
      content: text('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    },
    { name: `${info}/RECORD`, content: text('') },
  ])
}
