// Going back to a backup, for the terminal and the window alike: a backup of now first, then the one that is wanted.
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { backupsFolderOf, listBackups } from '#journal/backup.ts'
import { type RestoreReport, restoreBackup } from '#journal/restore.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { attempt, type Problem, type Result, unwrap } from '#shared/result.ts'
import { isDamage } from './broken-journal.ts'

export interface WentBack extends RestoreReport {
  /** The name of the backup of now; null where none was made. */
  readonly backedUpAs: string | null
}

/**
 * Puts the named backup in the journal's place, or the newest that verifies; nobody may have the journal open. Where one is
 * named, a sound journal is backed up first; where it cannot be, nothing is put in its place.
 */
export const goBack = (path: string, name?: string): Result<WentBack> =>
  attempt(() => {
    const backedUpAs = name !== undefined && isThere(path, name) ? backUpFirst(path, name) : null
    return { ...unwrap(restoreBackup(path, { name })), backedUpAs }
  })

/** Journal and backup both: for a name that is not there nothing is begun, and where no journal is none is made. */
const isThere = (path: string, name: string): boolean =>
  existsSync(path) && listBackups(backupsFolderOf(path)).some((backup) => basename(backup.path) === name)

/**
 * So that the way back from it stands among the backups too; the name it has there. Null where this file cannot be backed
 * up, which is kept beside all the same. Throws where it could be and is not.
 */
function backUpFirst(path: string, spared: string): string | null {
  const made = attempt(() => {
    const writer = unwrap(openJournalWriter(path))
    try {
      return basename(unwrap(writer.backup(undefined, spared)).path)
    } finally {
      writer.close()
    }
  })
  return !made.ok && isBeyondBackup(made.problem) ? null : unwrap(made)
}

/** Rotted, or of a newer program: neither can be opened here. */
const isBeyondBackup = (problem: Problem): boolean => isDamage(problem) || problem.code === 'journal.too-new'
