// Writing into the journal while its disk may be full: it waits and says so, and nothing is lost.
import type { Problem, Result } from '#shared/result.ts'
import { spaceSentence } from '../training/training-problems.ts'
import type { StudyClock } from './study-ports.ts'

/** With these the same is tried again when there is space. */
const spaceCodes: readonly Problem['code'][] = ['journal.disk-full', 'disk.full']
export const isSpaceProblem = ({ code }: Pick<Problem, 'code'>): boolean => spaceCodes.includes(code)

export const tryAgainMs = 15_000

export interface PersistPorts {
  readonly clock: StudyClock
  /** Why it waits; null when it no longer does. */
  readonly say: (reason: string | null) => void
  /** Whether it is to give up: what was not written is decided again later. */
  readonly isGivenUp: () => boolean
}

export const pause = (clock: StudyClock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.timer(ms, resolve)
  })

/** The first result that is no full disk; null where it was given up. */
export async function persist<T>(
  { clock, say, isGivenUp }: PersistPorts,
  write: () => Result<T>,
): Promise<Result<T> | null> {
  for (let isWaiting = false; ; isWaiting = true) {
    const written = write()
    if (written.ok || !isSpaceProblem(written.problem)) {
      if (isWaiting) say(null)
      return written
    }
    if (isGivenUp()) return null
    say(spaceSentence(written.problem))
    await pause(clock, tryAgainMs)
  }
}
