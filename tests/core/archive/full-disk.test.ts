// A disk that is too small for what is carried out or brought in: said, nothing half there, and it goes on once there is space.
// Needs a small file system of its own; skipped where this process may not mount one.
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { exportJournal } from '#core/archive/export-journal.ts'
import { importJournal } from '#core/archive/import-journal.ts'
import { openLibrary } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { good } from '../../journal/support/sample.ts'
import { smallDisk } from '../../support/small-disk.ts'
import { otherJournal } from './other-journal.ts'
import { quietly } from './real-library.ts'

vi.setConfig({ testTimeout: 120_000 })

const disk = smallDisk('6m', 'full-disk tests')
const ballast = join(disk.folder, 'ballast')

describe.skipIf(!disk.canMount)('on a disk of 6 MB', () => {
  test('every form ends with "disk full", leaves nothing, and is made once there is space', async () => {
    const { path } = otherJournal({ runs: 8, events: 400 })
    const library = openLibrary(join(temporaryFolder(), 'library'))
    const writer = good(openJournalWriter(library.journalPath))
    good(await importJournal(path, { library, writer }, quietly))
    const reader = good(openJournalReader(library.journalPath))
    const runIds = good(reader.listRuns()).runs.map(({ id }) => id)
    const folder = join(disk.folder, 'exports')
    for (const form of ['jsonl', 'parquet', 'tensorboard', 'mlflow', 'bundle'] as const) {
      const request = { form, runIds, withRows: true, folder }
      // At once, and in the middle of a file.
      for (const freeBytes of [0, 40 * 1024]) {
        disk.fill()
        truncateSync(ballast, statSync(ballast).size - freeBytes)
        const result = await exportJournal(request, { library, reader }, quietly)
        const problem = { code: 'disk.full', where: folder, remedy: expect.stringContaining('another disk') }
        expect(result, form).toMatchObject({ ok: false, problem })
        disk.free()
        expect(readdirSync(disk.folder, { recursive: true }).filter((name) => name !== 'exports')).toEqual([])
      }
      expect(await exportJournal(request, { library, reader }, quietly), form).toMatchObject({ ok: true })
      rmSync(folder, { recursive: true })
    }
    reader.close()
    good(writer.close())
  })

  test('an import that runs out of space leaves the journal as it was, and comes in later', async () => {
    const { path } = otherJournal({ runs: 8, events: 300 })
    const library = openLibrary(join(disk.folder, 'library'))
    const writer = good(openJournalWriter(library.journalPath))
    const reader = good(openJournalReader(library.journalPath))
    let refused = 0
    for (let kilobytes = 5200; kilobytes > 1000; kilobytes -= 200) {
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1024', `count=${kilobytes}`])
      const result = await importJournal(path, { library, writer }, quietly)
      disk.free()
      expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
      expect(readdirSync(library.cacheFolder)).toEqual([])
      if (result.ok) break
      refused += 1
      expect(good(reader.listRuns({ hasTrials: true })).total).toBe(0)
      expect(result.problem.code).toMatch(/^(journal\.disk-full|disk\.full)$/)
    }
    expect(refused).toBeGreaterThan(0)
    good(await importJournal(path, { library, writer }, quietly))
    expect(good(reader.listRuns()).total).toBe(8)
    expect(good(reader.studies())).toHaveLength(1)
    writeFileSync(join(disk.folder, 'still-writable'), 'x')
    reader.close()
    good(writer.close())
  })
})
