// Any thrown value as a Problem: the one that was meant where one was thrown, else a fault of the disk or of ours.
import { type Problem, ProblemError } from '#shared/result.ts'

export function problemOf(error: unknown, where: string): Problem {
  if (error instanceof ProblemError) return error.problem
  return {
    code: 'internal.fault',
    message: 'Tunewright ran into a fault of its own. Nothing that was saved is lost.',
    where,
    remedy: 'Try again. If it happens again, report it with the details.',
    details: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}
