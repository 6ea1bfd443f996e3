// The numerics thread: does jobs on their device, one after the other, and posts each event. A run of a graph blocks it,
// nothing else. It is one thread for all jobs of a process: compiled graphs cannot leave the thread that made them, and the
// runtime treats the thread of its first graph otherwise than later ones (docs/backends.md).
import { writeFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { availableMemory } from '#core/models/model-fit.ts'
import { appVersion } from '#core/system/app-version.ts'
import type { Backend } from '#engine/index.ts'
import { ProblemError } from '#shared/result.ts'
import { openBackend } from '../open-backend.ts'
import { obeyControl } from './control.ts'
import { createKeptParts, type KeptParts } from './kept-parts.ts'
import { deviceOf, type ThreadData, type ThreadMessage } from './thread-messages.ts'
import { runTrainingJob, type TrainerHost } from './training-job.ts'

const peakOfProcess = (): number => process.resourceUsage().maxRSS * 1024

export async function runNumericsThread(): Promise<void> {
  const first = workerData as ThreadData
  const kept = createKeptParts()
  const backend = await openBackend(deviceOf(first.job), first.job).catch((error: unknown) => {
    if (!(error instanceof ProblemError)) throw error
    post({ kind: 'event', event: { kind: 'failed', problem: error.problem } })
  })
  if (!backend) return
  let last = serve(first, backend, kept, peakOfProcess)
  if (first.job.staysOpen)
    parentPort?.on('message', (next: ThreadData) => {
      last = last.then(() => serve(next, backend, kept, beginPeak()))
    })
  await last
}

const post = (message: ThreadMessage): void => parentPort?.postMessage(message)

async function serve(
  { job, control }: ThreadData,
  backend: Backend,
  kept: KeptParts,
  peakResidentBytes: () => number,
): Promise<void> {
  const commands = obeyControl(new Int32Array(control))
  const host: TrainerHost = {
    ...commands,
    backend,
    appVersion,
    nowMs: () => performance.now(),
    peakResidentBytes,
    memory: {
      peakResidentBytes,
      residentBytes: () => process.memoryUsage.rss(),
      availableBytes: availableMemory,
    },
    nextCommand: () => {
      post({ kind: 'beat' })
      return commands.nextCommand()
    },
  }
  for await (const event of runTrainingJob(job, host, kept)) post({ kind: 'event', event })
}

/** From now on the peak is that of the next run (Linux, proc(5)); elsewhere what is resident when it is asked for. */
function beginPeak(): () => number {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
    return peakOfProcess
  } catch {
    return () => process.memoryUsage.rss()
  }
}
