// The numerics thread: does the job on its device and posts each event. A run of a graph blocks it, nothing else.
import { parentPort, workerData } from 'node:worker_threads'
import { availableMemory } from '#core/models/model-fit.ts'
import { appVersion } from '#core/system/app-version.ts'
import { ProblemError } from '#shared/result.ts'
import { openBackend } from '../open-backend.ts'
import { obeyControl } from './control.ts'
import { deviceOf, type ThreadData, type ThreadMessage } from './thread-messages.ts'
import { runTrainingJob } from './training-job.ts'

const peakResidentBytes = (): number => process.resourceUsage().maxRSS * 1024

export async function runNumericsThread(): Promise<void> {
  const { job, control } = workerData as ThreadData
  const post = (message: ThreadMessage): void => parentPort?.postMessage(message)
  const commands = obeyControl(new Int32Array(control))
  const backend = await openBackend(deviceOf(job), job).catch((error: unknown) => {
    if (!(error instanceof ProblemError)) throw error
    post({ kind: 'event', event: { kind: 'failed', problem: error.problem } })
  })
  if (!backend) return
  const events = runTrainingJob(job, {
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
  })
  for await (const event of events) post({ kind: 'event', event })
}
