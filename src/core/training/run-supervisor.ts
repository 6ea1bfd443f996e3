// Watches one trainer process: checks the order of its events, commits them in batches before anyone sees them, notices
// when it dies or falls silent, and gives the run its end in the journal. It decides nothing about training.
import type { NewEvent } from '#shared/journal-commands.ts'
import type { RunStatus } from '#shared/journal-types.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'
import {
  type TrainerCommand,
  type TrainerEvent,
  type TrainerEventOf,
  type TrainerJob,
  type TrainerMessage,
  trainerEvent,
} from '#shared/trainer-protocol.ts'
import { codeFingerprint } from '../system/code-fingerprint.ts'
import type { ChildExit, ChildPort } from '../system/launcher.ts'
import { recordTuned } from './record-tuned.ts'
import type { RunWriter } from './run-journal.ts'
import { takeRequest } from './run-requests.ts'
import { deadTrainer, silentTrainer, spaceSentence, strangeMessage } from './training-problems.ts'

export interface Clock {
  /** Wall clock, for dates that people read. */
  utcMs(): number
  /** Never jumps, for durations. */
  monotonicMs(): number
}

export const systemClock: Clock = { utcMs: () => Date.now(), monotonicMs: () => performance.now() }

export interface RunOutcome {
  readonly runId: string
  readonly status: RunStatus
  /** Why it did not finish; null where it did. */
  readonly problem: Problem | null
}

/** How an attempt came to nothing. */
export interface RunFailure {
  readonly status: 'failed' | 'crashed'
  readonly problem: Problem
  /** It had been asked to stop. */
  readonly isStopping: boolean
}

/** The end of an attempt: of the run too, unless another one follows. */
export interface AttemptEnd extends RunOutcome {
  readonly isFollowed: boolean
}

export interface SupervisorOptions {
  readonly journal: RunWriter
  readonly child: ChildPort
  readonly job: TrainerJob
  readonly attempt: number
  readonly clock: Clock
  /** A trainer that says nothing for so long is ended. */
  readonly silentLimitMs: number
  /** Whether there is a checkpoint to go on from; left out, there is. */
  readonly isSaved?: () => boolean
  /** Said first, before the trainer says anything. */
  readonly notices?: readonly string[]
  /**
   * Asked before the journal hears of a failure. Null: another attempt has begun, and the run is under way. A Problem: the
   * run ends with it. Not ok: the journal could not be written.
   */
  readonly onFailure?: (failure: RunFailure) => Result<Problem | null>
}

export interface ActiveRun {
  readonly runId: string
  /** Number of the attempt that is under way. */
  readonly attempt: number
  /** Of the trainer process; undefined where the system gave none, or not yet. */
  readonly pid: number | undefined
  pause(): void
  resume(): void
  /** Stops at the next micro-batch with a checkpoint. */
  cancel(): void
  /** Events after they are in the journal, and heartbeats. */
  onEvent(listener: (message: TrainerMessage) => void): void
  readonly ended: Promise<RunOutcome>
}

const batchIntervalMs = 250
const batchEvents = 64
const watchIntervalMs = 500
/** A watch tick this late means the computer slept: silence before it is nobody's fault. */
const sleepGapMs = 5_000
/** What is told at once: a state change must not wait for the batch. */
const urgentKinds: ReadonlySet<string> = new Set([
  'phase',
  'checkpoint',
  'finished',
  'failed',
  'paused',
  'resumed',
])

/** So begins what is said of a run that waits for space on the disk. */
export const heldForDisk = 'Waiting: '

const isDiskFull = (problem: Problem): boolean => problem.code === 'journal.disk-full'

export interface SupervisedAttempt extends ActiveRun {
  readonly ended: Promise<AttemptEnd>
}

/** A plan notes besides which program computes from there on: a run may go on with another one. */
function asNewEvent({ seq, event: { kind, ...body } }: TrainerMessage, atMs: number): NewEvent {
  return { seq, atMs, kind, body: kind === 'plan' ? { ...body, code: codeFingerprint() } : body }
}

/** Takes over a launched trainer, sends it the job and follows it to its end. */
export function superviseRun(options: SupervisorOptions): SupervisedAttempt {
  const { journal, child, attempt, clock, notices = [], onFailure = ({ problem }) => ok(problem) } = options
  const { isSaved = () => true } = options
  const listeners: ((message: TrainerMessage) => void)[] = []
  const pending: { message: TrainerMessage; atMs: number }[] = []
  const job: TrainerJob = { ...options.job, firstSeq: options.job.firstSeq + notices.length }
  let nextSeq = job.firstSeq
  let lastHeardMs = clock.monotonicMs()
  let lastWatchMs = lastHeardMs
  let ending: TrainerEventOf<'finished'> | TrainerEventOf<'failed'> | null = null
  let fault: Problem | null = null
  let isHeldByDisk = false
  let isStopping = false
  let endWith: (end: AttemptEnd) => void = () => {}
  const ended = new Promise<AttemptEnd>((resolve) => {
    endWith = resolve
  })

  const tell = (command: TrainerCommand) => {
    isStopping ||= command.kind === 'cancel'
    child.send(command)
  }
  const broadcast = (message: TrainerMessage) => {
    for (const listener of listeners) listener(message)
  }

  /** Commits what is pending, then shows it. A full disk holds the trainer until the journal can write again. */
  function commit(): boolean {
    if (pending.length === 0) return true
    const batch = pending.slice()
    const events = batch.map(({ message, atMs }) => asNewEvent(message, atMs))
    const written = journal.appendEvents(job.runId, attempt, events)
    if (!written.ok) {
      if (isDiskFull(written.problem)) {
        if (!isHeldByDisk) holdForDisk(written.problem)
      } else stop(written.problem)
      return false
    }
    pending.splice(0, batch.length)
    if (isHeldByDisk) {
      isHeldByDisk = false
      tell({ kind: 'resume' })
    }
    for (const { message } of batch) {
      follow(message.event)
      broadcast(message)
    }
    const saved = batch.findLast(({ message }) => message.event.kind === 'checkpoint')?.message.event
    if (saved?.kind === 'checkpoint') tell({ kind: 'journaled', step: saved.step })
    return true
  }

  /** The trainer waits until the journal can be written again. Said at once, though it cannot be written down yet. */
  function holdForDisk(problem: Problem): void {
    isHeldByDisk = true
    tell({ kind: 'pause' })
    broadcast({
      seq: nextSeq - 1,
      event: { kind: 'notice', text: `${heldForDisk}${spaceSentence(problem)}` },
    })
  }

  /** State changes that the run's row shows. */
  function follow(event: TrainerEvent): void {
    if (event.kind === 'paused') journal.setRunStatus(job.runId, 'paused')
    if (event.kind === 'resumed') journal.setRunStatus(job.runId, 'running')
    if (event.kind === 'finished' || event.kind === 'failed') ending = event
  }

  function stop(problem: Problem): void {
    fault ??= problem
    child.kill()
  }

  /** What had its last word and does not go, because its driver holds it, ended as it said. */
  function endSilent(): void {
    if (ending === null) stop(silentTrainer(job.runId, options.silentLimitMs, isSaved()))
    else child.kill()
  }

  for (const [index, text] of notices.entries())
    pending.push({
      message: { seq: options.job.firstSeq + index, event: { kind: 'notice', text } },
      atMs: clock.utcMs(),
    })

  child.onMessage((raw) => {
    lastHeardMs = clock.monotonicMs()
    const { seq, event } = (raw ?? {}) as { seq?: unknown; event?: unknown }
    const parsed = trainerEvent.safeParse(event)
    if (!parsed.success || typeof seq !== 'number') return stop(strangeMessage(job.runId, isSaved()))
    const message: TrainerMessage = { seq, event: parsed.data }
    if (parsed.data.kind === 'heartbeat') return broadcast(message)
    if (seq !== nextSeq)
      return stop(strangeMessage(job.runId, isSaved(), `event ${seq} came where ${nextSeq} was due`))
    nextSeq += 1
    pending.push({ message, atMs: clock.utcMs() })
    if (pending.length >= batchEvents || urgentKinds.has(parsed.data.kind)) commit()
  })

  const batchTimer = setInterval(commit, batchIntervalMs)
  const watchTimer = setInterval(() => {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastWatchMs > sleepGapMs) lastHeardMs = nowMs
    lastWatchMs = nowMs
    if (nowMs - lastHeardMs > options.silentLimitMs) endSilent()
    const request = takeRequest(job.runFolder)
    if (request) tell({ kind: request })
  }, watchIntervalMs)

  child.onExit((exit) => {
    clearInterval(watchTimer)
    settle(exit)
  })

  /** What the trainer sent, and the run's end, go into the journal however long the disk stays full. */
  function settle(exit: ChildExit): void {
    const outcome = commit() || !isHeldByDisk ? conclude(exit) : null
    if (outcome === null) {
      setTimeout(() => settle(exit), batchIntervalMs)
      return
    }
    clearInterval(batchTimer)
    endWith(outcome)
  }

  /** The end, written; null while the journal's disk is full. */
  function conclude(exit: ChildExit): AttemptEnd | null {
    const { runId } = job
    if (ending?.kind === 'finished' && ending.adapterSha256 !== null && fault === null) {
      const unrecorded = recordTuned(journal, job, ending.adapterSha256)
      if (unrecorded !== null && isDiskFull(unrecorded)) return null
      fault = unrecorded
    }
    if (ending?.kind === 'finished' && fault === null) {
      const { reason, bestStep, bestLossNats, adapterSha256 } = ending
      const done = journal.finishRun(runId, { reason, bestStep, bestLossNats, adapterSha256 })
      if (done.ok) return lastEnd(reason === 'cancelled' ? 'cancelled' : 'finished', null)
      return isDiskFull(done.problem) ? null : lastEnd('crashed', done.problem)
    }
    const status = ending?.kind === 'failed' && fault === null ? 'failed' : 'crashed'
    const dead = { runId, recipe: job.recipe, isSaved: isSaved() }
    const failure = fault ?? (ending?.kind === 'failed' ? ending.problem : deadTrainer(dead, exit))
    return failWith({ status, problem: failure, isStopping })
  }

  const lastEnd = (status: RunStatus, problem: Problem | null): AttemptEnd => ({
    runId: job.runId,
    status,
    problem,
    isFollowed: false,
  })

  function failWith(failure: RunFailure): AttemptEnd | null {
    const { status } = failure
    const answered = onFailure(failure)
    if (!answered.ok && isDiskFull(answered.problem)) return null
    const problem = answered.ok ? answered.value : answered.problem
    if (problem === null) return { ...lastEnd(status, failure.problem), isFollowed: true }
    const written = journal.failRun(job.runId, { status, problem })
    if (written.ok) return lastEnd(status, problem)
    return isDiskFull(written.problem) ? null : lastEnd(status, written.problem)
  }

  tell({ kind: 'start', job })
  return {
    runId: job.runId,
    attempt,
    get pid() {
      return child.pid
    },
    pause: () => tell({ kind: 'pause' }),
    resume: () => tell({ kind: 'resume' }),
    cancel: () => tell({ kind: 'cancel' }),
    onEvent: (listener) => {
      listeners.push(listener)
    },
    ended,
  }
}
