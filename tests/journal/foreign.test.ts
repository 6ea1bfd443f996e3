// A journal that is looked into: read with its log, upgraded in a copy, and not one byte of it or beside it changed.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openForeignJournal } from '#journal/foreign.ts'
import { newestVersion } from '#journal/migrate.ts'
import { migrations } from '#journal/migrations/all.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { otherJournal } from '../core/archive/other-journal.ts'
import { journalAt } from '../migrations/journal-at.ts'
import { placeReal, realJournals } from '../migrations/real-journals.ts'
import { copyJournal } from './support/copies.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { codeOf, good } from './support/sample.ts'

/** Every file of the journal's folder, with its bytes and its time. */
const stateOf = (path: string): unknown =>
  readdirSync(dirname(path)).map((name) => {
    const file = join(dirname(path), name)
    if (statSync(file).isDirectory()) return [name]
    return [name, createHash('sha256').update(readFileSync(file)).digest('hex'), statSync(file).mtimeMs]
  })

test.each(migrations.map(({ version }) => version))(
  'a journal of schema %i is read, and stays what it was',
  (version) => {
    const path = journalAt(version)
    const folder = temporaryFolder()
    const before = stateOf(path)
    const { reader, schema } = good(openForeignJournal(path, { folder }))
    expect(schema).toBe(version)
    const { runs } = good(reader.listRuns())
    expect(runs.map(({ id }) => id)).toEqual(version >= 2 ? ['run-1'] : [])
    expect(good(reader.projects())).toHaveLength(1)
    expect(good(reader.studies())).toEqual(version >= 7 ? [expect.anything()] : [])
    expect(readdirSync(folder)).toHaveLength(1)
    reader.close()
    expect(readdirSync(folder)).toEqual([])
    expect(stateOf(path)).toEqual(before)
  },
)

test('entries that are in the log only are read, from a folder that nothing can be written to', () => {
  const { writer, path, newRun } = openSample()
  const { id } = good(writer.createRun({ ...newRun, name: 'Only in the log' }))
  const copy = copyJournal(path)
  chmodSync(dirname(copy), 0o500)
  const before = stateOf(copy)
  const { reader } = good(openForeignJournal(copy, { folder: temporaryFolder() }))
  expect(good(reader.getRun(id)).name).toBe('Only in the log')
  expect(statSync(`${copy}-wal`).size).toBeGreaterThan(0)
  reader.close()
  expect(stateOf(copy)).toEqual(before)
  chmodSync(dirname(copy), 0o700)
  good(writer.close())
})

test('a journal that Tunewright has open is read as it stands', () => {
  const { writer, path, newRun } = openSample()
  good(writer.createRun(newRun))
  const { reader } = good(openForeignJournal(path, { folder: temporaryFolder() }))
  good(writer.createRun(newRun))
  expect(good(reader.listRuns()).total).toBe(1)
  reader.close()
  good(writer.close())
})

test('what is no journal is refused before it is copied, and a newer or damaged one without a trace', () => {
  const folder = temporaryFolder()
  const given = join(temporaryFolder(), 'given')
  mkdirSync(given)
  const refused = (path: string) => codeOf(openForeignJournal(path, { folder }))
  expect(refused(join(given, 'none.db'))).toBe('journal.missing')
  // A folder: the sentence says which file to choose.
  expect(refused(given)).toBe('journal.missing')
  writeFileSync(join(given, 'text.db'), 'no database '.repeat(500))
  expect(refused(join(given, 'text.db'))).toBe('journal.foreign-file')
  const other = new Database(join(given, 'other.db'))
  other.exec('CREATE TABLE notes (text)')
  other.close()
  expect(refused(join(given, 'other.db'))).toBe('journal.foreign-file')

  const newer = journalAt(newestVersion)
  const db = new Database(newer)
  db.pragma(`user_version = ${newestVersion + 1}`)
  db.prepare("INSERT INTO migrations VALUES (?, 'later', ?, 0)").run(newestVersion + 1, 'f'.repeat(64))
  db.close()
  expect(refused(newer)).toBe('journal.too-new')

  const damaged = join(given, 'damaged.db')
  copyFileSync(journalAt(newestVersion), damaged)
  const bytes = readFileSync(damaged)
  bytes.fill(0xff, 4096, 3 * 4096)
  writeFileSync(damaged, bytes)
  expect(refused(damaged)).toBe('journal.corrupt')
  expect(readdirSync(folder)).toEqual([])
})

test.each([0, 15, 68, 71])(
  'a mark of the head that rotted, byte %i, is damage and not another program',
  (at) => {
    for (const { name } of realJournals) {
      const path = placeReal(name, join(temporaryFolder(), 'journal.db'))
      const bytes = readFileSync(path)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(path, bytes)
      expect(codeOf(openForeignJournal(path))).toBe('journal.corrupt')
    }
  },
)

test('copies that a killed process left are swept, those of a living one stay', () => {
  const folder = temporaryFolder()
  // A process id beyond what any system gives out.
  mkdirSync(join(folder, 'tunewright-looked-into-2147483646-abc'))
  mkdirSync(join(folder, `tunewright-looked-into-${process.ppid}-abc`))
  const { reader } = good(openForeignJournal(journalAt(newestVersion), { folder }))
  reader.close()
  expect(readdirSync(folder)).toEqual([`tunewright-looked-into-${process.ppid}-abc`])
})

test.each([
  ['running', 'It was at work when this journal was last written.'],
  ['paused', 'It was paused when this journal was last written.'],
] as const)('a search that was %s says so, for it does not go on here', (status, reason) => {
  const { path, studyId } = otherJournal({ runs: 1 })
  const writer = good(openJournalWriter(path))
  if (status !== 'running') good(writer.changeStudy(studyId, { status }))
  good(writer.close())
  const { reader, stood } = good(openForeignJournal(path, { folder: temporaryFolder(), isAtRest: true }))
  expect(good(reader.study(studyId))).toMatchObject({ status: 'stopped', reason })
  expect([...stood]).toEqual([[studyId, status]])
  reader.close()
})
