// Stands where a damaged journal would: every question and every command is answered with what is wrong and what helps.
// So the program opens all the same, shows what needs no journal, and can put a backup in its place.
import { fail, ok, type Problem, type Result } from '#shared/result.ts'

/** A fault of the file itself, which a backup mends; everything else (held by another program, too new) is not. */
export const isDamage = ({ code }: Problem): boolean =>
  code === 'journal.corrupt' || code === 'journal.changed'

interface Journal {
  readonly path: string
  close(): unknown
}

/** Reader and writer alike: each of their methods gives a Result. */
export function brokenJournal<T extends Journal>(path: string, problem: Problem): T {
  const told: Readonly<Record<string, unknown>> = { path, close: () => ok(undefined) }
  const answer = (): Result<never> => fail(problem)
  return new Proxy({} as T, {
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : (told[name] ?? answer)),
  })
}

/** The Problem as a person meets it on every screen that needs the journal. */
export const damagedProblem = (problem: Problem): Problem => ({
  ...problem,
  remedy:
    problem.code === 'journal.changed'
      ? 'Open Settings, part "Journal": take it as it is if you know what changed it, or put a backup in its place.'
      : 'Open Settings, part "Journal", and put the newest backup in its place. The damaged file is kept beside it.',
})
