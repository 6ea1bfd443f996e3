// How a call or an event of the contract is declared: its input and its output as zod schemas, once, for both ends.
import { z } from 'zod'

export const call = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) => ({ input, output })

export const nothing = z.strictObject({})
/** Opaque names that core gives out. */
export const id = z.string().min(1).max(200)
/** A journal that was opened for looking only; left out, one's own. */
export const lookedIntoJournal = id.optional()
export const started = z.strictObject({ jobId: id })
/** A page of a longer list. */
export const page = {
  offset: z.int().nonnegative().default(0),
  limit: z.int().min(1).max(1000).default(100),
}
