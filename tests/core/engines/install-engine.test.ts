// How an engine comes: real pip, a real index on this computer, real files; only the engine is tiny and its self-test ours.
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { bindingResource } from '#core/engines/beside-parts.ts'
import { engineDamageByHash } from '#core/engines/engine-manifest.ts'
import { ok, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import { serveTiny } from './serve-tiny.ts'
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
} from './tiny-engine.ts'

// pip takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const tiny = makeTinyEngine()
const served = serveTiny(tiny)
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
    const before = served.index.asked.length
    const openNetwork = () => {
      throw new Error('the network was opened')
    }
    unwrap(await addTiny(tiny, library, { openNetwork }))
    expect(served.index.asked.length).toBe(before)
  })

  it('with other bytes than published is refused in a sentence, and comes when the index is right again', async () => {
    const library = freshLibrary()
    served.index.files.set(tinyWheelName, makeTinyEngine().wheel)
    const problem = problemOf(await addTiny(tiny, library))
    expect(problem).toMatchObject({ code: 'download.hash-mismatch', where: tinyWheelName })
    expect(problem.remedy).toContain(`tunewright engines add onnx-cuda --file`)
    expect(hasEngine(library)).toBe(false)
    serve(served.index, tiny)
    unwrap(await addTiny(tiny, library))
    expect(leftovers(library)).toEqual([])
  })

  it('that cannot be reached is one Problem with what helps', async () => {
    const library = freshLibrary()
    await served.index.close()
    const problem = problemOf(await addTiny(tiny, library))
    expect(problem.code).toBe('download.unreachable')
    expect(problem.remedy).toMatch(/Connect this computer to the internet.*--file/)
    expect(hasEngine(library)).toBe(false)
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
        expect(served.index.asked).toEqual([])
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
    expect(served.index.asked).toEqual([])
  })

  it('stopped in the middle of the download ends pip and leaves nothing half', async () => {
    const library = freshLibrary()
    served.index.holds = true
    const stop = new AbortController()
    const told: Told[] = []
    const added = addTiny(tiny, library, { signal: stop.signal, told })
    await vi.waitUntil(() => told.some(({ done }) => done > 0), { timeout: 60_000 })
    expect(served.index.held.size).toBe(1)
    stop.abort()
    expect(problemOf(await added).code).toBe('proof.cancelled')
    await vi.waitUntil(() => served.index.held.size === 0, { timeout: 60_000 })
    expect(hasEngine(library)).toBe(false)
    expect(leftovers(library)).toEqual(['onnx-cuda-tiny'])
    served.index.holds = false
    unwrap(await addTiny(tiny, library))
    expect(leftovers(library)).toEqual([])
  })

  it('added by two at once is busy for the second', async () => {
    const library = freshLibrary()
    served.index.holds = true
    const stop = new AbortController()
    const first = addTiny(tiny, library, { signal: stop.signal })
    await vi.waitUntil(() => served.index.held.size === 1, { timeout: 60_000 })
    expect(problemOf(await addTiny(tiny, library))).toMatchObject({ code: 'engine.busy' })
    stop.abort()
    await first
    served.index.holds = false
    unwrap(await addTiny(tiny, library))
  })

  it('that fails its self-test is not kept, and the whole file waits for the next try', async () => {
    const library = freshLibrary()
    const broken: Problem = { code: 'engine.damaged', message: 'It died.', where: 'x', remedy: 'y' }
    const selfTest = async (): Promise<Result<string | null>> => ({ ok: false, problem: broken })
    expect(problemOf(await addTiny(tiny, library, { selfTest }))).toEqual(broken)
    expect(hasEngine(library)).toBe(false)
    expect(leftovers(library)).toEqual(['onnx-cuda-tiny', join('onnx-cuda-tiny', tinyWheelName)])
    const before = served.index.asked.length
    unwrap(await addTiny(tiny, library))
    expect(served.index.asked.length).toBe(before)
  })
})

describe('a file brought by hand', () => {
  it('needs no network, and stays where it is', async () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    unwrap(await addTiny(tiny, library, { files: [file] }))
    expect(served.index.asked).toEqual([])
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
