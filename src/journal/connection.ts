// Connections with every durability setting made explicit. SQLite's own answer right after switching to WAL can be wrong
// (a bundled default takes effect at the first write), so a writer's settings are read back after its first write.
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'
import { attemptOn, refuse, unreadableProblem } from './problems.ts'

/** "TUNW": marks a file as a Tunewright journal. */
export const applicationId = 0x54554e57

/** Older versions can corrupt a WAL database that has two or more connections. */
const oldestSafeVersion = [3, 51, 3] as const

const commonPragmas: readonly (readonly [string, number | string])[] = [
  ['foreign_keys', 1],
  ['busy_timeout', 5000],
  ['trusted_schema', 0],
  ['cell_size_check', 1],
  ['mmap_size', 0],
  ['recursive_triggers', 1],
]

const writerPragmas: readonly (readonly [string, number | string])[] = [
  ...commonPragmas,
  ['journal_mode', 'wal'],
  ['synchronous', 2],
  // macOS only returns from fsync with the data on the disk itself when asked for it; other systems ignore both.
  ['fullfsync', 1],
  ['checkpoint_fullfsync', 1],
]

/** Opens the file for writing, makes it if it is not there (readable by its owner only), and sets every pragma. */
export function openForWriting(path: string): Database.Database {
  assertSqliteVersion()
  createPrivately(path)
  assertFile(path)
  const db = new Database(path, { timeout: 5000 })
  try {
    set(db, writerPragmas)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens an existing file that this connection cannot change. */
export function openForReading(path: string): Database.Database {
  assertSqliteVersion()
  assertFile(path)
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5000 })
  try {
    set(db, commonPragmas)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Throws journal.durability unless every setting of a writer still is what it was set to. Call after the first write. */
export function assertDurable(db: Database.Database, path: string): void {
  const different = writerPragmas.filter(([name, expected]) => db.pragma(name, { simple: true }) !== expected)
  if (different.length === 0) return
  throw new ProblemError({
    code: 'journal.durability',
    message: 'This disk does not keep the promises that the journal needs, so nothing is written to it.',
    where: path,
    remedy: 'Move the library to an ordinary local disk.',
    details: different
      .map(([name, expected]) => `${name}: wanted ${expected}, is ${db.pragma(name, { simple: true })}`)
      .join('; '),
  })
}

function assertFile(path: string): void {
  if (!statSync(path).isFile()) throw new ProblemError(unreadableProblem(path, 'not an ordinary file'))
}

function set(db: Database.Database, pragmas: readonly (readonly [string, number | string])[]): void {
  for (const [name, value] of pragmas) db.pragma(`${name} = ${value}`)
}

/** A new, empty file that only its owner may read; SQLite gives its companions the same mode. An existing file stays. */
export function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const formatAt = 18

/**
 * Whether the bytes in the head that say how the file is written and read have a value that SQLite gives them; also where
 * they cannot be read. Nothing of this process may have the file open: closing it here would drop SQLite's locks.
 */
export function hasKnownFormat(path: string): boolean {
  const head = attemptOn(path, () => {
    const bytes = Buffer.alloc(formatAt + 2)
    const file = openSync(path, 'r')
    try {
      return readSync(file, bytes, 0, bytes.length, 0) === bytes.length ? bytes.subarray(formatAt) : []
    } finally {
      closeSync(file)
    }
  })
  return !head.ok || head.value.every((version) => version === 1 || version === 2)
}

export function sqliteVersion(): string {
  const db = new Database(':memory:')
  try {
    return db.prepare('SELECT sqlite_version()').pluck().get() as string
  } finally {
    db.close()
  }
}

function assertSqliteVersion(): void {
  const version = sqliteVersion()
  if (isAtLeast(version, oldestSafeVersion)) return
  refuse(
    'journal.durability',
    `The database engine ${version} can damage journals.`,
    'better-sqlite3',
    `Install a build with SQLite ${oldestSafeVersion.join('.')} or newer.`,
  )
}

/** Compares dotted versions number by number: "3.51.10" is newer than "3.51.3". */
export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  for (const [i, want] of wanted.entries()) {
    const part = parts[i] ?? 0
    if (part !== want) return part > want
  }
  return true
}
