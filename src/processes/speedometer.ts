// Entry point of the speedometer process: tries one device out, in a process of its own because a device may take it along
// when it fails.
import { type SpeedEvent, type SpeedJob, speedCommand } from '#shared/speed-protocol.ts'
import { prepareEnvironment } from './backend-environment.ts'
import { openBackend } from './open-backend.ts'
import { serveJob } from './serve-job.ts'
import { checkStep } from './speedometer/check-step.ts'
import { measureStep } from './speedometer/measure-step.ts'

serveJob<SpeedJob, SpeedEvent>(speedCommand, 'backend.failed', async (job, context) => {
  const { device, threads, card, task } = job
  prepareEnvironment(device, threads, card)
  const backend = await openBackend(device, job)
  if (task.kind === 'check') await checkStep(job, backend, context)
  else await measureStep(job, task, backend, context)
  await context.emit({ kind: 'finished', backend: backend.name })
})
