// kill -9 while an engine is added or removed: there is either no engine or a whole one, what is left is swept, and the
// next addition succeeds. Real processes, real pip, a real index on this computer.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { removeEngine, sweepEngines } from '#core/engines/engine-library.ts'
import { engineDamage, engineDamageByHash } from '#core/engines/engine-manifest.ts'
import type { Library } from '#core/system/library.ts'
import { unwrap } from '#shared/result.ts'
import { serveTiny } from '../core/engines/serve-tiny.ts'
import {
  addTiny,
  freshLibrary,
  hasEngine,
  leftovers,
  makeTinyEngine,
  placesIn,
  removeHomes,
} from '../core/engines/tiny-engine.ts'
import { faultKinds, withFault } from './fault-files.ts'

// pip takes seconds on a busy machine.
vi.setConfig({ testTimeout: 300_000 })

const root = join(import.meta.dirname, '../..')
const tiny = makeTinyEngine(400_000)
const served = serveTiny(tiny)
afterAll(removeHomes)

function startAdding(library: Library, where: string): { child: ChildProcess; heard: () => string } {
  const packFile = join(library.home, 'pack.json')
  writeFileSync(packFile, JSON.stringify(tiny.pack))
  const script = join(root, 'tests/core/engines/add-until.ts')
  const node = join(root, 'node_modules/.bin/node')
  const child = spawn(node, [script, library.home, packFile, served.index.url, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let heard = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  return { child, heard: () => heard }
}

async function killWhere(library: Library, where: string, isThere?: () => boolean): Promise<void> {
  const { child, heard } = startAdding(library, where)
  const ended = new Promise((resolve) => child.once('close', resolve))
  await vi.waitUntil(() => (isThere ? isThere() : heard().includes(where)), { timeout: 120_000 })
  child.kill('SIGKILL')
  await ended
  expect(heard()).not.toContain('ended')
}

describe.skipIf(process.platform === 'win32')('killed', () => {
  it('in the middle of the download it is begun again', async () => {
    const library = freshLibrary()
    served.index.holds = true
    // pip is a process of its own, which the kill does not reach; it waits for the rest of the file.
    await killWhere(library, 'nowhere', () => served.index.held.size === 1)
    expect(hasEngine(library)).toBe(false)
    served.index.holds = false
    unwrap(await addTiny(tiny, library))
    expect(await engineDamageByHash(placesIn(library).folder, tiny.pack)).toBe(null)
    for (const response of served.index.held) response.destroy()
    expect(leftovers(library)).toEqual([])
  })

  it.each(['Unpacking', 'Connecting', 'Trying', 'Keeping'])(
    'at “%s” no engine is there, what is left is swept, and the file is not fetched twice',
    async (where) => {
      const library = freshLibrary()
      await killWhere(library, where)
      expect(hasEngine(library)).toBe(false)
      expect(readdirSync(library.enginesFolder)).toHaveLength(1)
      expect(await sweepEngines(library)).toHaveLength(1)
      const before = served.index.asked.length
      unwrap(await addTiny(tiny, library))
      expect(served.index.asked.length).toBe(before)
      expect(await engineDamageByHash(placesIn(library).folder, tiny.pack)).toBe(null)
      expect(leftovers(library)).toEqual([])
    },
  )
})

/** As after a real death: the marks of this process, which lives on, are those of one that is gone. */
function dieInName({ enginesFolder, cacheFolder }: Library): void {
  for (const folder of [enginesFolder, cacheFolder])
    for (const name of readdirSync(folder, { recursive: true }).map(String))
      if (name.endsWith('owner.json')) writeFileSync(join(folder, name), JSON.stringify({ pid: 2 ** 22 - 1 }))
}

/** Each takes a whole addition: the short run fails some of the operations. */
const stride = process.env.TUNEWRIGHT_LONG ? 1 : 7
const removalStride = process.env.TUNEWRIGHT_LONG ? 1 : 3

describe('with each file operation failing, kinds in turn', () => {
  const withFile = () => {
    const library = freshLibrary()
    const file = join(library.home, 'brought.whl')
    writeFileSync(file, tiny.wheel)
    return { library, add: () => addTiny(tiny, library, { files: [file] }) }
  }

  it('an addition ends in a whole engine or in one Problem and none, and the next one succeeds', async () => {
    const counted = withFile()
    const { operations } = await withFault(counted.library.home, { at: 0, kind: 'EIO' }, counted.add)
    expect(operations.length).toBeGreaterThan(20)
    for (let at = 1; at <= operations.length; at += stride) {
      const kind = faultKinds[Math.floor(at / stride) % faultKinds.length]!
      const { library, add } = withFile()
      const { result } = await withFault(library.home, { at, kind }, add)
      if (result.status === 'rejected') throw result.reason
      const { folder } = placesIn(library)
      if (hasEngine(library)) expect(await engineDamage(folder, tiny.pack), `${kind} at ${at}`).toBe(null)
      if (result.value.ok) expect(hasEngine(library)).toBe(true)
      else expect(result.value.problem.code).toMatch(/^(disk\.|file\.|download\.hash|engine\.busy)/)
      if (kind === 'ENOSPC' && !result.value.ok) expect(result.value.problem.remedy).not.toBe('')
      dieInName(library)
      await sweepEngines(library)
      unwrap(await add())
      expect(await engineDamageByHash(folder, tiny.pack)).toBe(null)
      removeHomes()
    }
  })

  it('a removal leaves a whole engine or none', async () => {
    const counted = withFile()
    unwrap(await counted.add())
    const remove = (library: Library) => () => removeEngine(library, 'onnx-cuda')
    const watched = counted.library.enginesFolder
    const { operations } = await withFault(watched, { at: 0, kind: 'EIO' }, remove(counted.library))
    expect(hasEngine(counted.library)).toBe(false)
    expect(readFileSync(join(counted.library.home, 'brought.whl')).length).toBe(tiny.wheel.length)
    for (let at = 1; at <= operations.length; at += removalStride) {
      const { library, add } = withFile()
      unwrap(await add())
      const { result } = await withFault(library.enginesFolder, { at, kind: 'dead' }, remove(library))
      if (result.status === 'rejected') throw result.reason
      if (hasEngine(library)) expect(await engineDamageByHash(placesIn(library).folder, tiny.pack)).toBe(null)
      removeHomes()
    }
  })
})
