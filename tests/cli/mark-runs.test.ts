// What a person says of a run, from a terminal, and lists that are asked by it, over a recorded journal.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { recordProof, recordRun, recordStudy } from '../core/experiments/recorded.ts'
import { addSampleLibrary, good } from '../journal/support/sample.ts'
import { ask } from './own-process.ts'

vi.setConfig({ testTimeout: 300_000 })

const home = mkdtempSync(join(tmpdir(), 'tunewright-cli-marks-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const runIn = (place: string, ...parameters: string[]) => ask({ home: place, work: home }, ...parameters)
const run = (...parameters: string[]) => runIn(home, ...parameters)
const listed = async (...parameters: string[]): Promise<string[]> =>
  JSON.parse((await run('--json', 'runs', 'list', ...parameters)).out).runs.map(
    ({ name }: { name: string }) => name,
  )

test('runs are rated, pinned, archived, noted and tagged, and found by all of it', async () => {
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const first = await recordRun(writer, newRun, { name: 'First', right: 40 })
  const second = await recordRun(writer, newRun, { name: 'Second' })
  recordStudy(writer, newRun)
  good(writer.close())

  expect((await run('runs', 'rate', first, '4')).out).toContain(`First (${first}): 4 stars`)
  expect((await run('runs', 'pin', first)).out).toContain('4 stars; pinned')
  expect((await run('runs', 'note', second, 'Ana liked it')).out).toContain('note: Ana liked it')
  expect((await run('runs', 'tag', second, 'keep', 'for Ana')).out).toContain('tags: keep, for Ana')
  expect(await listed('--stars', '4')).toEqual(['First'])
  expect(await listed('--pinned')).toEqual(['First'])
  expect(await listed('--text', 'ANA keep')).toEqual(['Second'])
  // Only the first was measured, and has answers.
  expect(await listed('--text', 'shipping')).toEqual(['First'])
  // Pinned ones first, as on the screen.
  expect(await listed('--trials')).toEqual(['First', 'Trial 1', 'Second'])
  expect((await run('runs', 'list')).out).toContain('First (pinned)')

  expect(await run('runs', 'archive', second)).toMatchObject({ code: 0 })
  expect([await listed(), await listed('--archived')]).toEqual([['First'], ['Second']])
  expect(await run('runs', 'archive', second, '--off')).toMatchObject({ code: 0 })
  expect((await run('runs', 'rate', first, '0')).out).toContain('no stars; pinned')
  expect((await run('runs', 'list', '--stars', '5')).out).toContain('No run matches.')
  expect(await run('runs', 'rate', first, '6')).toMatchObject({ code: 2 })
})

test('what is too long is said at its field (it was called a fault of the program)', async () => {
  const runId = JSON.parse((await run('--json', 'runs', 'list')).out).runs[0].id as string
  const refused = (sentence: string) => ({ code: 1, error: expect.stringContaining(sentence) })
  const tag = await run('runs', 'tag', runId, 'keep', 'x'.repeat(501))
  expect(tag).toMatchObject(refused('A tag has at most 500 characters, and "xxx'))
  expect(tag.error).not.toContain('fault')
  expect(await run('runs', 'note', runId, 'n'.repeat(100_001))).toMatchObject(
    refused('A note has at most 100000'),
  )
  expect(await run('runs', 'list', '--text', 'w'.repeat(501))).toMatchObject(
    refused('A search has at most 500'),
  )
  expect((await run('runs', 'tag', runId, 'keep', ' ')).out).toContain('tags: keep')
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
  expect((await run('runs', 'show', first)).out).not.toContain('earlier proof')
  expect((await run('runs', 'show', again)).out).toContain('1 earlier proof used the same locked rows')
})

test('any number of runs is compared: figures with intervals, and the settings that differ', async () => {
  const newer = mkdtempSync(join(home, 'compared-'))
  const writer = good(openJournalWriter(openLibrary(newer).journalPath))
  const newRun = addSampleLibrary(writer)
  const runIds: string[] = []
  for (let seed = 0; seed < 30; seed++)
    runIds.push(
      await recordRun(writer, newRun, {
        name: `Seed ${seed}`,
        settings: { seed },
        ...(seed < 2 ? { right: 40 + seed } : {}),
      }),
    )
  good(writer.close())
  const { out } = await runIn(newer, 'runs', 'compare', ...runIds)
  expect(out).toMatch(/Seed 1 +0\.5000 +right answers \(accuracy\) 68 % \(58 to 78\)/)
  expect(out).toMatch(/Seed 29 +0\.5000 +not measured/)
  expect(out).toMatch(/^settings that differ +seed\nSeed 0 +0\n/m)
  const { runs, settings } = JSON.parse((await runIn(newer, '--json', 'runs', 'compare', ...runIds)).out)
  expect(runs.map(({ id }: { id: string }) => id)).toEqual(runIds)
  const different = settings.filter(({ isDifferent }: { isDifferent: boolean }) => isDifferent)
  expect(different).toEqual([
    { path: 'seed', values: Array.from({ length: 30 }, (_, n) => n), isDifferent: true },
  ])
})

test('how a search measures its trials is told in a line, not as a setting that somebody tried', async () => {
  const newer = mkdtempSync(join(home, 'measured-'))
  const writer = good(openJournalWriter(openLibrary(newer).journalPath))
  const newRun = addSampleLibrary(writer)
  const evaluation = { atShares: [0.5, 1] }
  const plain = await recordRun(writer, newRun, { name: 'Plain', settings: { seed: 1 } })
  const trial = await recordRun(writer, newRun, { name: 'Trial', settings: { seed: 2, evaluation } })
  good(writer.close())
  const { out } = await runIn(newer, 'runs', 'compare', plain, trial)
  expect(out).toMatch(
    /^settings that differ +seed\nPlain +1\nTrial +2\nTrials of a search are measured in its own way\.\n/m,
  )
  expect(out).not.toContain('atShares')
})
