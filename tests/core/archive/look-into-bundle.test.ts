// A bundle that is only looked into: its journal opens and nothing of it stays behind; every bundle was refused as no journal.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { exportJournal } from '#core/archive/export-journal.ts'
import { lookIntoFile } from '#core/archive/look-into-file.ts'
import { createOpenedJournals } from '#core/archive/opened-journals.ts'
import { unwrap } from '#shared/result.ts'
import { freshFolder } from '../models/places.ts'
import { openRealLibrary, quietly, type RealLibrary } from './real-library.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let real: RealLibrary
let bytes: Buffer
beforeAll(async () => {
  real = await openRealLibrary()
  const request = { form: 'bundle', runIds: [real.trained], withRows: false } as const
  bytes = readFileSync(unwrap(await exportJournal(request, real, quietly)).place)
})
afterAll(() => real.close())

const journals = () => createOpenedJournals({ reader: real.reader, stood: new Map() })
let opened = {} as ReturnType<typeof journals>
afterEach(() => opened.closeAll())
const given = (path: string, isSent = false) => ({
  ...{ path, name: basename(path), isSent },
  done: async () => {},
})
const written = (content: Uint8Array, name = 'a run.tunewright'): string => {
  const folder = freshFolder()
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const left = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`tunewright-looked-into-${process.pid}-`))

test('its runs are read, under the name of the file, and all of it is put away', async () => {
  opened = journals()
  const bundle = written(bytes)
  const facts = unwrap(await lookIntoFile(given(bundle), opened))
  expect(facts).toMatchObject({ name: basename(bundle), path: bundle, runs: 1 })
  expect(unwrap(opened.readerOf(facts.journalId).getRun(real.trained)).id).toBe(real.trained)
  expect(left()).toHaveLength(1)
  // Opened anew it takes the place of what was open.
  unwrap(await lookIntoFile(given(bundle), opened))
  expect(opened.list()).toHaveLength(1)
  const sent = unwrap(await lookIntoFile(given(bundle, true), opened))
  expect(sent.path).toBe(null)
  opened.closeAll()
  expect(left()).toEqual([])
  expect(readFileSync(bundle).equals(bytes)).toBe(true)
})

test('one that was changed, and a file that is none, are refused', async () => {
  opened = journals()
  const half = written(bytes.subarray(0, bytes.length >> 1))
  expect(await lookIntoFile(given(half), opened)).toMatchObject({ problem: { code: 'file.unsafe' } })
  const text = written(Buffer.from('no journal'), 'notes.db')
  expect(await lookIntoFile(given(text), opened)).toMatchObject({
    problem: { code: 'journal.foreign-file' },
  })
  expect([left(), opened.list()]).toEqual([[], []])
})
