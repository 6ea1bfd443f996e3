// Commands that only read: over another computer's journal, over a read-only disk, over a full one. Not a byte is written.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openLibrary } from '#core/system/library.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { recordRun } from '../core/experiments/recorded.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { addSampleLibrary, good } from '../journal/support/sample.ts'
import { addSampleStudy, sampleTrial } from '../journal/support/study.ts'
import { placeReal } from '../migrations/real-journals.ts'
import { forgeRows } from '../support/forged-rows.ts'
import { smallDisk } from '../support/small-disk.ts'
import { ask } from './own-process.ts'

vi.setConfig({ testTimeout: 300_000 })

const work = temporaryFolder()
const newHome = (): string => join(mkdtempSync(join(work, 'home-')), 'library')
const at =
  (home: string) =>
  (...parameters: string[]) =>
    ask({ home, work }, ...parameters)

/** Two measured runs and a search that is at work; still open. */
async function fillJournal(path: string): Promise<{ writer: JournalWriter; runIds: string[] }> {
  const writer = good(openJournalWriter(path))
  const newRun = addSampleLibrary(writer)
  const runIds: string[] = []
  for (const right of [20, 57])
    runIds.push(await recordRun(writer, newRun, { name: `Right ${right}`, right }))
  addSampleStudy(writer, newRun, 'study-a')
  good(writer.changeStudy('study-a', { status: 'running' }))
  return { writer, runIds }
}

/** Of another computer: closed, in a folder of its own. */
async function otherJournal(): Promise<{ path: string; runIds: string[] }> {
  const path = join(temporaryFolder(), 'journal.db')
  const { writer, runIds } = await fillJournal(path)
  good(writer.close())
  return { path, runIds }
}

/** As if somebody had put another loss in by hand. */
const falsifyEvent = (path: string): number =>
  forgeRows(
    path,
    'events_never_change',
    "UPDATE events SET body = json_set(body, '$.lossNats', 0.01) WHERE seq = 3",
  )

/** Every file of a folder: its bytes and when it was last written. */
const stateOf = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(folder, name)
      const { mtimeMs } = statSync(path)
      const isFile = statSync(path).isFile()
      return [name, mtimeMs, isFile && createHash('sha256').update(readFileSync(path)).digest('hex')]
    })

test('another journal is read, checked and carried out, and nothing is written beside it', async () => {
  const { path, runIds } = await otherJournal()
  const folder = join(path, '..')
  const before = stateOf(folder)
  const home = newHome()
  const out = join(work, 'carried-out')
  const run = at(home)
  const [first = '', second = ''] = runIds
  expect((await run('runs', 'list', '--journal', path)).out).toContain(first)
  expect((await run('--journal', path, 'runs', 'show', first)).out).toContain('Right 20')
  const compared = await run('runs', 'compare', first, second, '--answers', '--journal', path)
  expect(compared).toMatchObject({ code: 0, out: expect.stringContaining('they differ on 37 of 60') })
  expect((await run('studies', 'list', '--journal', path)).out).toMatch(/A night +was running/)
  expect((await run('studies', 'show', 'latest', '--journal', path)).out).toContain(
    'It was at work when this journal was last written.',
  )
  const told = await run('--json', 'studies', 'show', 'latest', '--journal', path)
  const { study, verdict } = JSON.parse(told.out)
  // It was told as one that had ended.
  expect(verdict.sentence).toMatch(/^The search was not at its end: /)
  const listed = await run('--json', 'studies', 'list', '--journal', path)
  expect([study.stood, JSON.parse(listed.out).studies[0].stood]).toEqual(['running', 'running'])
  expect(await run('journal', 'check', '--journal', path)).toMatchObject({
    code: 0,
    out: 'Every entry is what was written.\n',
  })
  for (const parameters of [['jsonl'], ['bundle', '--runs', 'latest']])
    expect(await run('journal', 'export', ...parameters, '--to', out, '--journal', path)).toMatchObject({
      code: 0,
    })
  const studies = readFileSync(join(out, 'Journal as JSON lines', 'studies.jsonl'), 'utf8')
  // Carried out as it was written, though lists show nothing as under way.
  expect(JSON.parse(studies)).toMatchObject({ name: 'A night', status: 'running' })
  expect(readdirSync(out).map((name) => basename(name))).toHaveLength(2)
  expect(stateOf(folder)).toEqual(before)
  expect(existsSync(home)).toBe(false)
})

test('a journal of an older schema, a false one, and none', async () => {
  const folder = temporaryFolder()
  const old = placeReal('schema-5', join(folder, 'backup-of-june.db'))
  const before = stateOf(folder)
  const run = at(newHome())
  expect(await run('runs', 'list', '--journal', old)).toMatchObject({
    code: 0,
    out: expect.stringContaining('finished'),
  })
  expect(stateOf(folder)).toEqual(before)
  const { path } = await otherJournal()
  falsifyEvent(path)
  expect(await run('journal', 'check', '--journal', path)).toMatchObject({
    code: 1,
    out: expect.stringContaining('not what was written'),
  })
  // A path in the temporary folder stood there, and the command that acts on one's own library.
  const exported = await run('journal', 'export', 'jsonl', '--to', join(work, 'false'), '--journal', path)
  expect(exported).toMatchObject({ code: 1, error: expect.stringContaining(`  where: ${path}\n`) })
  expect(exported.error).toContain('Get another copy of this file, or one of its backups')
  expect(exported.error).not.toContain('restore')
  const none = await run('runs', 'list', '--journal', join(folder, 'nothing.db'))
  expect(none).toMatchObject({ code: 1, error: expect.stringContaining('no journal in this place') })
})

test('commands that change something do not take another journal', async () => {
  const { path } = await otherJournal()
  const run = at(newHome())
  const before = await run('--json', '--journal', path, 'runs', 'pin', 'latest')
  expect(before).toMatchObject({ code: 2, error: expect.stringContaining('commands that only read') })
  expect(JSON.parse(before.out)).toMatchObject({ problem: { code: 'usage.invalid' } })
  expect(await run('--journal', path, 'web')).toMatchObject({ code: 2 })
  expect(await run('runs', 'pin', 'latest', '--journal', path)).toMatchObject({ code: 2 })
})

test('the rows on which answers differ: grouped, the first of them, as JSON all', async () => {
  const home = newHome()
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  const runIds: string[] = []
  // More than the core reads in one call.
  for (let n = 0; n < 24; n++)
    runIds.push(
      await recordRun(writer, newRun, {
        name: `Try ${n}`,
        ...(n > 0 && { right: n < 6 ? 470 : 100, rows: 500 }),
      }),
    )
  good(writer.close())
  const run = at(home)
  const { out } = await run('runs', 'compare', ...runIds, '--answers', '2')
  expect(out).toContain('Answers: they differ on 370 of 500 locked rows; the first 2:')
  expect(out.match(/^ {2}Try 1, Try 2, Try 3 and 2 more +\S+$/gm)).toHaveLength(2)
  expect(out.match(/^ {2}Try 6, Try 7, Try 8 and 15 more +shipping$/gm)).toHaveLength(2)
  expect(out).toContain('Left out, not measured yet: Try 0.')
  const { answers } = JSON.parse((await run('--json', 'runs', 'compare', ...runIds, '--answers')).out)
  expect(answers).toMatchObject({ total: 500, different: 370, runIds: runIds.slice(1) })
  expect(answers.rows).toHaveLength(370)
  expect(answers.rows.at(-1).answers).toHaveLength(23)
  const alike = await run('runs', 'compare', ...runIds.slice(1, 4), '--answers')
  expect(alike.out).toContain('Answers: the same on all 500 locked rows.')
  const alone = await run('runs', 'compare', ...runIds.slice(0, 2), '--answers')
  expect(alone.out).toContain('fewer than two of these runs were measured')
})

test('"latest" is the newest trial where there is nothing else', async () => {
  const home = newHome()
  const writer = good(openJournalWriter(openLibrary(home).journalPath))
  const newRun = addSampleLibrary(writer)
  addSampleStudy(writer, newRun, 'study-a')
  const trial = good(writer.addTrial(sampleTrial('study-a', 2), { ...newRun, name: 'The newest trial' }))
  good(writer.close())
  expect((await at(home)('runs', 'show', 'latest')).out).toContain(trial.runId)
})

const disk = smallDisk('6m', 'read-only tests')

describe.skipIf(!disk.canMount)('on a disk of its own', () => {
  /** Closed in order, as a program that was ended left it, of an older schema, and without the library's folders. */
  const closed = join(disk.folder, 'closed')
  const open = join(disk.folder, 'open')
  const old = join(disk.folder, 'old')
  const bare = join(disk.folder, 'bare')

  async function readAll(homes: readonly string[]): Promise<void> {
    const journals = () =>
      stateOf(disk.folder).filter(([name]) => /journal\.db$|open.*-wal$/.test(String(name)))
    const before = journals()
    const out = mkdtempSync(join(work, 'out-'))
    for (const home of homes)
      for (const parameters of [
        ['runs', 'list'],
        ['runs', 'show', 'latest'],
        ['journal', 'export', 'jsonl', '--to', join(out, basename(home))],
        ['journal', 'export', 'bundle', '--runs', 'latest', '--to', join(out, basename(home))],
        ['journal', 'check'],
      ]) {
        const { code, error } = await at(home)(...parameters)
        const words = expect.stringContaining('a copy of its journal is read')
        expect([home, parameters, code, error]).toEqual([home, parameters, 0, words])
      }
    expect(journals()).toEqual(before)
  }

  async function refuseToWrite(home: string, words: string): Promise<void> {
    for (const parameters of [
      ['runs', 'pin', 'latest'],
      ['runs', 'rate', 'latest', '3'],
      ['studies', 'resume', 'latest'],
      ['studies', 'adopt', 'latest'],
      ['export', 'latest'],
    ]) {
      const { code, error } = await at(home)(...parameters)
      expect([parameters, code, error]).toEqual([parameters, 1, expect.stringContaining(words)])
      expect(error).not.toContain('Check that the folder exists')
    }
  }

  test('everything is read where nothing can be written, and where there is no space', async () => {
    const { path } = await otherJournal()
    openLibrary(closed)
    copyFileSync(path, join(closed, 'journal.db'))
    mkdirSync(bare)
    copyFileSync(path, join(bare, 'journal.db'))
    placeReal('schema-5', openLibrary(old).journalPath)
    const held = join(temporaryFolder(), 'journal.db')
    const { writer } = await fillJournal(held)
    openLibrary(open)
    for (const suffix of ['', '-wal']) copyFileSync(held + suffix, join(open, `journal.db${suffix}`))
    good(writer.close())

    disk.remount('ro')
    await readAll([open, old, bare])
    await refuseToWrite(open, `Nothing can be written in ${open}, and this command has to write there.`)
    disk.remount('rw')
    disk.fill()
    await readAll([closed, open])
    expect((await at(closed)('runs', 'list')).error).toContain(`The disk of ${closed} is full`)
    vi.stubEnv('TMPDIR', disk.folder)
    const own = await at(closed)('runs', 'list')
    // All is writable where this one lies.
    const other = await at(newHome())('runs', 'list', '--journal', path)
    vi.unstubAllEnvs()
    for (const crowded of [own, other]) {
      const words = 'There is no space in the temporary folder for the copy of the journal'
      expect(crowded).toMatchObject({ code: 1, error: expect.stringContaining(words) })
      expect(crowded.error).toContain(`  where: ${disk.folder}\n`)
      expect(crowded.error).not.toContain('nothing can be written')
    }
    expect(readdirSync(disk.folder).filter((name) => name.startsWith('tunewright-'))).toEqual([])
    await refuseToWrite(closed, `The disk of ${closed} is full, and this command has to write there.`)
  })
})
