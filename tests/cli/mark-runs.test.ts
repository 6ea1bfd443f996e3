// What a person says of a run, from a terminal, and lists that are asked by it. Real processes over a recorded journal.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recordRun, recordStudy } from '../core/experiments/recorded.ts'
import { addSampleLibrary, good } from '../journal/support/sample.ts'

vi.setConfig({ testTimeout: 300_000 })

const root = join(import.meta.dirname, '../..')
const home = mkdtempSync(join(tmpdir(), 'tunewright-cli-marks-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function run(...parameters: string[]) {
  const main = join(root, 'src/cli/main.ts')
  const all = ['--disable-warning=ExperimentalWarning', main, '--home', home, ...parameters]
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/node'), all, {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, error: stderr }
}
const listed = (...parameters: string[]): string[] =>
  JSON.parse(run('--json', 'runs', 'list', ...parameters).out).runs.map(({ name }: { name: string }) => name)

test('runs are rated, pinned, archived, noted and tagged, and found by all of it', async () => {
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const first = await recordRun(writer, newRun, { name: 'First', right: 40 })
  const second = await recordRun(writer, newRun, { name: 'Second' })
  recordStudy(writer, newRun)
  good(writer.close())

  expect(run('runs', 'rate', first, '4').out).toContain(`First (${first}): 4 stars`)
  expect(run('runs', 'pin', first).out).toContain('4 stars; pinned')
  expect(run('runs', 'note', second, 'Ana liked it').out).toContain('note: Ana liked it')
  expect(run('runs', 'tag', second, 'keep', 'for Ana').out).toContain('tags: keep, for Ana')
  expect(listed('--stars', '4')).toEqual(['First'])
  expect(listed('--pinned')).toEqual(['First'])
  expect(listed('--text', 'ANA keep')).toEqual(['Second'])
  // Only the first was measured, and has answers.
  expect(listed('--text', 'shipping')).toEqual(['First'])
  expect(listed('--trials')).toEqual(['Trial 1', 'Second', 'First'])

  expect(run('runs', 'archive', second)).toMatchObject({ code: 0 })
  expect([listed(), listed('--archived')]).toEqual([['First'], ['Second']])
  expect(run('runs', 'archive', second, '--off')).toMatchObject({ code: 0 })
  expect(run('runs', 'rate', first, '0').out).toContain('no stars; pinned')
  expect(run('runs', 'list', '--stars', '5').out).toContain('No run matches.')
  expect(run('runs', 'rate', first, '6')).toMatchObject({ code: 2 })
})
