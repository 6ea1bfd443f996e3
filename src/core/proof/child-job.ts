// One job in one child process: sends it, checks every message, and ends in a value or in one Problem. A child that dies,
// talks nonsense or falls silent never leaves the caller waiting.
import type { z } from 'zod'
import { fail, ok, type Problem, type Result } from '#shared/result.ts'
import type { ChildExit, Launcher, ProcessName } from '../system/launcher.ts'

/** Longer than the slowest single step between two messages of a healthy child on a slow computer. */
export const defaultSilenceMs = 300_000
/** How long a child may take to stop by itself once it was asked to. */
const stopMs = 5_000

export interface ChildJob<Event extends { readonly kind: string }> {
  readonly process: ProcessName
  readonly job: unknown
  readonly eventSchema: z.ZodType<Event>
  /** Called for every message in order, before the end is judged. */
  readonly onEvent: (event: Event) => void
  /** Ends the job as `proof.cancelled`. */
  readonly signal?: AbortSignal | undefined
  readonly silenceMs?: number
  /** Words for a person if the child fails on its own. */
  readonly failure: { readonly code: Problem['code']; readonly what: string; readonly remedy: string }
}

export const cancelledProblem = (where: string): Problem => ({
  code: 'proof.cancelled',
  message: 'The measurement was stopped before it was finished. Nothing of it was kept.',
  where,
  remedy: 'Start it again whenever you like; it does not change the trained model.',
})

/** Resolves when the child has ended, with `finished` as its last word or with a Problem. */
export function runChildJob<Event extends { readonly kind: string }>(
  launcher: Launcher,
  spec: ChildJob<Event>,
): Promise<Result<void>> {
  if (spec.signal?.aborted) return Promise.resolve(fail(cancelledProblem(spec.process)))
  return new Promise((resolve) => {
    const child = launcher.launch(spec.process)
    let end: Result<void> | null = null
    let silence: ReturnType<typeof setTimeout> | undefined
    let stopping: ReturnType<typeof setTimeout> | undefined

    const { code, what, remedy } = spec.failure
    const problem = (whatHappened: string, details: string): Result<void> =>
      fail({ code, message: `${what} ${whatHappened}.`, where: `${spec.process} process`, remedy, details })
    /** The first reason counts; the child is gone when onExit says so. */
    const decide = (result: Result<void>): void => {
      end ??= result
    }
    const killAs = (result: Result<void>): void => {
      decide(result)
      child.kill()
    }
    const watch = (): void => {
      clearTimeout(silence)
      const silenceMs = spec.silenceMs ?? defaultSilenceMs
      silence = setTimeout(
        () => killAs(problem('stopped answering', `no message for ${silenceMs} ms`)),
        silenceMs,
      )
    }
    const onAbort = (): void => {
      decide(fail(cancelledProblem(spec.process)))
      child.send({ kind: 'cancel' })
      stopping ??= setTimeout(() => child.kill(), stopMs)
    }

    child.onMessage((message) => {
      watch()
      const event = spec.eventSchema.safeParse(message)
      if (!event.success) return killAs(problem('sent something unreadable', event.error.message))
      if (end) return
      const failed = event.data as { kind: string; problem?: Problem }
      if (failed.kind === 'failed' && failed.problem) {
        // Its last word: one that stays (it never understood its job) is ended.
        stopping ??= setTimeout(() => child.kill(), stopMs)
        return decide(fail(failed.problem))
      }
      if (failed.kind === 'cancelled') return decide(fail(cancelledProblem(spec.process)))
      spec.onEvent(event.data)
      if (failed.kind === 'finished') decide(ok(undefined))
    })
    child.onExit((exit) => {
      clearTimeout(silence)
      clearTimeout(stopping)
      spec.signal?.removeEventListener('abort', onAbort)
      resolve(end ?? problem('ended unexpectedly', describeExit(exit)))
    })
    spec.signal?.addEventListener('abort', onAbort)
    watch()
    child.send({ kind: 'start', job: spec.job })
  })
}

/** How a child ended, for the details of a Problem. */
export const describeExit = (exit: ChildExit): string =>
  `exit code ${exit.code}, signal ${exit.signal}\n${exit.lastWords}`
