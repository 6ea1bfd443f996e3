// What is wrong with the copy of a journal that is only looked into, in words of the file that a person knows.
import type { Problem } from '#shared/result.ts'

/** The same Problem in the words of whoever reads. */
export type ToldAs = (problem: Problem) => Problem

export interface Telling {
  /** This library's own journal: its backups help with it. Of any other file another copy does. */
  readonly isOwn?: boolean
  /** What the file is called; its path where left out. */
  readonly shownAs?: string
}

/** One's own backups would take the place of one's own journal, which nothing is wrong with. */
const otherHelp =
  'Get another copy of this file, or one of its backups: they lie in the folder "backups" beside the journal that it is a copy of.'

/** `paths`: what a Problem may name, the file's own last. */
export function toldOfCopy(
  paths: readonly string[],
  { isOwn = false, shownAs = paths.at(-1) }: Telling,
): ToldAs {
  return (problem) => {
    const isDamage = problem.code === 'journal.corrupt' || problem.code === 'journal.changed'
    return {
      ...problem,
      where: paths.includes(problem.where) ? (shownAs ?? problem.where) : problem.where,
      ...(isDamage && !isOwn && { remedy: otherHelp }),
    }
  }
}
