// The trainer's main thread: passes commands in and numbered events out, and ticks while the numerics computes in a
// thread of its own. It computes nothing and decides nothing.
import { constants, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { describeIssue } from '#shared/recipe.ts'
import { detailsOf, type Problem } from '#shared/result.ts'
import { type TrainerEvent, type TrainerJob, trainerCommand } from '#shared/trainer-protocol.ts'
import { prepareEnvironment } from '../backend-environment.ts'
import { connectParent, type ParentPort } from '../parent-port.ts'
import { type Control, createControl, steer } from './control.ts'
import { createHeart } from './heart.ts'
import { deviceOf, type ThreadMessage } from './thread-messages.ts'

/**
 * The numerics thread's heap for new objects. Left to itself, V8 lets it grow while the graph is built and keeps that
 * memory through the run: 22 MiB and more at the peak (docs/backends.md).
 */
export const newObjectsMib = 6

/** Waits for `start`, then serves one run until `finished` or `failed` and exits. `entry` is this process's own file. */
export function serveTrainer(entry: URL): void {
  lowerPriority()
  const parent = connectParent()
  const control = createControl()
  let isStarted = false
  parent.onMessage((message) => {
    const command = trainerCommand.safeParse(message)
    if (!command.success) return void refuse(parent, describeIssue(command.error))
    if (command.data.kind !== 'start') return steer(control, command.data.kind)
    if (isStarted) return
    isStarted = true
    startRun(entry, parent, command.data.job, control)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => steer(control, 'cancel'))
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

function startRun(entry: URL, parent: ParentPort, job: TrainerJob, control: Control): void {
  let seq = job.firstSeq - 1
  let isOver = false
  const heart = createHeart((event) => void parent.send({ seq, event }))
  const tell = (event: TrainerEvent): Promise<void> => {
    seq += 1
    heart.follow(event)
    return parent.send({ seq, event })
  }
  prepareEnvironment(deviceOf(job), job.recipe.threads, job.card)
  const worker = new Worker(entry, {
    workerData: { job, control: control.buffer },
    resourceLimits: { maxYoungGenerationSizeMb: newObjectsMib },
  })
  /** The last word is handed over before the process ends; the numerics has nothing open by then. */
  const end = async (event: TrainerEvent, exitCode: number): Promise<void> => {
    if (isOver) return
    isOver = true
    heart.stop()
    await tell(event)
    await worker.terminate()
    process.exit(exitCode)
  }
  worker.on('message', (message: ThreadMessage) => {
    heart.hear()
    if (message.kind === 'beat') return
    const { event } = message
    if (event.kind === 'finished' || event.kind === 'failed') void end(event, 0)
    else void tell(event)
  })
  worker.on('error', (error) => void end({ kind: 'failed', problem: crashed(error) }, 1))
  worker.on(
    'exit',
    (code) =>
      void end(
        { kind: 'failed', problem: crashed(new Error(`the numerics thread ended with code ${code}`)) },
        1,
      ),
  )
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
