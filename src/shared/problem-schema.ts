// A Problem as it arrives in a message from another process. What it says is not judged here.
import { z } from 'zod'
import type { Problem } from './result.ts'

export const problem: z.ZodType<Problem> = z.looseObject({
  code: z.string(),
  message: z.string(),
  where: z.string(),
  remedy: z.string(),
  details: z.string().optional(),
}) as unknown as z.ZodType<Problem>
