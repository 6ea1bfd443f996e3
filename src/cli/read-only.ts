// Commands that only read work where nothing can be written too: in a read-only folder, on a full disk, on another
// computer's journal. They read a copy in the temporary folder, which is removed at their end.
import { dirname, resolve } from 'node:path'
import { isUnwritable } from '#core/archive/read-only-journal.ts'
import { type Library, libraryAt } from '#core/system/library.ts'
import { attempt, unwrap } from '#shared/result.ts'

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
