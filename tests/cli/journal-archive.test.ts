// The journal out and in from a terminal, between two libraries.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { otherJournal } from '../core/archive/other-journal.ts'
import { ask } from './own-process.ts'
import { heardLine, startWith } from './terminal.ts'

vi.setConfig({ testTimeout: 300_000 })

const work = mkdtempSync(join(tmpdir(), 'tunewright-cli-archive-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

const run = (home: string, ...parameters: string[]) => ask({ home: join(work, home), work }, ...parameters)

test('a journal comes in, goes out as JSON lines and as a bundle, and the bundle opens elsewhere', async () => {
  const other = otherJournal()
  const first = await run('one', 'journal', 'import', other.path)
  expect(first).toMatchObject({ code: 0 })
  expect(first.out).toContain('Brought in: 8 runs, 1 search, 2 projects.')
  expect((await run('one', 'journal', 'import', other.path)).out).toContain(
    'Here already, with the same contents: 9.',
  )

  const lines = await run('one', 'journal', 'export', 'jsonl', '--to', join(work, 'out'))
  expect(lines).toMatchObject({ code: 0 })
  const place = join(work, 'out', 'Journal as JSON lines')
  expect(lines.out).toContain(place)
  expect(readFileSync(join(place, 'runs.jsonl'), 'utf8').trim().split('\n')).toHaveLength(8)

  const made = await run(
    'one',
    '--json',
    'journal',
    'export',
    'bundle',
    '--runs',
    other.runIds[3]!,
    '--without-rows',
  )
  const bundle = JSON.parse(made.out)
  expect(bundle).toMatchObject({ form: 'bundle', name: 'Run 3.tunewright' })
  expect((await run('one', 'journal', 'exports')).out).toContain(bundle.place)
  expect((await run('two', 'journal', 'import', bundle.place)).out).toContain(
    'Brought in: 1 run, 0 searches, 1 project.',
  )
})

test('Ctrl-C while a journal comes in leaves nothing of it, and later it comes in', async () => {
  const other = otherJournal({ runs: 60, events: 100 })
  const importing = startWith(join(work, 'four'), work, ['journal', 'import', other.path])
  await heardLine(importing, /Checking the journal/)
  importing.child.kill('SIGINT')
  const ended = await importing.done
  expect(ended).toMatchObject({ code: 130, out: '' })
  expect(ended.error).toContain('Nothing was brought in, because this was stopped.')
  expect((await run('four', 'runs', 'list')).out).toContain('No runs yet.')
  expect((await run('four', 'journal', 'import', other.path)).out).toContain('Brought in: 62 runs, 1 search')
})

test('wrong use and unusable files end with a sentence and a code', async () => {
  expect(await run('one', 'journal', 'export', 'pdf')).toMatchObject({ code: 2 })
  const none = await run('three', 'journal', 'export', 'bundle')
  expect(none).toMatchObject({ code: 1, error: expect.stringContaining('A bundle is of chosen runs') })
  const missing = await run('three', 'journal', 'import', join(work, 'nothing.db'))
  expect(missing).toMatchObject({ code: 1, error: expect.stringContaining('could not be opened') })
  const text = await run('three', 'journal', 'import', join(import.meta.dirname, '../../package.json'))
  expect(text).toMatchObject({ code: 1, error: expect.stringContaining('not a Tunewright journal') })
  expect(existsSync(join(work, 'three', 'exports'))).toBe(true)
})
