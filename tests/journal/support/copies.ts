// Copies of a journal's files as a crash or a careless hand leaves them. The copying is done by another process: closing
// a file that SQLite has open would drop this process's locks on it.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folders.ts'

/** Copies journal.db, and its log where it exists and is wanted, into a new folder; returns the new journal's path. */
export function copyJournal(path: string, { withLog = true } = {}): string {
  const folder = temporaryFolder()
  const copy = join(folder, 'journal.db')
  execFileSync('cp', [path, copy])
  if (withLog && existsSync(`${path}-wal`)) execFileSync('cp', [`${path}-wal`, `${copy}-wal`])
  return copy
}
