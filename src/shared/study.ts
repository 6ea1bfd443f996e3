// A study: one search over settings of a recipe, described before it begins and never changed. What is searched, how, how
// long, and what a trial is. The journal keeps exactly this; sampling and stopping are pure functions of it.
import { z } from 'zod'
import { count, text, timeMs } from './fields.ts'
import { recipe } from './recipe.ts'

/** What a search can be at most; who asks for one says these in words of his own. */
export const mostOfStudy = {
  nameCharacters: 200,
  ranges: 40,
  trials: 10_000,
  confirmSeeds: 10,
  seed: 4_294_967_295,
} as const

const id = text.min(1).max(200)
const path = z.string().min(1).max(80)
const settingValue = z.union([z.string().max(200), z.number(), z.boolean(), z.null()])
export type StudiedValue = z.output<typeof settingValue>

/** Settings by path ("method.rank"), as `settingChanges` of a plan. */
export const studiedSettings = z.record(path, settingValue)
export type StudiedSettings = Readonly<z.output<typeof studiedSettings>>

/**
 * A dimension counts only where another one has one of these values; it must come after that one. Where the other one is not
 * searched, the condition is taken as met.
 */
const condition = z.strictObject({ path, values: z.array(settingValue).min(1).max(100) })

const numeric = {
  path,
  /** Both ends belong to the range. */
  low: z.number(),
  high: z.number(),
  /** Searched by its logarithm: each factor counts alike. */
  isLog: z.boolean().default(false),
  onlyWhen: condition.nullable().default(null),
}
export const dimension = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('number'), ...numeric }),
    z.strictObject({ kind: z.literal('whole'), ...numeric, low: z.int(), high: z.int() }),
    z.strictObject({
      kind: z.literal('choice'),
      path,
      values: z.array(settingValue).min(1).max(100),
      onlyWhen: condition.nullable().default(null),
    }),
  ])
  .refine((one) => one.kind === 'choice' || one.low <= one.high, 'expected the lower end first')
  .refine((one) => one.kind === 'choice' || !one.isLog || one.low > 0, 'a range by factors begins above 0')
export type Dimension = z.output<typeof dimension>

/** In an order in which each condition's dimension comes before what depends on it. */
export const searchSpace = z.array(dimension).min(1).max(mostOfStudy.ranges)
export type SearchSpace = z.output<typeof searchSpace>

export const samplerKinds = ['grid', 'random', 'quasi-random', 'tpe'] as const
export type SamplerKind = (typeof samplerKinds)[number]

/** A night's hours by this computer's clock, minutes since midnight; `to` below `from` goes over midnight. */
export const schedule = z.strictObject({
  fromMinute: z.int().min(0).max(1439),
  toMinute: z.int().min(0).max(1439),
})
export type Schedule = z.output<typeof schedule>

/** The study ends at whichever comes first; at least one is set. */
export const studyBudget = z
  .strictObject({
    /** Trials of the search that were computed, to their end or until they were given up. */
    trials: z.int().min(1).max(mostOfStudy.trials).nullable().default(null),
    /** Time at work, pauses left out. */
    workMs: z.int().min(1000).nullable().default(null),
    /** Wall clock, UTC. */
    untilMs: timeMs.nullable().default(null),
  })
  .refine((one) => one.trials !== null || one.workMs !== null || one.untilMs !== null, 'expected a limit')
export type StudyBudget = z.output<typeof studyBudget>

/** Asynchronous successive halving (Li et al. 2020, ASHA): at each share of all steps the worse trials are given up. */
export const pruning = z.strictObject({
  /** A trial goes on where it is among the best 1 / reduction that came so far. */
  reduction: z.number().min(2).max(10).default(3),
  /** Shares of a trial's steps at which it is compared, rising, each below 1. */
  rungs: z
    .array(z.number().gt(0).lt(1))
    .min(1)
    .max(8)
    .default([1 / 9, 1 / 3]),
  /** Trials that came to a rung before anything is given up there. */
  startupTrials: z.int().min(1).max(100).default(4),
})
export type Pruning = z.output<typeof pruning>

/** A result of an earlier run or trial that the sampler knows from the start. */
export const priorTrial = z.strictObject({
  runId: id,
  settings: studiedSettings,
  lossNats: z.number(),
})
export type PriorTrial = z.output<typeof priorTrial>

/** Nothing is called better, or worse, by fewer seeds of either side: of two the interval says next to nothing. */
export const fewestSeeds = 3

/** Everything that decides a study. The same study on the same computer gives the same trials. */
export const studySpec = z.strictObject({
  version: z.literal(1),
  /** What a trial changes: every setting, data and model by their bytes. Its own seed is that of all trials of the search. */
  base: recipe,
  space: searchSpace,
  sampler: z.enum(samplerKinds),
  /** Trials at random before TPE models anything. */
  startupTrials: z.int().min(1).max(1000).default(10),
  budget: studyBudget,
  /** Null: every trial goes to its end. */
  pruning: pruning.nullable(),
  seed: z.int().min(0).max(mostOfStudy.seed),
  /**
   * The base and the best trial are each computed with so many seeds before one is called the winner; 1 does neither. Fewer
   * than `fewestSeeds` stand in older journals only.
   */
  confirmSeeds: z.int().min(1).max(mostOfStudy.confirmSeeds).default(3),
  /** Trials at once. More than one only where there are several graphics cards. */
  parallel: z.int().min(1).max(64).default(1),
  priors: z.array(priorTrial).max(1000).default([]),
})
export type StudySpec = z.output<typeof studySpec>

/** `waiting`: has its turn to come, for whatever reason; `running`: a trial is at work. */
export const studyStatuses = ['waiting', 'running', 'paused', 'finished', 'stopped', 'failed'] as const
export type StudyStatus = (typeof studyStatuses)[number]
/** They go on by themselves when the program is opened again. */
export const livingStudy = z.enum(['waiting', 'running', 'paused'])
export type LivingStudy = z.output<typeof livingStudy>
export const livingStudies: readonly StudyStatus[] = livingStudy.options

/** `search`: one point of the space. `preset`: the base with another seed. `winner`: the best point with another seed. */
export const trialPurposes = ['search', 'preset', 'winner'] as const
export type TrialPurpose = (typeof trialPurposes)[number]

/**
 * `planned`: decided, its run not at its end. `complete`: came to its end. `pruned`: given up at a rung. `skipped`: known
 * not to fit before it began. `failed`: its run ended otherwise (diverged, crashed more than once). `stopped`: a person, or
 * the end of the study's time, ended it; older journals have those as `failed`.
 */
export const trialStatuses = ['planned', 'complete', 'pruned', 'skipped', 'failed', 'stopped'] as const
export type TrialStatus = (typeof trialStatuses)[number]

/** Validation loss of a trial at a rung, and what it would have had to be below or at; null: nothing to compare with yet. */
export const rungResult = z.strictObject({ share: z.number(), lossNats: z.number() })
export const pruneRung = z.strictObject({ share: z.number().gt(0).lt(1), aboveNats: z.number().nullable() })
export type PruneRung = z.output<typeof pruneRung>

/** Work of a trial, and what of it was saved. */
export const trialWork = z.strictObject({
  durationMs: count.nullable(),
  /** Steps that were computed, and those that the whole trial would have had. */
  steps: count,
  plannedSteps: count,
  /** The model was loaded already by the trial before it. */
  isModelReused: z.boolean(),
  /** Graphs taken over from the trial before it. */
  graphsReused: count,
  /** Rows whose states below the trained blocks came from the disk, and those that were computed. */
  frozenRowsReused: count,
  frozenRowsComputed: count,
  peakResidentBytes: count.nullable(),
  /** Size of what it leaves. */
  tunedBytes: count.nullable(),
})
export type TrialWork = z.output<typeof trialWork>

/** A trial as the journal has it. */
export const studyTrial = z.strictObject({
  studyId: id,
  /** From 0, in the order in which they were decided. */
  number: count,
  purpose: z.enum(trialPurposes),
  settings: studiedSettings,
  seed: z.int().min(0).max(mostOfStudy.seed),
  /** Decided before it began, so that it is the same after a kill. Empty where nothing is given up. */
  rungs: z.array(pruneRung),
  status: z.enum(trialStatuses),
  runId: id.nullable(),
  /** Lowest validation loss, and at which step; of a pruned one the lowest until it was given up. */
  lossNats: z.number().nullable(),
  lossStep: count.nullable(),
  rungLosses: z.array(rungResult),
  /** Why it was skipped, given up, failed or stopped, in one sentence. */
  reason: z.string().nullable(),
  work: trialWork.nullable(),
  createdAtMs: timeMs,
  endedAtMs: timeMs.nullable(),
})
export type StudyTrial = z.output<typeof studyTrial>

export const journalStudy = z.strictObject({
  id,
  projectId: id,
  projectName: z.string(),
  name: z.string(),
  status: z.enum(studyStatuses),
  spec: studySpec,
  schedule: schedule.nullable(),
  /** Of several that wait the higher one goes first; runs have 1, studies 0 unless a person says otherwise. */
  priority: z.int().min(-10).max(10),
  notes: z.string(),
  createdAtMs: timeMs,
  startedAtMs: timeMs.nullable(),
  endedAtMs: timeMs.nullable(),
  /** Time at work so far, pauses left out, up to the last trial that ended. */
  workedMs: count,
  /** Why it failed or waits for a person, in one sentence. */
  reason: z.string().nullable(),
})
export type JournalStudy = z.output<typeof journalStudy>
