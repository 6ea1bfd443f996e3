// One run over as many attempts as it takes: where a device fails it goes on by itself as next-device.ts says. For who
// follows it, it is one run from its beginning to its end.
import type { DeviceId } from '#shared/devices.ts'
import { ok, type Problem, type Result } from '#shared/result.ts'
import type { Journaled, TrainerEvent, TrainerJob, TrainerMessage } from '#shared/trainer-protocol.ts'
import type { ChildPort } from '../system/launcher.ts'
import { afterFailure, firstTry, type NextDevice, type Tries } from './next-device.ts'
import { computedRows } from './run-graphs.ts'
import type { RunWriter } from './run-journal.ts'
import {
  type ActiveRun,
  type Clock,
  type RunFailure,
  type RunOutcome,
  superviseRun,
} from './run-supervisor.ts'

export interface AttemptsOptions {
  readonly journal: RunWriter
  readonly launchTrainer: () => ChildPort
  /** Of the first attempt; `device` there, or else the recipe's, is what it begins on. */
  readonly job: TrainerJob
  /** Number of the first attempt: after another one there may be a checkpoint. */
  readonly attempt: number
  readonly clock: Clock
  readonly silentLimitMs: number
  readonly nextDevice: NextDevice
  /** Said first in the first attempt. */
  readonly notices?: readonly string[]
  /** Which of several graphics cards an attempt takes; undefined where there is nothing to choose. */
  readonly takeCard: (device: DeviceId) => number | undefined
  /** How many times the planned memory a device takes. */
  readonly memoryFactorOn: (device: DeviceId) => number
}

type Command = 'pause' | 'resume' | 'cancel'

/** Launches the first attempt and follows the run to its end. */
export function superviseAttempts(options: AttemptsOptions): ActiveRun {
  const { journal, job, clock, silentLimitMs } = options
  const listeners: ((message: TrainerMessage) => void)[] = []
  const recipeRows = computedRows(job.recipe.batch)
  const saved = { step: 0, isThere: options.attempt > 1 }
  /** How far the journal holds the run; undefined where the first attempt was not told. */
  let journaled = job.journaled
  /** The trainer has told what stands in the job. */
  let isTold = false
  let tries = firstTry(job.device ?? job.recipe.device, recipeRows)
  /** What a person asked for last, which the next attempt is told too. */
  let asked: Command = 'resume'
  let current = start(options.attempt, job, options.notices ?? [])
  const ended = follow()

  function start(attempt: number, base: TrainerJob, notices: readonly string[]) {
    const card = options.takeCard(tries.device)
    const supervised = superviseRun({
      journal,
      child: options.launchTrainer(),
      job: { ...base, ...(card !== undefined && { card }) },
      attempt,
      clock,
      silentLimitMs,
      notices,
      isSaved: () => saved.isThere,
      onFailure,
    })
    supervised.onEvent((message) => {
      watchCheckpoints(message.event)
      journaled = journaled && furtherWith(journaled, message.event)
      for (const listener of listeners) listener(message)
    })
    if (asked !== 'resume') supervised[asked]()
    return supervised
  }

  function watchCheckpoints(event: TrainerEvent): void {
    if (event.kind !== 'checkpoint' && event.kind !== 'plan') return
    isTold = true
    const step = event.kind === 'plan' ? event.resumedAtStep : event.step
    saved.step = Math.max(saved.step, step)
    // A run that was continued may have had nothing to go on from.
    saved.isThere = event.kind === 'checkpoint' || step > 0
  }

  function onFailure({ problem, isStopping }: RunFailure): Result<Problem | null> {
    if (isStopping) return ok(problem)
    const failure = { problem, savedStep: saved.step, isSaved: saved.isThere, recipeRows }
    const after = afterFailure(tries, failure, options.nextDevice)
    if (after.kind === 'over') return ok(after.problem)
    const begun = journal.nextAttempt(job.runId)
    if (!begun.ok) return begun
    tries = after.tries
    const { attempt, firstSeq } = begun.value
    const place = { ...placeOf(tries, recipeRows), memoryFactor: options.memoryFactorOn(tries.device) }
    const next = {
      ...job,
      ...place,
      ...(journaled && { journaled }),
      ...(isTold && { notices: [] }),
      firstSeq,
    }
    current = start(attempt, next, [after.sentence])
    return ok(null)
  }

  async function follow(): Promise<RunOutcome> {
    for (;;) {
      const { isFollowed, ...outcome } = await current.ended
      if (!isFollowed) return outcome
    }
  }

  const told = (command: Command) => (): void => {
    // A stop is not taken back.
    if (asked !== 'cancel') asked = command
    current[command]()
  }

  return {
    runId: job.runId,
    get attempt() {
      return current.attempt
    },
    get pid() {
      return current.pid
    },
    pause: told('pause'),
    resume: told('resume'),
    cancel: told('cancel'),
    onEvent: (listener) => {
      listeners.push(listener)
    },
    ended,
  }
}

/** How far the journal holds a run once it has this event too. */
function furtherWith(journaled: Journaled, event: TrainerEvent): Journaled {
  if (event.kind === 'step') return { ...journaled, step: event.step }
  return event.kind === 'evaluation' ? { ...journaled, evaluatedAtStep: event.step } : journaled
}

/** What the trainer is told of it: only what differs from the recipe. */
const placeOf = (
  { device, rowsAtOnce }: Tries,
  recipeRows: number,
): Pick<TrainerJob, 'device' | 'rowsAtOnce'> => ({
  device,
  ...(rowsAtOnce < recipeRows && { rowsAtOnce }),
})
