// How an engine comes: real pip, a real index on this computer, real files; only the engine is tiny and its self-test ours.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bindingResource } from '#core/engines/beside-parts.ts'
import { discardFolder, removeEngine } from '#core/engines/engine-library.ts'
import { engineDamage, engineDamageByHash } from '#core/engines/engine-manifest.ts'
import { ok, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { type FakeIndex, startFakeIndex } from '../../support/fake-index.ts'
import {
  addTiny,
  freshLibrary,
  hasEngine,
  leftovers,
  makeTinyEngine,
  placesIn,
  removeHomes,
  serve,
  type Told,
  tinyWheelName,
  useIndex,
} from './tiny-engine.ts'

// pip takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const tiny = makeTinyEngine()
let index: FakeIndex
let forgetIndex: () => void
beforeEach(async () => {
  index = await startFakeIndex()
  serve(index, tiny)
  forgetIndex = useIndex(index.url)
})
afterEach(async () => {
  forgetIndex()
  await index.close()
})
afterAll(removeHomes)

const problemOf = (result: Result<unknown>): Problem => {
  if (result.ok) throw new Error('it was added')
  return result.problem
}

describe.skipIf(process.platform === 'win32')('from the index', () => {
  it('comes with its progress in bytes, is tried out before it counts, and leaves nothing else', async () => {
    const library = freshLibrary()
    const told: Told[] = []
    const seen: string[][] = []
    unwrap(
      await addTiny(tiny, library, {
        told,
        selfTest: async (enginesFolder) => {
          seen.push(readdirSync(join(enginesFolder, 'onnx-cuda')).sort(), [String(hasEngine(library))])
          return ok(null)
        },
      }),
    )
    expect(seen).toEqual([['cuda', 'node_modules'], ['false']])
    const { folder } = placesIn(library)
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(existsSync(join(folder, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform))).toBe(true)
    expect(leftovers(library)).toEqual([])
    const fetching = told.filter(({ phase }) => phase.startsWith('Fetching'))
    expect(fetching.at(0)).toMatchObject({ done: 0, total: tiny.wheel.length })
    expect(fetching.at(-1)).toMatchObject({ done: tiny.wheel.length, total: tiny.wheel.length })
    const unpacking = told.filter(({ phase }) => phase.startsWith('Unpacking'))
    expect(unpacking.at(-1)).toMatchObject({ done: 2_000_000, total: 2_000_000 })
  })

  it('says in its last phase, and in the end, what could not be tried out', async () => {
    const told: Told[] = []
    const untried = 'It could not be tried out here: no NVIDIA card was found.'
    const added = await addTiny(tiny, freshLibrary(), { told, selfTest: async () => ok(untried) })
    expect(added).toEqual({ ok: true, value: untried })
    expect(told.at(-1)?.phase).toBe(`Keeping it. ${untried}`)
  })

  it('is left as it is where it is whole: nobody is asked', async () => {
    const library = freshLibrary()
    unwrap(await addTiny(tiny, library))
    const before = index.asked.length
    const openNetwork = () => {
      throw new Error('the network was opened')
    }
    unwrap(await addTiny(tiny, library, { openNetwork }))
    expect(index.asked.length).toBe(before)
  })

  it('with other bytes than published is refused in a sentence, and comes when the index is right again', async () => {
    const library = freshLibrary()
    index.files.set(tinyWheelName, makeTinyEngine().wheel)
    const problem = problemOf(await addTiny(tiny, library))
    expect(problem).toMatchObject({ code: 'download.hash-mismatch', where: tinyWheelName })
    expect(problem.remedy).toContain(`tunewright engines add onnx-cuda --file`)
    expect(hasEngine(library)).toBe(false)
    serve(index, tiny)
    unwrap(await addTiny(tiny, library))
    expect(leftovers(library)).toEqual([])
  })

  it('that cannot be reached is one Problem with what helps', async () => {
    const library = freshLibrary()
    await index.close()
    const problem = problemOf(await addTiny(tiny, library))
    expect(problem.code).toBe('download.unreachable')
    expect(problem.remedy).toMatch(/Connect this computer to the internet.*--file/)
    expect(hasEngine(library)).toBe(false)
    index = await startFakeIndex()
  })

  it.skipIf(existsSync(bindingResource(`${process.platform} ${process.arch}`)))(
    'is not asked where the parts beside it have to be built here and cannot be',
    async () => {
      const before = { ...process.env }
      Object.assign(process.env, { PATH: mkdtempSync(join(tmpdir(), 'tunewright-empty-')) })
      for (const name of ['MAKE', 'CXX', 'PYTHON']) delete process.env[name]
      try {
        const built = { ...tiny, pack: { ...tiny.pack, beside: 'tensorflow-binding' as const } }
        expect(problemOf(await addTiny(built, freshLibrary()))).toMatchObject({
          code: 'backend.failed',
          remedy: expect.stringContaining('Install make, a C++ compiler (g++), Python 3, then'),
        })
        expect(index.asked).toEqual([])
      } finally {
        process.env = before
      }
    },
  )

  it('is not asked where downloads are off', async () => {
    const library = freshLibrary()
    const off: Problem = { code: 'network.off', message: 'off', where: 'x', remedy: 'y' }
    const openNetwork = () => {
      throw new ProblemError(off)
    }
    expect(problemOf(await addTiny(tiny, library, { openNetwork }))).toEqual(off)
    expect(index.asked).toEqual([])
  })

  it('stopped in the middle of the download ends pip and leaves nothing half', async () => {
    const library = freshLibrary()
    index.holds = true
    const stop = new AbortController()
    const told: Told[] = []
    const added = addTiny(tiny, library, { signal: stop.signal, told })
    await vi.waitUntil(() => told.some(({ done }) => done > 0), { timeout: 60_000 })
    expect(index.held.size).toBe(1)
    stop.abort()
    expect(problemOf(await added).code).toBe('proof.cancelled')
    await vi.waitUntil(() => index.held.size === 0, { timeout: 60_000 })
    expect(hasEngine(library)).toBe(false)
    expect(leftovers(library)).toEqual(['onnx-cuda-tiny'])
    index.holds = false
    unwrap(await addTiny(tiny, library))
    expect(leftovers(library)).toEqual([])
  })

  it('added by two at once is busy for the second', async () => {
    const library = freshLibrary()
    index.holds = true
    const stop = new AbortController()
    const first = addTiny(tiny, library, { signal: stop.signal })
    await vi.waitUntil(() => index.held.size === 1, { timeout: 60_000 })
    expect(problemOf(await addTiny(tiny, library))).toMatchObject({ code: 'engine.busy' })
    stop.abort()
    await first
    index.holds = false
    unwrap(await addTiny(tiny, library))
  })

  it('that fails its self-test is not kept, and the whole file waits for the next try', async () => {
    const library = freshLibrary()
    const broken: Problem = { code: 'engine.damaged', message: 'It died.', where: 'x', remedy: 'y' }
    const selfTest = async (): Promise<Result<string | null>> => ({ ok: false, problem: broken })
    expect(problemOf(await addTiny(tiny, library, { selfTest }))).toEqual(broken)
    expect(hasEngine(library)).toBe(false)
    expect(leftovers(library)).toEqual(['onnx-cuda-tiny', join('onnx-cuda-tiny', tinyWheelName)])
    const before = index.asked.length
    unwrap(await addTiny(tiny, library))
    expect(index.asked.length).toBe(before)
  })
})

describe('a file brought by hand', () => {
  it('needs no network, and stays where it is', async () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    unwrap(await addTiny(tiny, library, { files: [file] }))
    expect(index.asked).toEqual([])
    expect(readFileSync(file).equals(tiny.wheel)).toBe(true)
    expect(leftovers(library)).toEqual([])
  })

  it('of other content is refused by its hash, whatever its name', async () => {
    const library = freshLibrary()
    const file = join(library.home, tinyWheelName)
    writeFileSync(file, makeTinyEngine().wheel)
    expect(problemOf(await addTiny(tiny, library, { files: [file] }))).toMatchObject({
      code: 'download.hash-mismatch',
      where: file,
    })
    expect(hasEngine(library)).toBe(false)
  })

  it('that is one of several is not enough', async () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    const other = {
      ...tiny.pack.wheels[0]!,
      wheel: { name: 'other.whl', sizeBytes: 1, sha256: 'f'.repeat(64) },
    }
    const two = { ...tiny, pack: { ...tiny.pack, wheels: [...tiny.pack.wheels, other] } }
    expect(problemOf(await addTiny(two, library, { files: [file] }))).toMatchObject({
      code: 'file.missing',
      where: 'other.whl',
    })
  })
})

describe('an engine that is there', () => {
  const added = async () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    unwrap(await addTiny(tiny, library, { files: [file] }))
    return { library, file, folder: placesIn(library).folder }
  }

  it('with a file cut is damaged in a sentence, and is whole when it was added again', async () => {
    const { library, file, folder } = await added()
    writeFileSync(join(folder, 'cuda/libtiny.so'), 'cut')
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({
      code: 'engine.damaged',
      message: expect.stringMatching(/cuda\/libtiny\.so has 3 bytes instead of 2000000/),
      remedy: expect.stringContaining('tunewright engines add onnx-cuda'),
    })
    unwrap(await addTiny(tiny, library, { files: [file] }))
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(readdirSync(library.enginesFolder)).toEqual(['onnx-cuda'])
  })

  it('with a bit turned is found by reading every byte', async () => {
    const { folder } = await added()
    const path = join(folder, 'cuda/libtiny.so')
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    expect(await engineDamage(folder, tiny.pack)).toBe(null)
    expect(await engineDamageByHash(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
    // From then on the list knows it, until it is found whole again.
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({
      message: expect.stringContaining('Reading every byte found other content'),
    })
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(await engineDamage(folder, tiny.pack)).toBe(null)
  })

  it('with a bit turned is replaced by adding it again, which reads every byte', async () => {
    const { library, file, folder } = await added()
    const path = join(folder, 'cuda/libtiny.so')
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(77) ^ 4, 77)
    writeFileSync(path, bytes)
    const told: Told[] = []
    unwrap(await addTiny(tiny, library, { files: [file], told }))
    expect(told.find(({ done }) => done > 0)?.phase).toBe('Checking ONNX Runtime for NVIDIA cards')
    expect(told.some(({ phase }) => phase.startsWith('Unpacking'))).toBe(true)
    expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
    expect(readdirSync(library.enginesFolder)).toEqual(['onnx-cuda'])
  })

  const listOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  const oneFile = { sizeBytes: 0, sha256: '0'.repeat(64) }
  it.each<[string, (list: ReturnType<typeof listOf>) => unknown, RegExp]>([
    ['no files', (list) => ({ ...list, files: {} }), /cuda\/libtiny\.so is not in its list/],
    ['another engine', (list) => ({ ...list, id: 'tensorflow' }), /is that of tensorflow/],
    [
      'other sizes than published',
      (list) => ({
        ...list,
        files: { ...list.files, 'cuda/libtiny.so': { ...list.files['cuda/libtiny.so'], sizeBytes: 1 } },
      }),
      /listed with 1 bytes; it was published with 2000000/,
    ],
    ...['../x', 'cuda/../../x', '/etc/hostname', 'cuda//x', 'C:\\x'].map(
      (name): [string, (list: ReturnType<typeof listOf>) => unknown, RegExp] => [
        `a place outside: ${name}`,
        (list) => ({ ...list, files: { ...list.files, [name]: oneFile } }),
        /which is none of its files/,
      ],
    ),
  ])('whose list says %s is damaged', async (_, change, words) => {
    const { folder } = await added()
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(change(listOf(folder))))
    const damage = await engineDamage(folder, tiny.pack)
    expect(damage).toMatchObject({ code: 'engine.damaged', message: expect.stringMatching(words) })
    expect(await engineDamageByHash(folder, tiny.pack)).toEqual(damage)
  })

  it.skipIf(process.platform === 'win32')(
    'whose list is a pipe, a link or endless is damaged, and nobody waits for it',
    async () => {
      const { folder } = await added()
      const list = join(folder, 'manifest.json')
      renameSync(list, join(folder, 'elsewhere.json'))
      symlinkSync('elsewhere.json', list)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
      rmSync(list)
      execFileSync('mkfifo', [list])
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
      rmSync(list)
      renameSync(join(folder, 'elsewhere.json'), list)
      expect(await engineDamage(folder, tiny.pack)).toBe(null)
      truncateSync(list, 8_000_000_000)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
    },
  )

  it.skipIf(process.platform === 'win32')(
    'that is a link is damaged; only the link goes, and nothing is freed',
    async () => {
      const { library, file, folder } = await added()
      const elsewhere = join(library.home, 'elsewhere')
      renameSync(folder, elsewhere)
      symlinkSync(elsewhere, folder)
      expect(await engineDamage(folder, tiny.pack)).toMatchObject({
        message: expect.stringContaining('It is a link, not a folder of ours.'),
      })
      expect(unwrap(await removeEngine(library, 'onnx-cuda'))).toEqual({ freedBytes: 0, wasLink: true })
      expect(hasEngine(library)).toBe(false)
      symlinkSync(elsewhere, folder)
      unwrap(await addTiny(tiny, library, { files: [file] }))
      expect(lstatSync(folder).isDirectory()).toBe(true)
      expect(await engineDamageByHash(elsewhere, tiny.pack)).toBe(null)
    },
  )

  it('of another version or without its list is damaged', async () => {
    const { folder } = await added()
    expect(await engineDamage(folder, { ...tiny.pack, version: '9' })).toMatchObject({
      message: expect.stringContaining('of version 1.30.0; this program uses 9'),
    })
    writeFileSync(join(folder, 'manifest.json'), '{')
    expect(await engineDamage(folder, tiny.pack)).toMatchObject({ code: 'engine.damaged' })
  })

  it('that is damaged and in use is not replaced under its user', async () => {
    const { library, file, folder } = await added()
    writeFileSync(join(folder, 'cuda/libtiny.so'), 'cut')
    const inUse: Problem = { code: 'run.active', message: 'm', where: 'w', remedy: 'r' }
    const requireAtRest = () => {
      throw new ProblemError(inUse)
    }
    expect(problemOf(await addTiny(tiny, library, { files: [file], requireAtRest }))).toEqual(inUse)
    expect(existsSync(folder)).toBe(true)
    await discardFolder(folder)
    expect(readdirSync(library.enginesFolder)).toEqual([])
  })
})
