// One's own journal where nothing can be written: on a full disk, in a folder for reading only. A copy of it in the temporary
// folder is read, and whatever would write says why it cannot. The same for the terminal, the window and the browser.
import { accessSync, constants, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { type ForeignJournal, openForeignJournal } from '#journal/foreign.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import type { Library } from '../system/library.ts'

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

const isFull = ({ code }: Problem): boolean => code === 'journal.disk-full' || code === 'disk.full'

/** Whether there is a journal, and what kept it from being opened was that nothing could be written. */
export const isUnwritable = ({ code }: Problem, { journalPath }: Library): boolean =>
  unwritable.has(code) && existsSync(journalPath)

export const unwritableWords = (problem: Problem, { home }: Library): string =>
  isFull(problem) ? `The disk of ${home} is full` : `Nothing can be written in ${home}`

/** What is answered wherever something would be written in a program that is open for reading only. */
export const readOnlyProblem = (problem: Problem, library: Library): Problem => ({
  ...problem,
  message: `${unwritableWords(problem, library)}, so Tunewright is open for reading only.`,
  where: library.home,
  remedy: isFull(problem)
    ? 'Free some space on that disk, then end Tunewright and start it again. To carry the journal out to another disk: tunewright journal export jsonl --to FOLDER'
    : 'See to it that you may write there, then end Tunewright and start it again.',
})

/** The same for a person who starts it: what works all the same stands between. */
export const readOnlyNotice = ({ message, remedy }: Problem): string =>
  `${message} Projects, runs, proofs and searches can be looked at and compared; nothing is begun, changed or kept meanwhile. ${remedy}`

/** For a command that has to write: where nothing can be written the reason, else the Problem as it was. */
export function toldToWriter(problem: Problem, library: Library): Problem {
  if (!isUnwritable(problem, library) || !(isFull(problem) || isForReadingOnly(library))) return problem
  return {
    ...problem,
    message: `${unwritableWords(problem, library)}, and this command has to write there.`,
    where: library.home,
    remedy: isFull(problem)
      ? 'Free some space on that disk, then try again.'
      : 'See to it that you may write there, then try again.',
  }
}

const isForReadingOnly = ({ home, journalPath }: Library): boolean =>
  [home, journalPath].some((path) => {
    try {
      accessSync(path, constants.W_OK)
      return false
    } catch {
      return true
    }
  })

/** `isOwn`: the library's own journal. Throws a ProblemError: those of a journal that is looked into. */
export function lookInto(path: string, as: SeenAs, isOwn: boolean): Omit<ForeignJournal, 'schema'> {
  const opened = openForeignJournal(path, { isAtRest: as === 'at-rest', isOwn })
  if (!opened.ok && opened.problem.code === 'journal.disk-full')
    throw new ProblemError(noRoom(opened.problem))
  return unwrap(opened)
}

const noRoom = (problem: Problem): Problem => ({
  ...problem,
  message: 'There is no space in the temporary folder for the copy of the journal that is read.',
  where: tmpdir(),
  remedy: `Free some space there, or name a folder of another disk: ${process.platform === 'win32' ? 'set TEMP=D:\\FOLDER' : 'TMPDIR=/FOLDER tunewright …'}`,
})
