// What the table of experiments takes from a recipe and from a proof, whichever version wrote them.
import { z } from 'zod'
import { runSummary } from './journal-types.ts'
import { metricName } from './metrics.ts'
import { interval, verdict } from './proof-protocol.ts'

/** A run without what only its detail has. */
export const plainSummary = z.object(runSummary.shape)

/** The recipe of an older version may lack a field. */
export const recipeFigures = z.object({
  method: z.object({ kind: z.string(), rank: z.number().nullish() }).nullish(),
  optimizer: z.object({ learningRate: z.number() }).nullish(),
  duration: z.object({ epochs: z.number() }).nullish(),
  batch: z.object({ microRows: z.number(), accumulation: z.number() }).nullish(),
  device: z.string().nullish(),
})

export const proofFigures = z.object({
  metric: metricName,
  baseline: interval.loose(),
  tuned: interval.loose(),
  verdict: z.object({ kind: verdict.shape.kind }),
})
