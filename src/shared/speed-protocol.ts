// Messages to and from the process that measures how fast this computer multiplies matrices.
import { z } from 'zod'
import { childCommand, childEvents } from './child-protocol.ts'

export const speedJob = z.strictObject({
  threads: z.int().min(1).max(256),
  seconds: z.number().min(0.05).max(60),
})
export type SpeedJob = z.output<typeof speedJob>

export const speedCommand = childCommand(speedJob)

export const speedEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  /** Whole products done, of about how many. */
  z.strictObject({ kind: z.literal('progress'), done: z.int(), total: z.int() }),
  z.strictObject({
    kind: z.literal('finished'),
    /** Name and version of the backend. */
    device: z.string(),
    /** Best rate of float32 products, in 10^9 operations a second. */
    gemmGflops: z.number(),
  }),
])
export type SpeedEvent = z.output<typeof speedEvent>
