// What stands between a commit and the disk: settings read back after the first write, and the writes themselves.
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import {
  assertDurable,
  isAtLeast,
  openForReading,
  openForWriting,
  sqliteVersion,
} from '#journal/connection.ts'
import { ProblemError } from '#shared/result.ts'
import { openSample, temporaryFolder } from './support/folders.ts'
import { good } from './support/sample.ts'

const promised = {
  journal_mode: 'wal',
  synchronous: 2,
  foreign_keys: 1,
  busy_timeout: 5000,
  trusted_schema: 0,
  cell_size_check: 1,
  mmap_size: 0,
  recursive_triggers: 1,
  fullfsync: 1,
  checkpoint_fullfsync: 1,
}

test('a writer keeps every promised setting after its first write', () => {
  const db = openForWriting(join(temporaryFolder(), 'journal.db'))
  db.exec('CREATE TABLE t (x)')
  db.exec('INSERT INTO t VALUES (1)')
  const found = Object.keys(promised).map((name) => [name, db.pragma(name, { simple: true })])
  expect(Object.fromEntries(found)).toEqual(promised)
  db.close()
})

test('a writer whose settings changed is refused, with what differs', () => {
  const path = join(temporaryFolder(), 'journal.db')
  const db = openForWriting(path)
  db.pragma('synchronous = NORMAL')
  db.exec('CREATE TABLE t (x)')
  const error = catchError(() => assertDurable(db, path))
  expect(error).toBeInstanceOf(ProblemError)
  expect((error as ProblemError).problem).toMatchObject({
    code: 'journal.durability',
    details: 'synchronous: wanted 2, is 1',
  })
  db.close()
})

test('a reader cannot write, whatever it is asked', () => {
  const { writer, path } = openSample()
  const db = openForReading(path)
  expect(() => db.exec("UPDATE projects SET name = 'other'")).toThrow(/readonly/)
  expect(() => db.pragma('user_version = 9')).toThrow(/readonly/)
  expect(db.pragma('foreign_keys', { simple: true })).toBe(1)
  expect(db.pragma('trusted_schema', { simple: true })).toBe(0)
  db.close()
  good(writer.close())
})

test('the journal, its log and its backups can be read by their owner only', () => {
  if (process.platform === 'win32') return
  const { writer, path } = openSample()
  const backup = good(writer.backup())
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}.holder`, backup.path])
    expect((statSync(file).mode & 0o777).toString(8), file).toBe('600')
  good(writer.close())
})

test('the engine is new enough, and versions compare by number', () => {
  expect(isAtLeast(sqliteVersion(), [3, 51, 3])).toBe(true)
  expect(isAtLeast('3.51.3', [3, 51, 3])).toBe(true)
  expect(isAtLeast('3.51.10', [3, 51, 3])).toBe(true)
  expect(isAtLeast('4.0', [3, 51, 3])).toBe(true)
  expect(isAtLeast('3.51.2', [3, 51, 3])).toBe(false)
  expect(isAtLeast('3.6.23', [3, 51, 3])).toBe(false)
})

const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) console.log('strace is not installed: the count of fsync calls was not checked')

test.skipIf(!hasStrace)('500 commits are at least 500 fsyncs', { timeout: 300_000 }, () => {
  expect(countFsyncs(500) - countFsyncs(0)).toBeGreaterThanOrEqual(500)
})

/** The fsync calls of a process that opens a journal, commits so many events one by one, and closes it. */
function countFsyncs(commits: number): number {
  const folder = temporaryFolder()
  const trace = join(folder, 'trace')
  const script = fileURLToPath(new URL('support/committer.ts', import.meta.url))
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', script, folder, String(commits)]
  const ran = spawnSync('strace', ['-f', '-e', 'trace=fsync,fdatasync', '-o', trace, ...command], {
    encoding: 'utf8',
  })
  expect(ran.stderr).toBe('')
  return readFileSync(trace, 'utf8').match(/\bf(data)?sync\(/g)?.length ?? 0
}

test('a database that was opened by the library alone would not be durable: the reason for our settings', () => {
  const db = new Database(join(temporaryFolder(), 'plain.db'))
  db.pragma('journal_mode = WAL')
  db.exec('CREATE TABLE t (x)')
  expect(db.pragma('synchronous', { simple: true })).toBe(1)
  db.close()
})

function catchError(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
