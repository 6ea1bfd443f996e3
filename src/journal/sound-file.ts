// Whether SQLite finds its file sound.
import { statSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { ProblemError } from '#shared/result.ts'
import { corruptProblem } from './problems.ts'

/** Up to this size a file is read whole in about a second. */
const fullyCheckedBytes = 64 * 1024 * 1024

/** Whether a file is small enough to be read whole wherever it is opened. */
export const isSmall = (path: string): boolean => statSync(path).size <= fullyCheckedBytes

/**
 * `integrity_check` compares every index with its table too, sees rows that lie out of the order of their keys, and takes
 * about twice the time of `quick_check`. Throws journal.corrupt, of `path`; `shownAs`: the place that a person knows.
 */
export function assertSound(db: Database, path: string, shownAs = path): void {
  const check = isSmall(path) ? 'integrity_check(1)' : 'quick_check(1)'
  const verdict = db.pragma(check, { simple: true })
  if (verdict !== 'ok') throw new ProblemError(corruptProblem(shownAs, String(verdict)))
}
