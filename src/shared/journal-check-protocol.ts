// Messages to and from the process that reads a whole journal again.
import { z } from 'zod'
import { problem } from './problem-schema.ts'

export const journalCheckJob = z.strictObject({ path: z.string() })
export type JournalCheckJob = z.output<typeof journalCheckJob>

export const journalCheckCommand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), job: journalCheckJob }),
  z.strictObject({ kind: z.literal('cancel') }),
])

export const journalCheckEvent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('heartbeat') }),
  z.strictObject({ kind: z.literal('cancelled') }),
  z.strictObject({ kind: z.literal('failed'), problem }),
  z.strictObject({
    kind: z.literal('finished'),
    /** What is not as it was written, each by itself; none where all is well. */
    faults: z.array(z.strictObject({ where: z.string(), message: z.string() })),
  }),
])
export type JournalCheckEvent = z.output<typeof journalCheckEvent>
