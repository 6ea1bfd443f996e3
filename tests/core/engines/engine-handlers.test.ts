// Engines through the contract: what is offered where, fetched only where a person allowed it, removed only at rest.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { whileMeasuring } from '#core/devices/measuring-lock.ts'
import { listEngines } from '#core/engines/engine-library.ts'
import { enginePack } from '#core/engines/engine-packs.ts'
import { requireEngineAtRest } from '#core/engines/engine-use.ts'
import { createJobBoard } from '#core/system/jobs.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { attemptAsync, ok, unwrap } from '#shared/result.ts'
import { addSampleLibrary } from '../../journal/support/sample.ts'
import { fillEngineFolder } from '../../support/engine-folder.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { freshLibrary, removeHomes, useIndex } from './tiny-engine.ts'

// pip takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 })
afterAll(removeHomes)

const isOffered = process.platform === 'linux' && process.arch === 'x64'

describe('what there is', () => {
  test('is said for other systems in a sentence with what is done there instead', async () => {
    for (const system of ['darwin arm64', 'win32 x64', 'linux arm64'])
      for (const engine of await listEngines(freshLibrary(), system)) {
        expect(engine.status).toBe('not-offered')
        expect(engine.problem).toMatchObject({ code: 'engine.not-offered', where: engine.id })
        expect(engine.problem?.message).toContain(
          `not offered for this system (${system}); it is for linux x64`,
        )
        expect(engine.problem?.remedy).toContain('runs are computed on the processor')
      }
  })

  test('has sizes that a person can plan with, and licences', async () => {
    const engines = await listEngines(freshLibrary(), 'linux x64')
    const sizes = engines.map(({ id, downloadBytes, diskBytes }) => [id, downloadBytes, diskBytes])
    // As they were downloaded and lay on the disk on 2026-11-30.
    expect(sizes).toEqual([
      ['tensorflow', 274_000_871, 853_861_458],
      ['tensorflow-cuda', 2_819_068_676, 4_453_042_546],
      ['onnx-cuda', 1_287_410_594, 1_973_075_185],
    ])
    for (const { licences, purpose } of engines) {
      expect(licences.length).toBeGreaterThan(0)
      expect(purpose).toMatch(/^Trains on .*\.$/)
    }
  })

  test('is listed as here, damaged or absent', async () => {
    const { api, home } = await openWorkstation()
    const statuses = async () =>
      unwrap(await api.call('engines.list', {})).engines.map(({ status }) => status)
    const none = isOffered ? 'absent' : 'not-offered'
    expect(await statuses()).toEqual([none, none, none])
    const folder = join(home, 'engines', 'tensorflow')
    mkdirSync(folder)
    writeFileSync(join(folder, 'a.so'), 'abc')
    if (!isOffered) return
    expect(await statuses()).toEqual(['damaged', 'absent', 'absent'])
    await fillEngineFolder(folder, enginePack('tensorflow'))
    expect(await statuses()).toEqual(['installed', 'absent', 'absent'])
    const removed = unwrap(await api.call('engines.remove', { engineId: 'tensorflow' }))
    expect(removed.freedBytes).toBeGreaterThan(3)
    expect(await statuses()).toEqual(['absent', 'absent', 'absent'])
  })
})

describe.skipIf(!isOffered)('adding', () => {
  test('where downloads are off starts nothing and says what to do', async () => {
    const { api } = await openWorkstation()
    const started = await api.call('engines.add', { engineId: 'tensorflow' })
    expect(started).toMatchObject({
      ok: false,
      problem: { code: 'network.off', remedy: expect.stringContaining('Allow downloads in the settings') },
    })
    expect(unwrap(await api.call('system.network', {})).connections).toBe(0)
  })

  test('where the index cannot be reached fails in a sentence, is counted, and the program goes on', async () => {
    const forgetIndex = useIndex('http://127.0.0.1:9/simple')
    try {
      const { api, ended } = await openWorkstation()
      unwrap(await api.call('settings.set', { allowsDownloads: true }))
      const { jobId } = unwrap(await api.call('engines.add', { engineId: 'tensorflow' }))
      expect(unwrap(await api.call('engines.add', { engineId: 'tensorflow' }))).toEqual({ jobId })
      const busy = await api.call('engines.remove', { engineId: 'tensorflow' })
      expect(busy).toMatchObject({ ok: false, problem: { code: 'engine.busy' } })
      expect(await ended(jobId)).toMatchObject({
        kind: 'engine',
        title: 'TensorFlow',
        status: 'failed',
        problem: { code: 'download.unreachable', where: 'tensorflow-cpu' },
      })
      expect(unwrap(await api.call('system.network', {}))).toMatchObject({
        connections: 1,
        last: { purpose: 'TensorFlow' },
      })
      expect(unwrap(await api.call('engines.list', {})).engines[0]?.status).toBe('absent')
    } finally {
      forgetIndex()
    }
  })
})

describe('removing', () => {
  test('what is not here is said', async () => {
    const { api } = await openWorkstation()
    expect(await api.call('engines.remove', { engineId: 'onnx-cuda' })).toMatchObject({
      ok: false,
      problem: {
        code: 'engine.missing',
        remedy: expect.stringContaining('tunewright engines add onnx-cuda'),
      },
    })
  })

  const journal = () => {
    const library = freshLibrary()
    const { journalPath } = library
    const writer = unwrap(openJournalWriter(journalPath))
    return {
      writer,
      library,
      reader: unwrap(openJournalReader(journalPath)),
      newRun: addSampleLibrary(writer),
    }
  }

  test.each([
    ['tensorflow-cpu', 'run.active'],
    // It goes on on the next best device where its own fails.
    ['onnx-webgpu', 'run.active'],
    ['cpu', null],
  ] as const)('is refused while a run on %s is under way', async (device, expected) => {
    const { writer, library, reader, newRun } = journal()
    unwrap(writer.createRun({ ...newRun, recipe: { ...newRun.recipe, device } }))
    const asked = await attemptAsync(() => requireEngineAtRest({ reader, library }, 'tensorflow'))
    expect(asked.ok ? null : asked.problem.code).toBe(expected)
    if (!asked.ok) expect(asked.problem.message).toContain(`The run “${newRun.name}” is under way`)
    reader.close()
    unwrap(writer.close())
  })

  test('is refused while this computer is measured', async () => {
    const { writer, library, reader } = journal()
    const jobs = createJobBoard(() => {})
    const stop = Promise.withResolvers<void>()
    jobs.start({ kind: 'speed', title: 'Speed of this computer' }, async () => {
      await stop.promise
      return ok(undefined)
    })
    const ask = () => attemptAsync(() => requireEngineAtRest({ reader, library, jobs }, 'tensorflow'))
    const asked = await ask()
    expect(asked).toMatchObject({ ok: false, problem: { code: 'engine.busy' } })
    stop.resolve()
    await jobs.close()
    unwrap(await ask())
    reader.close()
    unwrap(writer.close())
  })

  test('is refused while another program measures', async () => {
    const { api, workstation, home } = await openWorkstation()
    await fillEngineFolder(join(home, 'engines', 'onnx-cuda'), enginePack('onnx-cuda'))
    const remove = () => api.call('engines.remove', { engineId: 'onnx-cuda' })
    // The lock is a folder of the library, whichever process took it.
    await whileMeasuring(workstation.library, async () => {
      expect(await remove()).toMatchObject({ ok: false, problem: { code: 'engine.busy' } })
    })
    expect((await remove()).ok).toBe(true)
  })
})
