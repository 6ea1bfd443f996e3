// Every released schema opens, upgrades and keeps its rows; a dead process leaves the old schema or the new one.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { openForWriting } from '#journal/connection.ts'
import { hashMigration, migrate, newestVersion } from '#journal/migrate.ts'
import { migrations } from '#journal/migrations/all.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { temporaryFolder } from '../journal/support/folders.ts'
import { codeOf, good } from '../journal/support/sample.ts'
import { columnsOf, dumpRows, journalAt, readRaw, rowsOf, schemaOf } from './journal-at.ts'

/** A released step never changes. A new step adds a line; no line is ever edited. */
const released = [
  '1 library a97d62c96c077b9e446f876fce07458788ce3d3808478ba65713ab2c2ecbd8c9',
  '2 runs 45ee09d38808b0103e4d23f454c9bf6825ea61772be264a1ec6baea7e8807388',
  '3 proof 2189a2e8eb408068eb9e20798694123e245e916c222b4e7398ed2b449c2459bc',
  '4 artifacts 9ad2c943f36144c188dc50c6d9ee0045047422ca02518db158fd53aad6657b47',
  '5 views 2179e7b08864f812746da54d7af00bca4091dc931f533890eb1620101c099165',
  '6 removals 6902dc28482775171470a196e93da8a1b682c4a47a2ff13b7ca19e0756306a58',
  '7 studies e6ee790cad9abf71918860587bf1917b365ff7b1b26cd2db27203286505ec449',
  '8 search 063d36b73b906d373f727fb834636db2af6b511545b948aeb7327a43b57e4937',
]

/** A process dies at one statement in so many of an upgrade, and behind its last one. */
const stride = process.env.TUNEWRIGHT_LONG ? 1 : 5
const versions = migrations.map((migration) => migration.version)

test('the released steps are what they were', () => {
  expect(migrations.map((m) => `${m.version} ${m.name} ${hashMigration(m)}`)).toEqual(released)
  expect(versions).toEqual(versions.map((_, i) => i + 1))
})

test('every table is STRICT', () => {
  const tables = readRaw(journalAt(newestVersion), (db) =>
    db.prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").all(),
  ) as { name: string; strict: number }[]
  const loose = tables.filter(({ name, strict }) => strict === 0 && !name.startsWith('sqlite_'))
  expect(tables.length).toBeGreaterThan(10)
  expect(loose).toEqual([])
})

describe.each(versions)('a journal at schema %i', (version) => {
  test('opens, keeps every row and has the newest schema', () => {
    const path = journalAt(version)
    const before = readRaw(path, (db) => ({ rows: dumpRows(db), columns: columnsOf(db) }))
    const writer = good(openJournalWriter(path))
    expect(writer.opened.upgradedFrom).toBe(version === newestVersion ? null : version)
    expect(writer.opened.isNew).toBe(false)
    good(writer.close())
    readRaw(path, (db) => {
      expect(dumpRows(db, before.columns)).toEqual(before.rows)
      expect(schemaOf(db)).toEqual(readRaw(journalAt(newestVersion), schemaOf))
      expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
      expect(db.pragma('foreign_key_check')).toEqual([])
    })
    const reader = good(openJournalReader(path))
    expect(good(reader.verifyAll())).toEqual({ damage: [], brokenRuns: [], changedMeasurements: [] })
    // What was there before is found by its words: name and tags since runs, answers since measurements.
    const found = (text: string) => good(reader.listRuns({ text })).runs.map(({ id }) => id)
    expect([found('old'), found('RETURN')]).toEqual([
      version >= 2 ? ['run-1'] : [],
      version >= 3 ? ['run-1'] : [],
    ])
    reader.close()
  })

  test.runIf(version < newestVersion)('is backed up, verified, before it is upgraded', () => {
    const path = journalAt(version)
    const before = rowsOf(path)
    good(good(openJournalWriter(path)).close())
    const folder = join(dirname(path), 'backups')
    const [backup = '', ...others] = readdirSync(folder)
    expect(others).toEqual([])
    expect(backup).toMatch(new RegExp(`^before-schema-${version}-.*\\.db$`))
    readRaw(join(folder, backup), (db) => {
      expect(db.pragma('user_version', { simple: true })).toBe(version)
      expect(dumpRows(db)).toEqual(before)
    })
  })

  test.runIf(version < newestVersion)('is not read before it is upgraded', () => {
    expect(codeOf(openJournalReader(journalAt(version)))).toBe('journal.too-old')
  })
})

const schemas = new Map([0, ...versions].map((v) => [v, v === 0 ? [] : readRaw(journalAt(v), schemaOf)]))

test.each([0, ...versions.slice(0, -1)])(
  'a process that dies at any statement of the upgrade from schema %i leaves a whole schema',
  (version) => {
    const path = version === 0 ? emptyPath() : journalAt(version)
    const rows = version === 0 ? {} : rowsOf(path)
    const columns = version === 0 ? {} : readRaw(path, columnsOf)
    const states: { path: string; reached: number }[] = []
    const statements = migrations.slice(version).reduce((sum, step) => sum + step.statements.length + 1, 0)
    let passed = 0
    const db = openForWriting(path)
    migrate(db, path, {
      // What the files hold now is what a killed process leaves; `cp` opens them, so that no lock of ours is dropped.
      onStatement: (step) => {
        passed += 1
        if (passed % stride === 0 || passed === statements)
          states.push({ path: snapshot(path), reached: step - 1 })
      },
    })
    db.close()
    expect(passed).toBe(statements)
    expect(states.length).toBe(Math.ceil(statements / stride))
    for (const state of states) {
      readRaw(state.path, (left) => {
        expect(left.pragma('user_version', { simple: true })).toBe(state.reached)
        expect(schemaOf(left)).toEqual(schemas.get(state.reached))
      })
      const writer = good(openJournalWriter(state.path))
      good(writer.close())
      readRaw(state.path, (left) => {
        expect(left.pragma('user_version', { simple: true })).toBe(newestVersion)
        expect(dumpRows(left, columns)).toEqual(rows)
      })
    }
  },
)

test('a journal of a newer Tunewright is refused and not changed', () => {
  const path = journalAt(newestVersion)
  const db = new Database(path)
  db.pragma(`user_version = ${newestVersion + 1}`)
  db.prepare("INSERT INTO migrations VALUES (?, 'later', ?, 0)").run(newestVersion + 1, 'f'.repeat(64))
  db.close()
  const before = hashFile(path)
  expect(codeOf(openJournalWriter(path))).toBe('journal.too-new')
  expect(codeOf(openJournalReader(path))).toBe('journal.too-new')
  expect(hashFile(path)).toBe(before)
})

test("another program's database is refused and not changed", () => {
  const path = emptyPath()
  const db = new Database(path)
  db.exec('CREATE TABLE notes (text)')
  db.close()
  const before = hashFile(path)
  expect(codeOf(openJournalWriter(path))).toBe('journal.foreign-file')
  expect(codeOf(openJournalReader(path))).toBe('journal.foreign-file')
  expect(hashFile(path)).toBe(before)
})

test('a journal whose history is not ours is refused', () => {
  const path = journalAt(newestVersion)
  const db = new Database(path)
  db.exec(`UPDATE migrations SET sha256 = '${'0'.repeat(64)}' WHERE version = 2`)
  db.close()
  expect(codeOf(openJournalWriter(path))).toBe('journal.corrupt')
})

const emptyPath = (): string => join(temporaryFolder(), 'journal.db')

function snapshot(path: string): string {
  const folder = temporaryFolder()
  const names = readdirSync(dirname(path)).filter((name) => /^journal\.db(-wal)?$/.test(name))
  execFileSync('cp', [...names.map((name) => join(dirname(path), name)), folder])
  return join(folder, basename(path))
}

const hashFile = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
