// One writer for each journal. The lock is SQLite's own on an empty side file, so the system releases it when its holder
// dies, however it dies; nothing is ever written into that file. Who holds it is written beside it, for people only.
// Never open the lock file by other means in this process: POSIX drops a process's locks when any handle is closed.
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'

export interface WriterLock {
  release(): void
}

const patienceMs = 300

const lockPath = (journalPath: string): string => `${journalPath}.lock`
const holderPath = (journalPath: string): string => `${journalPath}.holder`

/**
 * Takes the journal's writer lock; makes the folder where there is none. Throws the Problem journal.locked, with the
 * holder's process id, where it is taken.
 */
export function takeWriterLock(journalPath: string): WriterLock {
  mkdirSync(dirname(journalPath), { recursive: true, mode: 0o700 })
  const db = new Database(lockPath(journalPath), { timeout: patienceMs })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      throw new ProblemError(lockedProblem(journalPath))
    throw error
  }
  const holder = JSON.stringify({ pid: process.pid, sinceMs: Date.now() })
  forPeopleOnly(() => writeFileSync(holderPath(journalPath), holder, { mode: 0o600 }))
  return {
    release() {
      if (!db.open) return
      forPeopleOnly(() => unlinkSync(holderPath(journalPath)))
      db.close()
    },
  }
}

/** The holder's name is a courtesy: where it cannot be written or removed, the lock is as good without it. */
function forPeopleOnly(work: () => void): void {
  try {
    work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
  }
}

function lockedProblem(journalPath: string) {
  const pid = readHolderPid(journalPath)
  return {
    code: 'journal.locked' as const,
    message:
      pid === undefined
        ? 'Tunewright is already open with this journal.'
        : `Tunewright is already open with this journal (process ${pid}).`,
    where: journalPath,
    remedy: 'Use the one that is open, or close it and try again.',
  }
}

/** The process that wrote its name beside the lock; undefined where none did or the text is damaged. */
function readHolderPid(journalPath: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(holderPath(journalPath), 'utf8')) as { pid?: unknown }
    return Number.isSafeInteger(pid) ? (pid as number) : undefined
  } catch {
    return undefined
  }
}
