// A training job run in the test's own process, without a trainer around it.
import { expect } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { Backend } from '#engine/index.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { runTrainingJob } from '../../../src/processes/trainer/training-job.ts'
import { finishedOf } from './trainer-process.ts'

/** All events; with `stopAtStep` the run is cancelled there. Without `memory` nobody looks at it. By default on ONNX Runtime. */
export async function runJobHere(
  job: TrainerJob,
  stopAtStep = Number.POSITIVE_INFINITY,
  memory: MemoryLook | null = null,
  backend: Backend = createOnnxBackend(),
): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = []
  let step = 0
  const host = {
    backend,
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

/** Of the measurements on validation rows. */
export const lossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'evaluation' ? [event.lossNats] : []))

export const stepLossesIn = (events: readonly TrainerEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'step' ? [event.lossNats] : []))

/** A job made twice learns, and stopped after three steps and gone on with it ends bit for bit as it does unbroken. */
export async function expectLearnsAndGoesOn(makeJob: () => Promise<TrainerJob>): Promise<void> {
  const whole = await runJobHere(await makeJob())
  const [first, ...later] = lossesIn(whole)
  expect(Math.min(...later)).toBeLessThan(first! - 0.5)

  const job = await makeJob()
  expect(finishedOf(await runJobHere(job, 3)).reason).toBe('cancelled')
  const rest = await runJobHere(job)
  expect(finishedOf(rest).adapterSha256).toBe(finishedOf(whole).adapterSha256)
  expect(lossesIn(rest)).toEqual(lossesIn(whole).slice(1))
}
