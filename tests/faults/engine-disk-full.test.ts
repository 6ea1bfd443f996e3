// A disk that really is full while an engine is added: a small tmpfs holds the library. Needs root on Linux.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { engineDamageByHash } from '#core/engines/engine-manifest.ts'
import type { Library } from '#core/system/library.ts'
import { type Problem, type Result, unwrap } from '#shared/result.ts'
import { serveTiny } from '../core/engines/serve-tiny.ts'
import {
  addTiny,
  freshLibrary,
  hasEngine,
  leftovers,
  makeTinyEngine,
  placesIn,
  type TinyEngine,
} from '../core/engines/tiny-engine.ts'

// pip takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const diskBytes = 120_000_000
const mount = (folder: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder], { stdio: 'ignore' })

/** Mounts are allowed to root, but not in every container. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const probe = mkdtempSync(join(tmpdir(), 'tunewright-mount-probe-'))
  try {
    mount(probe)
    execFileSync('umount', [probe])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(probe)
  }
}
const isPossible = canMount()
if (!isPossible) console.info('Skipped: a disk that fills up needs root on Linux, to mount a small one.')

describe.skipIf(!isPossible)('a full disk', () => {
  const tiny = makeTinyEngine(6_000_000)
  const mounted: string[] = []
  const served = serveTiny(tiny)
  afterAll(() => {
    for (const folder of mounted) {
      execFileSync('umount', ['--lazy', folder])
      rmdirSync(folder)
    }
  })

  function libraryWith(freeBytes: number): { library: Library; freeTheDisk: () => void } {
    const folder = mkdtempSync(join(tmpdir(), 'tunewright-full-disk-'))
    mount(folder)
    mounted.push(folder)
    const library = freshLibrary(folder)
    const filler = join(folder, 'other-files')
    writeFileSync(filler, new Uint8Array(diskBytes - freeBytes))
    return { library, freeTheDisk: () => rmSync(filler) }
  }
  const problemOf = (result: Result<unknown>): Problem => {
    if (result.ok) throw new Error('it was added')
    return result.problem
  }

  /** As if its table said less than is true: what is asked before is then not enough. */
  const saysLess: TinyEngine = {
    ...tiny,
    pack: {
      ...tiny.pack,
      besideBytes: 0,
      wheels: tiny.pack.wheels.map((wheel) => ({
        ...wheel,
        wheel: { ...wheel.wheel, sizeBytes: 1 },
        members: [],
      })),
    },
  }

  it('is found before anything is fetched, with what must be freed', async () => {
    const { library, freeTheDisk } = libraryWith(30_000_000)
    const problem = problemOf(await addTiny(tiny, library))
    expect(problem.code).toBe('disk.full')
    expect(problem.message).toMatch(/needs 64\.\d MB, free is \d+\.\d MB/)
    expect(problem.remedy).toMatch(/Free at least \d+\.\d MB on this disk/)
    expect(served.index.asked).toEqual([])
    freeTheDisk()
    unwrap(await addTiny(tiny, library))
    expect(leftovers(library)).toEqual([])
  })

  it('in the middle of the download is said as that, not as an index that cannot be reached', async () => {
    const { library, freeTheDisk } = libraryWith(4_000_000)
    expect(problemOf(await addTiny(saysLess, library))).toMatchObject({
      code: 'disk.full',
      remedy: expect.stringContaining('Free some space on this disk'),
    })
    expect(hasEngine(library)).toBe(false)
    freeTheDisk()
    unwrap(await addTiny(tiny, library))
    expect(await engineDamageByHash(placesIn(library).folder, tiny.pack)).toBe(null)
  })

  it('in the middle of unpacking leaves no engine, and the file is not fetched twice', async () => {
    const { library, freeTheDisk } = libraryWith(20_000_000)
    expect(problemOf(await addTiny(saysLess, library)).code).toBe('disk.full')
    expect(hasEngine(library)).toBe(false)
    const before = served.index.asked.length
    expect(before).toBe(1)
    freeTheDisk()
    unwrap(await addTiny(tiny, library))
    expect(served.index.asked.length).toBe(before)
    expect(leftovers(library)).toEqual([])
  })
})
