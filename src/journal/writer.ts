// The journal's one writer. It takes typed commands and nothing else; each is committed to the disk when it returns.
// Refuses to open beside another writer, on an unsafe disk, on a damaged or a newer journal.
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { ProblemError, type Result } from '#shared/result.ts'
import { backUp, backupsFolderOf, listBackups } from './backup.ts'
import { assertDurable, hasKnownFormat, openForReading, openForWriting } from './connection.ts'
import { assertUnchanged } from './contents-digest.ts'
import { countDroppedCommits } from './log-check.ts'
import { migrate, readVersion } from './migrate.ts'
import { asJournalProblem, attemptOn, corruptProblem } from './problems.ts'
import { restoringPath } from './restore.ts'
import { assertSafeFolder } from './safe-folder.ts'
import { assertSchema } from './schema-check.ts'
import { beginSession, endSession, isUnclosed } from './session.ts'
import { assertSound } from './sound-file.ts'
import { type JournalWriter, type OpenReport, writerOver } from './writer-commands.ts'
import { takeWriterLock, type WriterLock } from './writer-lock.ts'

export type { JournalWriter } from './writer-commands.ts'

export interface WriterOptions {
  /** UTC milliseconds; tests bring their own clock. */
  readonly now?: () => number
  readonly backupsFolder?: string
  /** Takes a journal that something else changed since it was closed as it is; left out, it is refused. */
  readonly acceptsChanges?: boolean
}

/** Opens the journal for writing; makes it where there is none. The folder is made too. */
export function openJournalWriter(path: string, options: WriterOptions = {}): Result<JournalWriter> {
  return attemptOn(path, () => {
    assertSafeFolder(dirname(path))
    const lock = takeWriterLock(path)
    try {
      return openLocked(path, lock, options)
    } catch (error) {
      lock.release()
      throw hasRottenFormat(error, path)
        ? new ProblemError(
            corruptProblem(path, 'its first bytes name a form of file that SQLite does not have'),
          )
        : error
    }
  })
}

/** With one flipped bit there SQLite opens the file for reading only, as if a right were missing. */
const hasRottenFormat = (error: unknown, path: string): boolean =>
  asJournalProblem(error, path)?.code === 'journal.unreadable' && !hasKnownFormat(path)

function openLocked(path: string, lock: WriterLock, options: WriterOptions): JournalWriter {
  const now = options.now ?? Date.now
  const backupsFolder = options.backupsFolder ?? backupsFolderOf(path)
  const isNew = !existsSync(path) || statSync(path).size === 0
  if (isNew && existsSync(restoringPath(path)))
    throw new ProblemError(corruptProblem(path, 'a restore was cut short before its last step'))
  if (isNew && existsSync(path) && listBackups(backupsFolder).length > 0)
    throw new ProblemError(corruptProblem(path, 'the file is empty, and there are backups of a journal'))
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size
  const droppedCommits = countDroppedCommits(path)
  const version = isNew ? 0 : readOwnVersion(path)
  const db = openForWriting(path)
  try {
    const wasUnclean = version > 0 && isUnclosed(db)
    if (wasUnclean || (logBytes ?? 0) > 0 || statSync(path).size <= alwaysCheckedBytes) assertSound(db, path)
    if (version > 0 && options.acceptsChanges !== true) assertUnchanged(db, path)
    const notices = [
      ...(wasUnclean && logBytes === undefined ? [missingLogNotice] : []),
      ...(droppedCommits > 0 ? [droppedNotice(droppedCommits)] : []),
    ]
    const { from, to } = migrate(db, path, {
      beforeUpgrade: (version) =>
        backUp(db, path, backupsFolder, now(), { prefix: `before-schema-${version}` }),
    })
    const session = beginSession(db, now())
    assertDurable(db, path)
    const opened: OpenReport = {
      isNew,
      upgradedFrom: !isNew && from < to ? from : null,
      afterUncleanExit: wasUnclean,
      notices,
    }
    return writerOver({ db, path, now, ownRuns: new Set() }, opened, backupsFolder, () =>
      endSession(db, session, now(), lock),
    )
  } catch (error) {
    db.close()
    throw error
  }
}

/** A journal up to this size is checked at every start, a larger one only where it was left open or a log was left. */
const alwaysCheckedBytes = 128 * 1024 * 1024

const missingLogNotice =
  'The journal was not closed the last time, and its companion file (-wal) is missing. Entries since it was last opened may be lost. This happens when only journal.db is copied or restored: always move the files together, or use a backup.'

const droppedNotice = (commits: number): string =>
  `The disk damaged the journal's log: at least ${commits} of the last entries could not be kept. What was written before them is sound.`

/** A stranger's database or a newer journal is found out by a connection that cannot change it. */
function readOwnVersion(path: string): number {
  if (existsSync(`${path}-journal`)) rollBack(path)
  const db = openForReading(path)
  try {
    const version = readVersion(db, path)
    assertSchema(db, path, version)
    return version
  } finally {
    db.close()
  }
}

/** A process that died while it made the file left a rollback journal, which only a writing connection can apply. */
function rollBack(path: string): void {
  const db = new Database(path)
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
  } finally {
    db.close()
  }
}
