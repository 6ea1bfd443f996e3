// A training job run in the test's own process, without a trainer around it.
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { runTrainingJob } from '../../../src/processes/trainer/training-job.ts'

/** All events; with `stopAtStep` the run is cancelled there. Without `memory` nobody looks at it. */
export async function runJobHere(
  job: TrainerJob,
  stopAtStep = Number.POSITIVE_INFINITY,
  memory: MemoryLook | null = null,
): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = []
  let step = 0
  const host = {
    backend: createOnnxBackend(),
    appVersion: 'test',
    nowMs: () => performance.now(),
    memory,
    peakResidentBytes: () => 1,
    nextCommand: async () => (step >= stopAtStep ? ('cancel' as const) : ('continue' as const)),
    holdYourself: () => {},
    waitWhilePaused: async () => 'cancel' as const,
  }
  for await (const event of runTrainingJob(job, host)) {
    events.push(event)
    if (event.kind === 'step') step = event.step
  }
  return events
}
