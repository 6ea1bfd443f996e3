// SQLite's errors as Problems: what happened to the journal, in plain words, and what to do next.
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { type Problem, ProblemError, type Result } from '#shared/result.ts'
import { DamagedValueError } from './read-json.ts'

/** Runs `work`; a Problem or an expected failure of SQLite becomes a failed Result, anything else is a bug and flies on. */
export function attemptOn<T>(path: string, work: () => T): Result<T> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    const problem = asJournalProblem(error, path)
    if (problem) return { ok: false, problem }
    throw error
  }
}

/** The Problem that an error stands for; undefined where the error is a bug of ours. */
export function asJournalProblem(error: unknown, path: string): Problem | undefined {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof DamagedValueError) return corruptProblem(path, error.message)
  if (error instanceof Database.SqliteError) return fromSqlite(error, path)
  if (error instanceof TypeError && /database connection is not open/.test(error.message))
    return closedProblem(path)
  return fromSystem(error as NodeJS.ErrnoException, path)
}

export function closedProblem(path: string): Problem {
  return {
    code: 'journal.closed',
    message: 'The journal was already closed.',
    where: path,
    remedy: 'Open it again.',
  }
}

export function corruptProblem(path: string, details: string): Problem {
  return {
    code: 'journal.corrupt',
    message: 'The journal is damaged: what it holds cannot be trusted any more.',
    where: path,
    remedy:
      'Put the newest verified backup in its place, under “Settings” or with: tunewright journal restore. The damaged file is kept beside it, and what the backup lacks is listed.',
    details,
  }
}

function diskFullProblem(path: string, details: string): Problem {
  return {
    code: 'journal.disk-full',
    message: 'The disk is full, so this was not written to the journal. Everything written before is safe.',
    where: dirname(path),
    remedy: 'Free some space on this disk, then go on.',
    details,
  }
}

function fromSqlite(error: InstanceType<typeof Database.SqliteError>, path: string): Problem | undefined {
  const details = `${error.code}: ${error.message}`
  const family = error.code.split('_').slice(0, 2).join('_')
  switch (family) {
    case 'SQLITE_FULL':
      return diskFullProblem(path, details)
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return corruptProblem(path, details)
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return {
        code: 'journal.busy',
        message: 'Another program held the journal for too long.',
        where: path,
        remedy: 'Close other programs that have this file open, then try again.',
        details,
      }
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return unreadableProblem(path, details)
    case 'SQLITE_IOERR':
    case 'SQLITE_PROTOCOL':
      return hasNoSpace(path) ? diskFullProblem(path, details) : failedProblem(path, details)
    case 'SQLITE_ERROR':
      // The index of words, and a form of schema that there is not, have no code for damage; other plain errors are bugs.
      return /fts5.*file format|malformed|unsupported file format/.test(error.message)
        ? corruptProblem(path, details)
        : undefined
    default:
      return undefined
  }
}

function fromSystem(error: NodeJS.ErrnoException, path: string): Problem | undefined {
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFullProblem(path, String(error))
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return unreadableProblem(path, String(error))
    case 'EIO':
    case 'EMFILE':
    case 'ENFILE':
    case 'EBUSY':
      return failedProblem(path, String(error))
    default:
      return undefined
  }
}

export function unreadableProblem(path: string, details: string): Problem {
  return {
    code: 'journal.unreadable',
    message: 'The journal could not be opened.',
    where: path,
    remedy: 'Check that the folder exists and that you may read and write in it.',
    details,
  }
}

function failedProblem(path: string, details: string): Problem {
  return {
    code: 'journal.failed',
    message: 'The disk did not do what was asked, so this was not written to the journal.',
    where: path,
    remedy: 'Check that the disk is healthy and still connected, then try again.',
    details,
  }
}

/** SQLite reports some failures of a full disk as I/O errors; the disk itself knows. */
function hasNoSpace(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize < 64 * 1024
  } catch {
    return false
  }
}

/** A command that the journal refuses: nothing was written. */
export function refuse(code: ProblemCode, message: string, where: string, remedy: string): never {
  throw new ProblemError({ code, message, where, remedy })
}

/** Refuses a command or a question about a run that is not there. */
export function refuseUnknownRun(id: string): never {
  refuse(
    'run.unknown',
    'The journal knows no run with this id.',
    `run ${id}`,
    'List the runs and choose one of them.',
  )
}
