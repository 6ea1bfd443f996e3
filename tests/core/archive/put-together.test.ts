// What a process that was killed left in the folder of an export: gone after the next export there, and nothing else is.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { exportJournal } from '#core/archive/export-journal.ts'
import { openLibrary } from '#core/system/library.ts'
import { openJournalReader } from '#journal/reader.ts'
import type { JournalForm } from '#shared/contract/index.ts'
import { unwrap } from '#shared/result.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import { otherJournal } from './other-journal.ts'
import { quietly } from './real-library.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The number of a process that has ended. */
const endedPid = (): number => spawnSync(process.execPath, ['-e', '']).pid

test.each(['jsonl', 'bundle'] as const)('%s: killed in the middle, and exported again', async (form) => {
  const { path, runIds } = otherJournal({ runs: 2 })
  const reader = unwrap(openJournalReader(path))
  const ports = { library: openLibrary(join(temporaryFolder(), 'library')), reader }
  const folder = join(temporaryFolder(), 'stick')
  const seen: string[][] = []
  const request = { form: form as JournalForm, runIds, withRows: true, folder }
  const tell = (): void => {
    seen.push(readdirSync(folder))
  }
  const first = unwrap(await exportJournal(request, ports, { ...quietly, tell }))
  const [during = ''] = seen[0] ?? []
  expect(during).toContain(`-${process.pid}.tmp-`)
  expect(readdirSync(folder)).toEqual([first.name])

  const living = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
  const left = during.replace(`-${process.pid}.`, `-${endedPid()}.`)
  const stays = [
    during.replace(`-${process.pid}.`, `-${living.pid}.`),
    // Of another computer, and a person's own.
    left.replace(/export-\w{8}/, 'export-00000000'),
    'bundle.tmp-mine',
  ]
  for (const name of [left, ...stays]) {
    mkdirSync(join(folder, name, 'files'), { recursive: true })
    writeFileSync(join(folder, name, 'files', 'journal.db'), 'half')
  }
  const second = unwrap(await exportJournal(request, ports, quietly))
  living.kill()
  expect(readdirSync(folder).sort()).toEqual([first.name, basename(second.place), ...stays].sort())
  expect(readdirSync(ports.library.cacheFolder)).toEqual([])
  reader.close()
})
