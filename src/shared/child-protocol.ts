// What every process that does one job hears and says: begun once, cancelled or done, then it ends.
import { z } from 'zod'
import { problem } from './problem-schema.ts'

export const childCommand = <T extends z.ZodType>(job: T) =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('start'), job }),
    z.strictObject({ kind: z.literal('cancel') }),
  ])

/** Its own events stand beside these, `finished` among them. */
export const childEvents = [
  z.strictObject({ kind: z.literal('heartbeat') }),
  z.strictObject({ kind: z.literal('cancelled') }),
  z.strictObject({ kind: z.literal('failed'), problem }),
] as const
