// The numerics thread: does the job on the ONNX backend and posts each event. A run of a graph blocks it, nothing else.
import { parentPort, workerData } from 'node:worker_threads'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { availableMemory } from '#core/models/model-fit.ts'
import { appVersion } from '#core/system/app-version.ts'
import { obeyControl } from './control.ts'
import type { ThreadData, ThreadMessage } from './thread-messages.ts'
import { runTrainingJob } from './training-job.ts'

const peakResidentBytes = (): number => process.resourceUsage().maxRSS * 1024

export async function runNumericsThread(): Promise<void> {
  const { job, control } = workerData as ThreadData
  const post = (message: ThreadMessage): void => parentPort?.postMessage(message)
  const commands = obeyControl(new Int32Array(control))
  const events = runTrainingJob(job, {
    ...commands,
    backend: createOnnxBackend(),
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
