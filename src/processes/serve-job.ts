// What the scorer and the generator have in common: one job by message, a heartbeat, cancel, one last word, exit.
import type { z } from 'zod'
import { detailsOf, type Problem, ProblemError } from '#shared/result.ts'
import { connectParent, type ParentPort } from './parent-port.ts'

const heartbeatMs = 5_000

export interface JobContext<Event> {
  emit(event: Event): Promise<void>
  readonly signal: AbortSignal
}

type Command<Job> = { readonly kind: 'start'; readonly job: Job } | { readonly kind: 'cancel' }

/** Thrown by `throwIfCancelled`; ends the job with `cancelled`. */
class Cancelled extends Error {}

/** Lets waiting messages in (a run of the numerics blocks this thread), then throws if one of them was `cancel`. */
export async function throwIfCancelled(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  if (signal.aborted) throw new Cancelled('cancelled')
}

/** Takes a message that belongs to no job; false where it is none of its own either. */
export type OtherMessages = (message: unknown, parent: ParentPort) => boolean

/**
 * Waits for `start`, does the job and exits. `work` emits its events, `finished` among them; a ProblemError it throws
 * becomes `failed`, anything else `failed` with `code` and the stack in its details.
 */
export function serveJob<Job, Event>(
  schema: z.ZodType<Command<Job>>,
  code: Problem['code'],
  work: (job: Job, context: JobContext<Event>) => Promise<void>,
  takesOther: OtherMessages = () => false,
): void {
  const parent = connectParent()
  const cancel = new AbortController()
  let started = false
  // Ctrl-C and a closed window reach every process of the terminal; the one that launched this one says `cancel`.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  parent.onMessage(async (message) => {
    if (!started && takesOther(message, parent)) return
    const command = schema.safeParse(message)
    if (!command.success) return void (await parent.send(notUnderstood(code, command.error.message)))
    if (command.data.kind === 'cancel') return cancel.abort()
    if (started) return
    started = true
    const { job } = command.data
    const heartbeat = setInterval(() => void parent.send({ kind: 'heartbeat' }), heartbeatMs)
    try {
      await work(job, { emit: (event) => parent.send(event), signal: cancel.signal })
    } catch (error) {
      await parent.send(lastWord(error, code))
    }
    clearInterval(heartbeat)
    process.exit(0)
  })
}

const notUnderstood = (code: Problem['code'], details: string): object => ({
  kind: 'failed',
  problem: {
    code,
    message: 'The measuring process was told something it does not understand.',
    where: 'inside the measuring process',
    remedy: 'Try again. If it happens again, report it with the details.',
    details,
  } satisfies Problem,
})

function lastWord(error: unknown, code: Problem['code']): object {
  return error instanceof Cancelled
    ? { kind: 'cancelled' }
    : { kind: 'failed', problem: problemOf(error, code) }
}

export function problemOf(error: unknown, code: Problem['code']): Problem {
  if (error instanceof ProblemError) return error.problem
  return {
    code,
    message: 'The measurement ran into a fault of Tunewright.',
    where: 'inside the measuring process',
    remedy: 'Try again. If it happens again, report it with the details.',
    details: detailsOf(error),
  }
}
