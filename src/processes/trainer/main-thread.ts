// The trainer's main thread: passes commands in and numbered events out, and ticks while the numerics computes in a
// thread of its own, for one run or several, one after the other. It computes nothing and decides nothing.
import { constants, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { describeIssue } from '#shared/recipe.ts'
import { detailsOf, type Problem } from '#shared/result.ts'
import {
  leavesInOrder,
  placeOf,
  type TrainerEvent,
  type TrainerJob,
  trainerCommand,
} from '#shared/trainer-protocol.ts'
import { prepareEnvironment } from '../backend-environment.ts'
import { connectParent, type ParentPort } from '../parent-port.ts'
import { createControl, obey, steer } from './control.ts'
import { createHeart } from './heart.ts'
import { deviceOf, type ThreadData, type ThreadMessage } from './thread-messages.ts'

/**
 * The numerics thread's heap for new objects. Left to itself, V8 lets it grow while the graph is built and keeps that
 * memory through the run: 22 MiB and more at the peak (docs/backends.md).
 */
export const newObjectsMib = 6

/**
 * Waits for `start`, then serves that run until `finished` or `failed` and exits; after a run that stays open it waits for
 * another `start` instead. `entry` is this process's own file.
 */
export function serveTrainer(entry: URL): void {
  lowerPriority()
  const parent = connectParent()
  /** Of the run under way, or else of the one to come. */
  let control = createControl()
  let numerics: Numerics | null = null
  let run: Run | null = null

  const ends: RunEnds = {
    rest() {
      run = null
      control = createControl()
    },
    async leave(exitCode) {
      await numerics?.worker.terminate()
      process.exit(exitCode)
    },
  }
  const hears: NumericsListener = {
    hear: (message) => run?.hear(message),
    die(error) {
      if (run === null) process.exit(1)
      void run.end({ kind: 'failed', problem: crashed(error) }, 1)
    },
  }

  function start(job: TrainerJob): void {
    const data: ThreadData = { job, control: control.buffer }
    run = createRun(parent, job, ends)
    if (numerics === null) numerics = startNumerics(entry, data, hears)
    else if (numerics.place === placeOf(job)) numerics.worker.postMessage(data)
    else hears.die(new Error('a process that was set up for one device or number of threads got another'))
  }

  parent.onMessage((message) => {
    const command = trainerCommand.safeParse(message)
    if (!command.success) return void refuse(parent, describeIssue(command.error))
    if (command.data.kind === 'start') {
      if (run === null) start(command.data.job)
      // Between two runs a command is for the one that is over.
    } else if (run !== null || numerics === null) obey(control, command.data)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (run === null && numerics !== null) process.exit(0)
      steer(control, 'cancel')
    })
}

/** The screen stays quick while this computes. Threads made later inherit it. Some systems do not allow it: no harm. */
function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    return
  }
}

async function refuse(parent: ParentPort, issue: { where: string; message: string }): Promise<void> {
  const problem: Problem = {
    code: 'recipe.invalid',
    message: `The trainer was told something it does not understand: ${issue.message}.`,
    where: issue.where,
    remedy: 'Start the run again; if it happens again, report it with the details.',
  }
  await parent.send({ seq: 0, event: { kind: 'failed', problem } })
  process.exit(1)
}

interface Numerics {
  readonly worker: Worker
  /** What the process is set up for. */
  readonly place: string
}

interface NumericsListener {
  hear(message: ThreadMessage): void
  /** The thread is gone. */
  die(error: unknown): void
}

/** The thread begins with the job at once; further ones are posted to it. */
function startNumerics(entry: URL, data: ThreadData, listener: NumericsListener): Numerics {
  const { job } = data
  prepareEnvironment(deviceOf(job), job.recipe.threads, job.card)
  const worker = new Worker(entry, {
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: newObjectsMib },
  })
  worker.on('message', listener.hear)
  worker.on('error', listener.die)
  worker.on('exit', (code) => listener.die(new Error(`the numerics thread ended with code ${code}`)))
  return { worker, place: placeOf(job) }
}

interface RunEnds {
  /** The run is over and the process waits for the next one. */
  rest(): void
  leave(exitCode: number): Promise<void>
}

interface Run {
  hear(message: ThreadMessage): void
  /** The last word is handed over before the process ends; the numerics has nothing open by then. */
  end(event: TrainerEvent, exitCode: number): Promise<void>
}

function createRun(parent: ParentPort, job: TrainerJob, ends: RunEnds): Run {
  let seq = job.firstSeq - 1
  let isOver = false
  const heart = createHeart((event) => void parent.send({ seq, event }))
  const tell = (event: TrainerEvent): Promise<void> => {
    seq += 1
    heart.follow(event)
    return parent.send({ seq, event })
  }
  async function end(event: TrainerEvent, exitCode: number): Promise<void> {
    if (isOver) return
    isOver = true
    heart.stop()
    const told = tell(event)
    if (job.staysOpen && exitCode === 0 && leavesInOrder(event)) return ends.rest()
    await told
    await ends.leave(exitCode)
  }
  return {
    end,
    hear(message) {
      heart.hear()
      if (message.kind === 'beat') return
      const { event } = message
      if (event.kind === 'finished' || event.kind === 'failed') void end(event, 0)
      else void tell(event)
    },
  }
}

function crashed(error: unknown): Problem {
  const isMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
  return {
    code: 'trainer.crashed',
    message: isMemory
      ? 'Training needed more memory than this computer could give.'
      : 'Training ran into a fault of Tunewright.',
    where: 'inside the training process',
    remedy: isMemory
      ? 'Start a new run with fewer rows at once (batch.rowsAtOnce) or shorter ones (batch.maxTokens).'
      : 'Resume the run: it goes on from its last checkpoint. If it happens again, report it with the details.',
    details: detailsOf(error),
  }
}
