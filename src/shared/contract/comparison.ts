// Any number of runs beside each other: curves, settings, figures, answers. What would be too much for one answer comes in
// parts: an answer is about the first of the runs that were asked for, and says about how many. Whoever asks goes on with
// the rest, so that nothing is left out without being seen.
import { z } from 'zod'
import { count } from '../fields.ts'
import { mostListedRuns, runQuery } from '../journal-commands.ts'
import { metricName } from '../metrics.ts'
import { interval } from '../proof-protocol.ts'
import { call, id, lookedIntoJournal as journal, page } from './define.ts'

/** As many as the longest page of the journal's list has. */
export const mostCompared = mostListedRuns
const runIds = z.array(id).min(1).max(mostCompared)

const curvePoint = z.tuple([z.number(), z.number()])
/** What curves are drawn over: optimizer steps, tokens seen, or seconds at work (pauses between attempts left out). */
export const curveAxes = ['step', 'tokens', 'time'] as const
/** Points of a training curve: fewer say too little, more than 400 no chart has pixels for. */
export const curvePoints = { least: 40, most: 400 } as const
export const overlayCurve = z.strictObject({
  runId: id,
  name: z.string(),
  /** [place on the axis, loss in nats], thinned. */
  train: z.array(curvePoint),
  validation: z.array(curvePoint),
})
export type OverlayCurve = z.output<typeof overlayCurve>

/** A setting of several runs: each value once, and for each run in their order which of them it has. */
export const settingOfRuns = z.strictObject({
  path: z.string(),
  /** null where a run has no such field. */
  values: z.array(z.json()),
  of: z.array(count),
})

export const comparedMetric = z.strictObject({
  metric: metricName,
  /** One for each run, in their order; null where it was not measured. */
  values: z.array(interval.nullable()),
  isHigherBetter: z.boolean(),
})
export type ComparedMetric = z.output<typeof comparedMetric>

export const comparedAnswer = z.strictObject({
  rowId: z.string(),
  prompt: z.string().nullable(),
  expected: z.string(),
  /** One for each column of the page, in their order; null where that run's proof does not have this row. */
  answers: z.array(z.strictObject({ text: z.string(), score: z.number().nullable() }).nullable()),
  /** Whether two of the answers, of all runs, are other texts. */
  isDifferent: z.boolean(),
})
export type ComparedAnswer = z.output<typeof comparedAnswer>

/** Runs whose answers come at once. */
const mostColumns = 100

export const comparisonCalls = {
  /** Ids of what a list shows, in its order: as many as can be compared at once. */
  'experiments.ids': call(
    runQuery.omit({ limit: true, offset: true }).extend({ journal }),
    z.strictObject({ runIds: z.array(id), total: count }),
  ),
  /** Of the first of these runs, at least one: those behind are asked for anew. */
  'experiments.curves': call(
    z.strictObject({
      runIds,
      journal,
      axis: z.enum(curveAxes).default('step'),
      points: z.int().min(curvePoints.least).max(curvePoints.most).default(curvePoints.most),
    }),
    z.strictObject({ curves: z.array(overlayCurve) }),
  ),
  /** Of the first of these runs, as many as `lockedRows` has: those behind are asked for anew. */
  'experiments.compare': call(
    z.strictObject({ runIds, journal }),
    z.strictObject({
      settings: z.array(settingOfRuns),
      /** Each run's newest proof; two compare where they were measured on the same locked rows. */
      metrics: z.array(comparedMetric),
      /** For each run which locked rows its newest proof is about: the same text, the same rows; null where there is none. */
      lockedRows: z.array(z.string().nullable()),
    }),
  ),
  /**
   * Answers of the runs' newest proofs on the same rows; rows that answers differ in come first. A page has some of the
   * rows, and of these the answers of some of the runs that are not left out.
   */
  'experiments.answers': call(
    z.strictObject({
      runIds,
      journal,
      text: z.string().max(500).default(''),
      ...page,
      columnOffset: count.default(0),
      columnLimit: z.int().min(1).max(mostColumns).default(24),
    }),
    z.strictObject({
      /** Runs whose answers were read so far. While they are not all, there is no page yet: the same is asked again. */
      read: count,
      answers: z.array(comparedAnswer),
      total: count,
      /** Of all rows those on which the answers differ. */
      different: count,
      /** Runs that cannot stand beside the most that were measured on the same rows, with the reason. */
      leftOut: z.array(z.strictObject({ runId: id, reason: z.enum(['not-measured', 'other-rows']) })),
    }),
  ),
} as const
