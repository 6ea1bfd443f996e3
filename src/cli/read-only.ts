// Commands that only read work where nothing can be written too: in a read-only folder, on a full disk, on another
// computer's journal. They read a copy in the temporary folder, which is removed at their end.
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { type Library, libraryAt } from '#core/system/library.ts'
import { openForeignJournal } from '#journal/foreign.ts'
import type { JournalReader } from '#journal/reader.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { attempt, type Problem, ProblemError, unwrap } from '#shared/result.ts'

/** `at-rest`: nothing is under way in it, for nobody works on a copy. `as-written`: as the file says. */
export type SeenAs = 'at-rest' | 'as-written'

const unwritable: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'disk.full',
  'disk.failed',
  'journal.disk-full',
  'journal.unreadable',
  'journal.failed',
  'journal.backup-failed',
])

/** Whether there is a journal, and what kept it from being opened was that nothing could be written. */
export const isUnwritable = ({ code }: Problem, { journalPath }: Library): boolean =>
  unwritable.has(code) && existsSync(journalPath)

export const unwritableWords = ({ code }: Problem, { home }: Library): string =>
  code === 'journal.disk-full' ? `The disk of ${home} is full` : `Nothing can be written in ${home}`

/**
 * Where things lie for a command that only reads. With a journal of elsewhere: beside it, and nothing is made; what is
 * carried out still goes to the library.
 */
export function libraryForReading(
  home: string,
  journal: string | undefined,
  open: (home: string) => Library,
): Library {
  if (journal !== undefined) {
    const journalPath = resolve(journal)
    return { ...libraryAt(dirname(journalPath)), journalPath, exportsFolder: libraryAt(home).exportsFolder }
  }
  const opened = attempt(() => open(home))
  return !opened.ok && isUnwritable(opened.problem, libraryAt(home)) ? libraryAt(home) : unwrap(opened)
}

/** Throws a ProblemError: those of a journal that is looked into. */
export function lookInto(path: string, as: SeenAs): JournalReader {
  const opened = openForeignJournal(path, { isAtRest: as === 'at-rest' })
  if (!opened.ok && opened.problem.code === 'journal.disk-full')
    throw new ProblemError(noRoom(opened.problem))
  return unwrap(opened).reader
}

const noRoom = (problem: Problem): Problem => ({
  ...problem,
  message: 'There is no space for the copy that is read where nothing can be written.',
  where: tmpdir(),
  remedy: `Free some space there, or name a folder of another disk: ${process.platform === 'win32' ? 'set TEMP=D:\\FOLDER' : 'TMPDIR=/FOLDER tunewright …'}`,
})
