// Messages of the scorer process where a new last layer names classes: what it makes of texts, and what could be said
// without it. And of one that stays open for texts that somebody brings, one after the other.
import { z } from 'zod'
import { childEvents } from './child-protocol.ts'
import { problem } from './problem-schema.ts'
import { tunedVersion } from './proof-protocol.ts'
import { scenarioId, trainingMethod } from './recipe.ts'

/** A text with its answer in the scenario's form: a label, or `KIND: words` lines. */
const classedRow = z.strictObject({ rowId: z.string(), text: z.string(), answer: z.string() })

export const classJob = z.strictObject({
  modelFolder: z.string(),
  tuned: tunedVersion,
  method: trainingMethod,
  scenario: scenarioId,
  /** What the outputs stand for, in order (core/training/class-names.ts). */
  classNames: z.array(z.string()).min(2),
  /** A folder of this job for the backend's files; the caller removes it afterwards. */
  workFolder: z.string(),
  threads: z.int().min(1).max(256),
  /** Longer rows are left out with a reason. */
  maxTokens: z.int().min(16),
  rows: z.array(classedRow),
  /**
   * Rows to measure beside: each text has the class whose mean state of these is nearest in the frozen model; and where
   * the states may lie that training kept. null measures the head alone.
   */
  nearest: z
    .strictObject({
      rows: z.array(classedRow),
      cacheFolder: z.string(),
      weightsSha256: z.string().length(64),
    })
    .nullable(),
})
export type ClassJob = z.output<typeof classJob>

const classSide = z.strictObject({
  /** In the scenario's form. */
  answer: z.string(),
  /** Sum of the cross-entropy over the places of the row that are classified, in nats. */
  lossNats: z.number(),
  /** Of a whole text log P of each class, in order; null where words are classified. */
  logProbs: z.array(z.number()).nullable(),
})
export const classScore = z.strictObject({
  rowId: z.string(),
  places: z.int(),
  tuned: classSide,
  base: classSide.nullable(),
})
export type ClassScore = z.output<typeof classScore>
export type ClassSide = z.output<typeof classSide>

export const classEvent = z.discriminatedUnion('kind', [
  ...childEvents,
  z.strictObject({ kind: z.literal('phase'), phase: z.enum(['loading', 'preparing', 'working']) }),
  z.strictObject({
    kind: z.literal('plan'),
    leftOut: z.array(z.strictObject({ rowId: z.string(), reason: z.string() })),
    backend: z.string(),
  }),
  z.strictObject({ kind: z.literal('classes'), rows: z.array(classScore), done: z.int(), total: z.int() }),
  z.strictObject({ kind: z.literal('finished') }),
])
export type ClassEvent = z.output<typeof classEvent>

/** What stays open between texts. */
export const namingJob = classJob.omit({ rows: true, nearest: true })
export type NamingJob = z.output<typeof namingJob>

export const namingCommand = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('openNaming'), job: namingJob }),
  z.strictObject({ kind: z.literal('name'), text: z.string() }),
])
export type NamingCommand = z.output<typeof namingCommand>

export const namingEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('named'),
    /** Null where the text cannot be read: `reason` says why. */
    side: classSide.nullable(),
    reason: z.string().nullable(),
  }),
  /** Of the text that was asked last, or of the opening: the process is ended then. */
  z.strictObject({ kind: z.literal('failed'), problem }),
])
export type NamingEvent = z.output<typeof namingEvent>
