// Messages to and from the sandbox process, in which programs that a model wrote are tried out.
import { z } from 'zod'
import { problem } from './problem-schema.ts'

/** The languages a program can be run in. */
export const programLanguage = z.enum(['python', 'javascript'])
export type ProgramLanguage = z.output<typeof programLanguage>

export const programEnds = [
  'passed',
  /** A test did not hold. */
  'test-failed',
  /** The program or a test ended with an error. */
  'error',
  /** There is no test, so nothing can be said. */
  'no-tests',
  'time',
  'memory',
  'output',
  /** The interpreter itself broke down. */
  'crashed',
] as const

export const programOutcome = z.strictObject({
  passed: z.boolean(),
  end: z.enum(programEnds),
  /** Why it did not pass, in words; null where it did. */
  reason: z.string().nullable(),
})
export type ProgramOutcome = z.output<typeof programOutcome>

export const sandboxLimits = z.strictObject({
  /** Time for one program with its tests. */
  timeMs: z.int().min(1),
  /** Memory of one program. */
  memoryBytes: z.int().min(1),
  /** What it may print, and at most 256 times as much in files of its own. */
  outputBytes: z.int().min(1),
})
export type SandboxLimits = z.output<typeof sandboxLimits>

export const sandboxCommand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('start'), language: programLanguage, limits: sandboxLimits }),
  z.strictObject({ kind: z.literal('run'), id: z.int(), code: z.string(), tests: z.string() }),
])

export const sandboxEvent = z.discriminatedUnion('kind', [
  /** The interpreter is loaded; programs may be sent, one at a time. */
  z.strictObject({ kind: z.literal('ready') }),
  /** The program's time begins now. */
  z.strictObject({ kind: z.literal('began'), id: z.int() }),
  z.strictObject({ kind: z.literal('result'), id: z.int(), outcome: programOutcome }),
  z.strictObject({ kind: z.literal('failed'), problem }),
])
