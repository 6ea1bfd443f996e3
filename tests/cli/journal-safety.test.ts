// The journal kept safe from a terminal, over a real library: read again, listed, put back from a chosen
// backup, taken as it is; each with its exit code.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { rot } from '../journal/support/rot.ts'
import { addSampleLibrary, good } from '../journal/support/sample.ts'
import { ask } from './own-process.ts'

vi.setConfig({ testTimeout: 300_000 })

const work = mkdtempSync(join(tmpdir(), 'tunewright-cli-safety-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

let home = ''
const journal = (): string => join(home, 'journal.db')

const run = (...parameters: string[]) => ask({ home, work }, ...parameters)
const json = async <T>(...parameters: string[]) => JSON.parse((await run('--json', ...parameters)).out) as T

/** A library with two backups; a project came after each. */
beforeEach(() => {
  home = mkdtempSync(join(work, 'home-'))
  const writer = good(openJournalWriter(journal()))
  good(writer.createRun(addSampleLibrary(writer)))
  for (const name of ['After the first', 'After the second']) {
    good(writer.backup())
    good(writer.addProject({ name, scenario: 'code' }))
  }
  good(writer.close())
})

function projectNames(): string[] {
  const reader = good(openJournalReader(journal()))
  const names = good(reader.projects()).map(({ name }) => name)
  reader.close()
  return names.sort()
}

const backupsOf = (backups: readonly { path: string }[]): string[] =>
  backups.map(({ path }) => basename(path))

function changeByHand(sql: string): void {
  const db = new Database(journal())
  db.exec(sql)
  db.close()
}

test('check reads all of it, says what it found by its exit code, and keeps that', async () => {
  const sound = await run('journal', 'check')
  expect(sound).toMatchObject({ code: 0, out: 'Every entry is what was written.\n' })
  const reader = good(openJournalReader(journal()))
  expect(good(reader.lastCheck())).toMatchObject({ isSound: true, findings: [] })
  reader.close()
  changeByHand("INSERT INTO queue (kind, id, priority, place, added_at_ms) VALUES ('run', 'nobody', 1, 1, 1)")
  expect(await run('journal', 'accept')).toMatchObject({ code: 0 })
  const found = await run('journal', 'check')
  expect(found).toMatchObject({ code: 1, out: expect.stringContaining('These entries are not') })
  expect(found.out).toContain('the queue names a run or study that is not there')
  expect(await json('journal', 'check')).toMatchObject({ isSound: false, findings: [expect.any(String)] })
})

test('backups are listed, and the one that is named takes the place of a rotten journal', async () => {
  rot(journal())
  const refused = await run('journal', 'check')
  expect(refused.code).toBe(1)
  expect(refused.error).toContain('The journal is damaged')
  const listed = await run('journal', 'backups')
  expect(listed.code).toBe(0)
  const names = listed.out
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
  expect(names).toHaveLength(2)
  const oldest = names.at(-1) ?? ''
  expect(existsSync(join(home, 'backups', oldest))).toBe(true)

  const restored = await run('journal', 'restore', '--backup', oldest)
  expect(restored).toMatchObject({
    code: 0,
    out: expect.stringContaining('The journal is back as it was on'),
  })
  expect(restored.out).toContain('is kept as')
  expect(restored.out).toContain('No backup of the journal that was in its place could be made')
  expect(projectNames()).toEqual(['Support mail'])
  rot(journal())
  expect(await run('journal', 'restore')).toMatchObject({ code: 0 })
  expect(projectNames()).toEqual(['After the first', 'Support mail'])
})

test('a sound journal is replaced only by a backup that is named, and what that costs is counted', async () => {
  const unasked = await run('journal', 'restore')
  expect(unasked).toMatchObject({
    code: 1,
    error: expect.stringContaining('Nothing is wrong with the journal'),
  })
  expect(unasked.error).toContain('--backup NAME')
  expect(projectNames()).toHaveLength(3)
  const { backups } = await json<{ backups: { path: string }[] }>('journal', 'backups')
  const named = await run('journal', 'restore', '--backup', basename(backups.at(-1)?.path ?? ''))
  expect(named.code).toBe(0)
  expect(named.out).toContain('Also lost: projects: 2\n')
  expect(projectNames()).toEqual(['Support mail'])
  // A backup of now was made first: that is the way back.
  const after = await json<{ backups: { path: string }[] }>('journal', 'backups')
  const made = after.backups
    .map(({ path }) => basename(path))
    .filter((name) => !backupsOf(backups).includes(name))
  expect(made).toHaveLength(1)
  expect(named.out).toContain(`The way back from it: the backup ${made[0]}\n`)
  const back = await json<{ backedUpAs: string }>('journal', 'restore', '--backup', made[0] ?? '')
  expect(back.backedUpAs).toMatch(/^journal-/)
  expect(projectNames()).toEqual(['After the first', 'After the second', 'Support mail'])
})

test('a backup that is not there changes nothing, and a library without any says so', async () => {
  const before = readFileSync(journal())
  const unknown = await run('journal', 'restore', '--backup', 'journal-20200101T000000000Z.db')
  expect(unknown).toMatchObject({ code: 1, error: expect.stringContaining('so nothing was changed') })
  expect(readFileSync(journal()).equals(before)).toBe(true)
  rmSync(join(home, 'backups'), { recursive: true })
  expect(await run('journal', 'backups')).toMatchObject({ code: 0, out: 'There are no backups yet.\n' })
  expect(await run('journal', 'restore')).toMatchObject({ code: 1 })
})

test('what another program changed is refused until it is taken as it is', async () => {
  changeByHand("UPDATE projects SET name = 'Renamed by hand' WHERE name = 'After the second'")
  const refused = await run('journal', 'check')
  expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('journal accept') })
  expect(await run('journal', 'accept')).toMatchObject({
    code: 0,
    out: 'From now on the journal counts as it is.\n',
  })
  expect(await run('journal', 'check')).toMatchObject({ code: 0 })
  expect(projectNames()).toEqual(['After the first', 'Renamed by hand', 'Support mail'])
})
