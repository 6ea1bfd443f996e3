// What a person says of a run, from a terminal, and lists that are asked by it. Real processes over a recorded journal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recordProof, recordRun, recordStudy } from '../core/experiments/recorded.ts'
import { addSampleLibrary, good } from '../journal/support/sample.ts'
import { runWith } from './terminal.ts'

vi.setConfig({ testTimeout: 300_000 })

const home = mkdtempSync(join(tmpdir(), 'tunewright-cli-marks-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const run = (...parameters: string[]) => runWith(home, ...parameters)
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
  // Pinned ones first, as on the screen.
  expect(listed('--trials')).toEqual(['First', 'Trial 1', 'Second'])
  expect(run('runs', 'list').out).toContain('First (pinned)')

  expect(run('runs', 'archive', second)).toMatchObject({ code: 0 })
  expect([listed(), listed('--archived')]).toEqual([['First'], ['Second']])
  expect(run('runs', 'archive', second, '--off')).toMatchObject({ code: 0 })
  expect(run('runs', 'rate', first, '0').out).toContain('no stars; pinned')
  expect(run('runs', 'list', '--stars', '5').out).toContain('No run matches.')
  expect(run('runs', 'rate', first, '6')).toMatchObject({ code: 2 })
})

test('what is too long is said at its field (it was called a fault of the program)', () => {
  const runId = JSON.parse(run('--json', 'runs', 'list').out).runs[0].id as string
  const refused = (sentence: string) => ({ code: 1, error: expect.stringContaining(sentence) })
  const tag = run('runs', 'tag', runId, 'keep', 'x'.repeat(501))
  expect(tag).toMatchObject(refused('A tag has at most 500 characters, and "xxx'))
  expect(tag.error).not.toContain('fault')
  expect(run('runs', 'note', runId, 'n'.repeat(100_001))).toMatchObject(refused('A note has at most 100000'))
  expect(run('runs', 'list', '--text', 'w'.repeat(501))).toMatchObject(refused('A search has at most 500'))
  expect(run('runs', 'tag', runId, 'keep', ' ').out).toContain('tags: keep')
})

test('a run is shown with how often its locked rows had been looked at before', async () => {
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const ids: string[] = []
  for (const name of ['Tried', 'Tried again']) {
    const id = await recordRun(writer, newRun, { name })
    const { fingerprint } = newRun.recipe.data
    good(writer.recordTestSetOpening({ datasetFingerprint: fingerprint, runId: id, purpose: 'proof' }))
    await recordProof(writer, { runId: id, fingerprint, right: 40, rows: 60 })
    ids.push(id)
  }
  good(writer.close())
  const [first = '', again = ''] = ids
  expect(run('runs', 'show', first).out).not.toContain('earlier proof')
  expect(run('runs', 'show', again).out).toContain('1 earlier proof used the same locked rows')
})
