// How fast this computer multiplies matrices: measured in a process of its own, kept in the library until it is measured
// again. A kept figure of another computer (a library that was moved) does not count.
import { join } from 'node:path'
import { z } from 'zod'
import { type MeasuredSpeed, measuredSpeed } from '#shared/contract/index.ts'
import { attemptAsync, type Result, unwrap } from '#shared/result.ts'
import { type SpeedEvent, speedEvent } from '#shared/speed-protocol.ts'
import { runChildJob } from '../proof/child-job.ts'
import type { JobTools } from './jobs.ts'
import { readKept, writeKept } from './kept-json.ts'
import type { Launcher } from './launcher.ts'
import type { Library } from './library.ts'
import { describeMachine } from './machine.ts'

const keptSpeed = z.strictObject({ processor: z.string(), speed: measuredSpeed })
const measureSeconds = 3

const pathOf = (library: Library): string => join(library.home, 'speed.json')

/** null before it was measured, and where the file cannot be read. */
export function readSpeed(library: Library): MeasuredSpeed {
  const kept = readKept(pathOf(library), keptSpeed)
  return kept?.processor === describeMachine().processor ? kept.speed : null
}

/** Problems: backend.failed, and those of a full disk. */
export function measureSpeed(
  library: Library,
  launcher: Launcher,
  { signal, tell }: JobTools,
  seconds: number = measureSeconds,
): Promise<Result<MeasuredSpeed>> {
  return attemptAsync(async () => {
    const { physicalCores, processor } = describeMachine()
    let found: MeasuredSpeed = null
    let gemmGflops = 0
    const follow = (event: SpeedEvent): void => {
      if (event.kind === 'progress') tell('Multiplying matrices', event.done, event.total)
      if (event.kind === 'multiplied') gemmGflops = event.gemmGflops
      if (event.kind === 'finished') found = { device: event.backend, gemmGflops, measuredAtMs: Date.now() }
    }
    unwrap(
      await runChildJob(launcher, {
        process: 'speedometer',
        job: {
          device: 'cpu',
          enginesFolder: library.enginesFolder,
          workFolder: '',
          threads: physicalCores,
          task: { kind: 'products', seconds },
        },
        eventSchema: speedEvent,
        onEvent: follow,
        signal,
        failure: {
          code: 'backend.failed',
          what: 'The speed measurement',
          remedy: 'Close other programs and measure again.',
        },
      }),
    )
    await writeKept(pathOf(library), { processor, speed: found })
    return found
  })
}
