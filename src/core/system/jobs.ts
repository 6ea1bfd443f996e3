// Long work under way: started, told, cancelled, ended. A job ends in a Result; what it made is kept by the room that did it.
import { randomUUID } from 'node:crypto'
import type { Emit, Job } from '#shared/contract/index.ts'
import { attemptAsync, fail, faultOf, ok, type Problem, type Result } from '#shared/result.ts'
import { withTypedCommands } from './typed-command.ts'

export interface NewJob extends Pick<Job, 'kind' | 'title'> {
  readonly projectId?: string
  readonly runId?: string
  readonly modelId?: string
  /** Only one job with the same key at a time: the second call gets the first one's id. */
  readonly key?: string
}

export interface JobTools {
  readonly signal: AbortSignal
  /** Where the work is; `total` 0 where the phase has no steps. Told a few times a second, however often it is called. */
  tell(phase: string, done?: number, total?: number): void
  /** What the work is about, where that is known only later. */
  found(about: Partial<Pick<Job, 'projectId' | 'runId' | 'modelId'>>): void
}

export interface JobBoard {
  /** Starts the work and answers at once. */
  start(job: NewJob, work: (tools: JobTools) => Promise<Result<unknown>>): { readonly jobId: string }
  /** Asks a running job to stop; `job.unknown` where there is none. */
  cancel(jobId: string): Result<Record<string, never>>
  /** Running jobs, and those that ended within the last minutes. */
  list(): Job[]
  /** Resolves when the job has ended; at once for an unknown one. */
  ended(jobId: string): Promise<void>
  /** Cancels everything and waits for it. */
  close(): Promise<void>
}

/** Ended jobs are shown this long, so that a page that was closed meanwhile learns how they ended. */
const keptMs = 10 * 60_000
const tellEveryMs = 200

interface Entry {
  job: Job
  /** null while it runs. */
  endedAtMs: number | null
  readonly key: string | undefined
  readonly cancel: AbortController
  readonly ended: Promise<void>
}

export function createJobBoard(emit: Emit, now: () => number = Date.now): JobBoard {
  const entries = new Map<string, Entry>()

  const note = (id: string, part: Partial<Job>): void => {
    const entry = entries.get(id)
    if (entry !== undefined) entry.job = { ...entry.job, ...part }
  }

  const change = (id: string, part: Partial<Job>): void => {
    note(id, part)
    const entry = entries.get(id)
    if (entry !== undefined) emit('job.changed', entry.job)
  }

  function forgetOld(): void {
    for (const [id, { endedAtMs }] of entries)
      if (endedAtMs !== null && now() - endedAtMs > keptMs) entries.delete(id)
  }

  function toolsFor(id: string, signal: AbortSignal): JobTools {
    let toldMs = Number.NEGATIVE_INFINITY
    let isEndTold = false
    let phaseSince = { phase: '', atMs: now(), done: 0 }
    return {
      signal,
      found: (about) => change(id, about),
      tell(phase, doneSaid = 0, totalSaid = 0) {
        const total = Math.max(0, Math.round(totalSaid))
        const done = Math.min(Math.max(0, Math.round(doneSaid)), total > 0 ? total : Number.MAX_SAFE_INTEGER)
        const isNew = phase !== phaseSince.phase
        if (isNew) phaseSince = { phase, atMs: now(), done }
        const isEnd = total > 0 && done === total
        const isDue = isNew || (isEnd && !isEndTold) || now() - toldMs >= tellEveryMs
        const leftMs = leftOf(phaseSince, done, total, now())
        if (!isDue) return note(id, { phase, done, total, leftMs })
        toldMs = now()
        isEndTold = isEnd
        change(id, { phase, done, total, leftMs })
      },
    }
  }

  async function follow(id: string, run: () => Promise<Result<unknown>>, signal: AbortSignal): Promise<void> {
    const result = await attemptAsync(async () => run()).then(
      (outer) => (outer.ok ? outer.value : outer),
      (error: unknown) => fail(faultOf('long work', error)),
    )
    const entry = entries.get(id)
    if (entry !== undefined) entry.endedAtMs = now()
    const isCancelled = !result.ok && (signal.aborted || result.problem.code === 'proof.cancelled')
    change(id, {
      status: result.ok ? 'done' : isCancelled ? 'cancelled' : 'failed',
      problem: result.ok ? null : withTypedCommands(result.problem),
      leftMs: null,
    })
  }

  return {
    start(spec, work) {
      forgetOld()
      for (const { job, key } of entries.values())
        if (spec.key !== undefined && key === spec.key && job.status === 'running') return { jobId: job.id }
      const id = randomUUID()
      const cancel = new AbortController()
      const job: Job = {
        id,
        kind: spec.kind,
        title: spec.title,
        projectId: spec.projectId ?? null,
        runId: spec.runId ?? null,
        modelId: spec.modelId ?? null,
        status: 'running',
        phase: '',
        done: 0,
        total: 0,
        startedAtMs: now(),
        leftMs: null,
        problem: null,
      }
      const tools = toolsFor(id, cancel.signal)
      const ended = Promise.resolve().then(() => follow(id, () => work(tools), cancel.signal))
      entries.set(id, { job, endedAtMs: null, key: spec.key, cancel, ended })
      emit('job.changed', job)
      return { jobId: id }
    },
    cancel(jobId) {
      const entry = entries.get(jobId)
      if (entry === undefined || entry.job.status !== 'running') return fail(unknownJob(jobId))
      entry.cancel.abort()
      return ok({})
    },
    list() {
      forgetOld()
      return [...entries.values()].map(({ job }) => job)
    },
    ended: async (jobId) => entries.get(jobId)?.ended,
    async close() {
      for (const { cancel } of entries.values()) cancel.abort()
      await Promise.all([...entries.values()].map(({ ended }) => ended))
    },
  }
}

/** By the pace of this phase so far; null before a tenth of it is done, and when all of it is. */
function leftOf(
  since: { readonly atMs: number; readonly done: number },
  done: number,
  total: number,
  nowMs: number,
): number | null {
  const made = done - since.done
  if (total === 0 || made <= 0 || done < total / 10 || done >= total) return null
  return ((nowMs - since.atMs) / made) * (total - done)
}

const unknownJob = (jobId: string): Problem => ({
  code: 'job.unknown',
  message: 'This work has ended already.',
  where: jobId,
  remedy: 'Nothing has to be done.',
})
