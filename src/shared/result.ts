// Expected failure is a value. A Problem says what happened, where, what was expected and what to do next.
import type { ProblemCode } from './problem-codes.ts'

export interface Problem {
  /** Stable code: program logic decides by this, never by the prose. */
  readonly code: ProblemCode
  /** What happened, in one plain sentence. */
  readonly message: string
  /** Where: a file with row, column or byte offset, a recipe path such as `lora.rank`, a run id. */
  readonly where: string
  /** What the person can do next, in one plain sentence. */
  readonly remedy: string
  /** Every fault by itself, where one input (a recipe) can have several. */
  readonly faults?: readonly { readonly where: string; readonly message: string }[]
  /** Technical text for "Copy details". Never needed to understand the problem. */
  readonly details?: string
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const fail = (problem: Problem): { readonly ok: false; readonly problem: Problem } => ({
  ok: false,
  problem,
})

/**
 * Carries a Problem through deep recursion inside one module. The module's public functions catch it with
 * `attempt` or `attemptAsync`; it never crosses a room's edge.
 */
export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(`${problem.message} (${problem.where})`)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** Runs `work`; a thrown ProblemError becomes a failed Result, anything else is a bug and keeps flying. */
export function attempt<T>(work: () => T): Result<T> {
  try {
    return ok(work())
  } catch (error) {
    if (error instanceof ProblemError) return fail(error.problem)
    throw error
  }
}

/** `attempt` for asynchronous work. */
export async function attemptAsync<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work())
  } catch (error) {
    if (error instanceof ProblemError) return fail(error.problem)
    throw error
  }
}

/** The value of a Result, or its Problem thrown: for use inside an `attempt`. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new ProblemError(result.problem)
}

/** Whatever was thrown, for the details of a Problem. */
export const detailsOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** A fault of the program's own, as what a person reads of it. */
export const faultOf = (where: string, error: unknown): Problem => ({
  code: 'internal.fault',
  message: 'Tunewright ran into a fault of its own. Nothing that was saved is lost.',
  where,
  remedy: 'Try again. If it happens again, report it with the details.',
  details: detailsOf(error),
})

/** One readable block for a terminal or a log: what happened, every fault if there are several, where, what to do. */
export function describeProblem({ message, faults = [], where, remedy }: Problem): string {
  const list = faults.length > 1 ? faults.map((fault) => `  at ${fault.where}: ${fault.message}`) : []
  return [message, ...list, `  where: ${where}`, `  what to do: ${remedy}`].join('\n')
}
