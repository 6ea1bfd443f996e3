// Carrying the journal out and bringing one in through the contract, as a screen asks for it; killed while it does.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { exportJournal } from '#core/archive/export-journal.ts'
import { exportPlace } from '#core/export/export-place.ts'
import { openLibrary } from '#core/system/library.ts'
import { requireTunedUnchanged } from '#core/training/tuned-version.ts'
import { openJournalReader } from '#journal/reader.ts'
import { uploadPieceBytes } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { startChild } from '../../journal/support/child.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { good } from '../../journal/support/sample.ts'
import { randomFrom } from '../../support/seeded.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'
import { otherJournal } from './other-journal.ts'
import { openRealLibrary, quietly, type RealLibrary } from './real-library.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const kills = process.env.TUNEWRIGHT_LONG ? 12 : 4

let real: RealLibrary
let bundle: string
beforeAll(async () => {
  real = await openRealLibrary()
  const request = { form: 'bundle', runIds: [real.trained], withRows: true } as const
  bundle = unwrap(await exportJournal(request, real, quietly)).place
})
afterAll(() => real.close())

test('a picked journal comes in, is carried out again as a job, listed and found', async () => {
  const { api, picked, ended, workstation } = await openWorkstation()
  const other = otherJournal()
  picked.set('handle', other.path)
  const changed: unknown[] = []
  const phases = new Set<string>()
  api.on('experiments.changed', (payload) => changed.push(payload))
  api.on('job.changed', ({ phase }) => phases.add(phase))
  const importing = unwrap(await api.call('journal.import', { handle: 'handle' }))
  expect(unwrap(await api.call('journal.imported', importing)).report).toBeNull()
  expect(await ended(importing.jobId)).toMatchObject({ kind: 'journal', status: 'done', problem: null })
  expect(unwrap(await api.call('journal.imported', importing)).report).toMatchObject({
    ...{ projects: 2, runs: 8, studies: 1, refused: [] },
  })
  expect(changed).toEqual([{ runId: null }])
  expect(phases).toContain('Checking every entry')
  expect(await api.call('journal.import', { handle: 'nobody' })).toMatchObject({
    problem: { code: 'file.missing' },
  })

  const { jobId } = unwrap(await api.call('journal.export', { form: 'jsonl', runIds: null }))
  expect(await ended(jobId)).toMatchObject({ kind: 'journal', status: 'done', problem: null })
  const { exports } = unwrap(await api.call('journal.exports', {}))
  expect(exports).toMatchObject([{ form: 'jsonl', name: 'Journal as JSON lines', bytes: expect.any(Number) }])
  expect(exportPlace(workstation.library, exports[0]!.name)).toBe(exports[0]!.place)
  const lines = readFileSync(join(exports[0]!.place, 'runs.jsonl'), 'utf8').trim().split('\n')
  expect(lines).toHaveLength(8)
  expect(await api.call('journal.export', { form: 'pdf' as 'jsonl', runIds: null })).toMatchObject({
    problem: { code: 'contract.invalid-input' },
  })
})

test('one import at a time; stopped, it leaves nothing and the next one comes in', async () => {
  const { api, picked, ended, workstation } = await openWorkstation()
  picked.set('handle', otherJournal({ runs: 30 }).path)
  const first = unwrap(await api.call('journal.import', { handle: 'handle' }))
  expect(await api.call('journal.import', { handle: 'handle' })).toMatchObject({
    problem: { code: 'journal.busy' },
  })
  unwrap(await api.call('jobs.cancel', first))
  expect(await ended(first.jobId)).toMatchObject({ status: 'cancelled' })
  expect(unwrap(await api.call('journal.imported', first)).report).toBeNull()
  expect(unwrap(await api.call('experiments.facets', {}))).toMatchObject({ runs: 0, trials: 0, projects: [] })
  expect(readdirSync(workstation.library.cacheFolder)).toEqual([])
  const second = unwrap(await api.call('journal.import', { handle: 'handle' }))
  expect(await ended(second.jobId)).toMatchObject({ status: 'done' })
  expect(unwrap(await api.call('journal.imported', second)).report).toMatchObject({ runs: 32 })
})

test('a bundle that a page sent in pieces comes in, and what was sent is thrown away', async () => {
  const { api, ended, workstation } = await openWorkstation()
  const bytes = readFileSync(bundle)
  const file = { purpose: { kind: 'journal' }, name: basename(bundle), sizeBytes: bytes.length } as const
  const { uploadId } = unwrap(await api.call('upload.begin', file))
  for (let offset = 0; offset < bytes.length; offset += uploadPieceBytes) {
    const base64 = bytes.subarray(offset, offset + uploadPieceBytes).toString('base64')
    unwrap(await api.call('upload.piece', { uploadId, offset, base64 }))
  }
  unwrap(await api.call('upload.finish', { uploadId }))
  const { jobId } = unwrap(await api.call('journal.import', { handle: uploadId }))
  expect(await ended(jobId)).toMatchObject({ status: 'done' })
  const { report } = unwrap(await api.call('journal.imported', { jobId }))
  expect(report).toMatchObject({ runs: 1, refused: [] })
  expect(unwrap(await api.call('training.get', { runId: real.trained })).hasAdapter).toBe(true)
  expect(readdirSync(workstation.library.cacheFolder)).toEqual([])
  expect(await api.call('journal.import', { handle: uploadId })).toMatchObject({
    problem: { code: 'file.missing' },
  })
})

test('a bundle carried out through the contract is found as a file', async () => {
  const { api, picked, ended, workstation } = await openWorkstation()
  picked.set('bundle', bundle)
  await ended(unwrap(await api.call('journal.import', { handle: 'bundle' })).jobId)
  const call = { form: 'bundle' as const, runIds: [real.trained], withRows: false }
  const { jobId } = unwrap(await api.call('journal.export', call))
  expect(await ended(jobId)).toMatchObject({ status: 'done' })
  const { exports } = unwrap(await api.call('journal.exports', {}))
  expect(exports).toMatchObject([{ form: 'bundle', name: expect.stringMatching(/\.tunewright$/) }])
  expect(exportPlace(workstation.library, exports[0]!.name)).toBe(exports[0]!.place)
  const none = unwrap(await api.call('journal.export', { form: 'bundle', runIds: null }))
  expect(await ended(none.jobId)).toMatchObject({ status: 'failed', problem: { code: 'export.failed' } })
})

test('kills while a bundle comes in leave the whole run or nothing of it in the list', async () => {
  const random = randomFrom(5)
  let whole = 0
  for (let kill = 0; kill < kills; kill += 1) {
    const home = join(temporaryFolder(), 'library')
    const script = '../../core/archive/importer.ts'
    const child = startChild(script, [home, bundle])
    await child.untilLine(1 + (kill % 4))
    await wait(random() * 60)
    child.process.kill('SIGKILL')
    expect((await child.gone).errors).toBe('')
    const library = openLibrary(home)
    const reader = openJournalReader(library.journalPath)
    const runs = reader.ok ? good(reader.value.listRuns()).runs : []
    if (reader.ok && runs.length > 0) {
      whole += 1
      expect(await requireTunedUnchanged(library, reader.value, real.trained)).toMatchObject({ ok: true })
      expect(good(reader.value.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    }
    if (reader.ok) reader.value.close()
    expect((await startChild(script, [home, bundle]).gone).lines.at(-1)).toBe('done')
    const after = good(openJournalReader(library.journalPath))
    expect(good(after.listRuns()).total).toBe(1)
    expect(await requireTunedUnchanged(library, after, real.trained)).toMatchObject({ ok: true })
    after.close()
  }
  expect(whole).toBeLessThan(kills)
})
