// Messages to and from the process that reads a whole journal again.
import { z } from 'zod'
import { childCommand, childEvents } from './child-protocol.ts'

const journalCheckJob = z.strictObject({ path: z.string() })
export type JournalCheckJob = z.output<typeof journalCheckJob>

export const journalCheckCommand = childCommand(journalCheckJob)

export const journalCheckEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  z.strictObject({
    kind: z.literal('finished'),
    /** What is not as it was written, each by itself; none where all is well. */
    faults: z.array(z.strictObject({ where: z.string(), message: z.string() })),
  }),
])
export type JournalCheckEvent = z.output<typeof journalCheckEvent>
